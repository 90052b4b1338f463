internal import DuckDB
internal import PostgresWire

/// Rows of a result as messages, ready to be sent, as far as the limits allow.
struct PostgresResult {
  let columns: [WireColumn]
  /// DataRow messages.
  private(set) var bytes: [UInt8] = []
  /// Where each row ends in the bytes.
  private(set) var ends: [Int] = []
  /// How many rows were handed out.
  private(set) var sent = 0

  /// The most bytes of a result.
  static let byteLimit = 64 << 20

  /// Reads a result to its end.
  /// - Throws: `WireError` with `programLimit` beyond the limits: an answer is whole, or it is none.
  init(_ result: QueryResult, _ columns: [WireColumn], rowLimit: Int) throws {
    self.columns = columns
    var result = result
    var writer = BackendWriter()
    while let chunk = try result.nextChunk() {
      let values = try result.columns.indices.map { try chunk.values($0) }
      for row in 0..<chunk.rowCount {
        guard ends.count < rowLimit, writer.bytes.count < Self.byteLimit else {
          throw WireError(
            .programLimit,
            "the result has more than \(rowLimit) rows or \(Self.byteLimit >> 20) MiB; aggregate it, or add a LIMIT")
        }
        writer.dataRow(columns: columns.count) { index, bytes in
          ValueEncoder.append(values[index][row], columns[index], to: &bytes)
        }
        ends.append(writer.bytes.count)
      }
    }
    bytes = writer.bytes
  }

  /// A result that is known already, in text.
  init(_ columns: [WireColumn], rows: [[String]]) {
    self.columns = columns
    var writer = BackendWriter()
    for row in rows {
      writer.dataRow(columns: columns.count) { index, bytes in
        bytes += row[index].utf8
        return true
      }
      ends.append(writer.bytes.count)
    }
    bytes = writer.bytes
  }

  var rowCount: Int { ends.count }

  /// Whether every row was handed out.
  var isDone: Bool { sent == ends.count }

  /// Forgets the rows' bytes, once all were handed out.
  mutating func release() { if isDone { bytes = [] } }

  /// The next rows, at most so many; 0: all.
  mutating func take(_ count: Int) -> ArraySlice<UInt8> {
    if isDone { return [] }
    let last = count == 0 ? ends.count : min(ends.count, sent + count)
    let start = sent == 0 ? 0 : ends[sent - 1]
    let end = last == 0 ? 0 : ends[last - 1]
    sent = last
    return bytes[start..<max(start, end)]
  }
}
