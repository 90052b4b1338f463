/// Partition values as the log holds them (PROTOCOL.md, "Partition Value Serialization").
enum PartitionValue {
  /// The value as a SQL literal of the column's type; null and the empty string are NULL.
  ///
  /// - Throws: `corruptLog` naming the column if the text is no value of the type.
  static func sqlLiteral(_ text: String?, _ type: DataType, column: String) throws(DeltaError) -> String {
    guard let text, !text.isEmpty else { return "NULL::\(type.sqlType)" }
    func bad() -> DeltaError {
      DeltaError(
        .corruptLog,
        "the partition value of column \(column) in the log is not of type \(type.primitiveName ?? "nested")",
        hint: "the log of the table is damaged")
    }
    switch type {
    case .string: return quoted(literal: text)
    case .byte, .short, .integer, .long:
      guard let value = Int64(text), inRange(value, type) else { throw bad() }
      return "\(value)::\(type.sqlType)"
    case .float, .double:
      guard Double(text) != nil else { throw bad() }
      return "\(quoted(literal: text))::\(type.sqlType)"
    case .decimal:
      guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }) else { throw bad() }
      return "\(quoted(literal: text))::\(type.sqlType)"
    case .boolean:
      switch text.lowercased() {
      case "true": return "true"
      case "false": return "false"
      default: throw bad()
      }
    case .date:
      guard let days = CalendarTime.parseDate(text) else { throw bad() }
      return "(DATE '1970-01-01' + \(days))"
    case .timestamp:
      guard let value = CalendarTime.parseTimestamp(text) else { throw bad() }
      return "make_timestamptz(\(value)::BIGINT)"
    case .timestampNTZ:
      guard let value = CalendarTime.parseTimestamp(text) else { throw bad() }
      return "make_timestamp(\(value)::BIGINT)"
    case .binary: return "encode(\(quoted(literal: text)))"
    default: throw bad()
    }
  }

  private static func inRange(_ value: Int64, _ type: DataType) -> Bool {
    switch type {
    case .byte: Int8(exactly: value) != nil
    case .short: Int16(exactly: value) != nil
    case .integer: Int32(exactly: value) != nil
    default: true
    }
  }

  /// SQL that turns a column into the text for the log, NULL for null and for the empty string.
  static func sqlText(_ expression: String, _ type: DataType) -> String {
    switch type {
    case .timestamp: "strftime(\(expression) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
    case .timestampNTZ: "strftime(\(expression), '%Y-%m-%d %H:%M:%S.%f')"
    case .binary: "nullif(decode(\(expression)), '')"
    case .string: "nullif(\(expression), '')"
    default: "CAST(\(expression) AS VARCHAR)"
    }
  }
}
