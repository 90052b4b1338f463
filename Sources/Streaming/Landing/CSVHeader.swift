internal import DuckDB
internal import Pipelines

/// The header of a CSV file: which column holds which field of the record.
struct CSVHeader {
  /// The columns of the rows below.
  let columns: CSVColumns
  /// Bytes of the header with its line end.
  let byteCount: Int

  /// The delimiters that are looked for: the one that stands most often in the header wins.
  private static let delimiters: [UInt8] = [",", ";", "\t", "|"].map { UInt8(ascii: $0) }

  /// Reads the header at the beginning of a file.
  ///
  /// - Parameters:
  ///   - head: The first bytes of the file.
  ///   - isWhole: Whether these are all its bytes, so that the header may lack its line end.
  ///   - fields: The record's fields. A column is a field if it has the field's key or name, in whatever case; other columns
  ///     keep their own names.
  /// - Returns: nil if `head` holds no whole header.
  init?(_ head: UnsafeRawBufferPointer, isWhole: Bool, fields: [RecordField]) {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let start = head.starts(with: mark) ? mark.count : 0
    let text = UnsafeRawBufferPointer(rebasing: head[start...])
    guard !text.isEmpty else { return nil }
    let delimiter = Self.delimiter(of: text)
    var state: UInt8 = 0
    let end = CSVColumns.rowEnd(in: text, delimiter: delimiter, first: true, state: &state)
    guard let end = end ?? (isWhole ? text.count : nil) else { return nil }
    byteCount = start + end
    let names = Self.names(text[..<end], delimiter)
    columns = CSVColumns(names.map { Self.column($0, fields) }, delimiter: delimiter)
  }

  /// The delimiter of a file that begins with this text.
  static func delimiter(of text: UnsafeRawBufferPointer) -> UInt8 {
    let line = text.prefix { $0 != UInt8(ascii: "\n") }
    var counts: [UInt8: Int] = [:]
    var isQuoted = false
    for byte in line {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if !isQuoted, delimiters.contains(byte) { counts[byte, default: 0] += 1 }
    }
    return delimiters.max { (counts[$0] ?? 0, $1) < (counts[$1] ?? 0, $0) } ?? delimiters[0]
  }

  private static func names(_ line: Slice<UnsafeRawBufferPointer>, _ delimiter: UInt8) -> [String] {
    var names: [String] = []
    var name: [UInt8] = []
    var isQuoted = false
    for byte in line {
      switch byte {
      case UInt8(ascii: "\""): isQuoted.toggle()
      case delimiter where !isQuoted:
        names.append(trimmed(name))
        name = []
      default: name.append(byte)
      }
    }
    return names + [trimmed(name)]
  }

  private static func trimmed(_ name: [UInt8]) -> String {
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
    let rest = name.drop(while: isSpace)
    return String(decoding: rest.prefix(rest.count - rest.reversed().prefix(while: isSpace).count), as: UTF8.self)
  }

  private static func column(_ name: String, _ fields: [RecordField]) -> CSVColumns.Column {
    let lower = name.lowercased()
    let field =
      fields.first { $0.field == name } ?? fields.first { $0.field.lowercased() == lower }
      ?? fields.first { $0.name.lowercased() == lower }
    return CSVColumns.Column(key: field?.field ?? name, isBoolean: field?.type == .boolean)
  }
}
