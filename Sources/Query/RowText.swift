public import DuckDB

/// Rows as text for programs, as far as limits allow.
public struct RowText {
  /// What is written.
  public enum Format: Sendable {
    /// `{"columns":[{"name","type"}…],"rows":[[…]…],"truncated":…,"seconds":…}`.
    case json
    /// RFC 4180 with a header; NULL is an empty field, an empty string is `""`.
    case csv
  }

  /// Writes the rows of a result until it ends, or `rows` rows or `bytes` bytes are written.
  public static func write(
    _ result: QueryResult, _ format: Format, rows limit: Int, bytes byteLimit: Int, since begin: ContinuousClock.Instant
  ) throws -> [UInt8] {
    var result = result
    var out: [UInt8] = []
    var rows = 0
    var isCut = false
    header(result.columns, format, &out)
    reading: while let chunk = try result.nextChunk() {
      let columns = try result.columns.indices.map { try chunk.values($0) }
      for row in 0..<chunk.rowCount {
        if rows == limit || out.count > byteLimit {
          isCut = true
          break reading
        }
        append(columns, row, format, isFirst: rows == 0, &out)
        rows += 1
      }
    }
    if case .json = format {
      let seconds = (ContinuousClock.now - begin) / .seconds(1)
      out += "],\"truncated\":\(isCut),\"seconds\":\((seconds * 1e4).rounded() / 1e4)}".utf8
    }
    return out
  }

  private static func header(_ columns: [Column], _ format: Format, _ out: inout [UInt8]) {
    switch format {
    case .json:
      out += "{\"columns\":[".utf8
      for (index, column) in columns.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        ValueText.appendJSON(
          .structure([.init("name", .string(column.name)), .init("type", .string("\(column.type)"))]), to: &out)
      }
      out += "],\"rows\":[".utf8
    case .csv:
      for (index, column) in columns.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        CSVText.append(column.name, to: &out)
      }
      out.append(UInt8(ascii: "\n"))
    }
  }

  private static func append(
    _ columns: [[Value]], _ row: Int, _ format: Format, isFirst: Bool, _ out: inout [UInt8]
  ) {
    switch format {
    case .json:
      out += isFirst ? "[".utf8 : ",[".utf8
      for index in columns.indices {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        ValueText.appendJSON(columns[index][row], to: &out)
      }
      out.append(UInt8(ascii: "]"))
    case .csv:
      for index in columns.indices {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        if let text = ValueText.cell(columns[index][row]) { CSVText.append(text, to: &out) }
      }
      out.append(UInt8(ascii: "\n"))
    }
  }
}

/// Fields of CSV (RFC 4180).
public enum CSVText {
  /// A field, in quotes where it needs them.
  public static func append(_ text: String, to out: inout [UInt8]) {
    let needsQuotes = text.isEmpty || text.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
    guard needsQuotes else {
      out.append(contentsOf: text.utf8)
      return
    }
    out.append(0x22)
    for byte in text.utf8 {
      if byte == 0x22 { out.append(0x22) }
      out.append(byte)
    }
    out.append(0x22)
  }
}
