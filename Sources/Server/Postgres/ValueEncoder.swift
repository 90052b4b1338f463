internal import DuckDB
internal import PostgresWire
internal import Query

/// The engine's values in PostgreSQL's text and binary forms.
enum ValueEncoder {
  /// Appends a value; false for NULL.
  static func append(_ value: Value, _ column: WireColumn, to bytes: inout [UInt8]) -> Bool {
    if case .null = value { return false }
    switch column.format {
    case .text: bytes += text(value, column.type).utf8
    case .binary: appendBinary(value, column.type, to: &bytes)
    }
    return true
  }

  // MARK: Text

  static func text(_ value: Value, _ type: WireType) -> String {
    switch value {
    case .null: ""
    case .bool(let value): value ? "t" : "f"
    case .float(let value): number(value)
    case .double(let value): number(value)
    case .blob(let bytes): "\\x" + hexadecimal(bytes)
    case .timestamp, .timestampNanoseconds: spaced(ValueText.cell(value) ?? "")
    case .timestampTZ(let microseconds): spaced(InstantText.timestamp(microseconds: microseconds, suffix: "+00"))
    case .timeTZ(let microseconds, let offset):
      InstantText.time(microseconds: microseconds) + (offset == 0 ? "+00" : InstantText.offset(seconds: offset))
    case .interval(let months, let days, let microseconds): interval(months, days, microseconds)
    case .list(let values) where type != .json: array(values, type)
    default: ValueText.cell(value) ?? ""
    }
  }

  /// PostgreSQL writes a space between date and time.
  private static func spaced(_ text: String) -> String {
    guard let place = text.firstIndex(of: "T") else { return text }
    return text.replacingCharacters(in: place)
  }

  /// The shortest text that reads back as the same number; whole ones without a fraction.
  private static func number(_ value: some BinaryFloatingPoint & CustomStringConvertible) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func interval(_ months: Int32, _ days: Int32, _ microseconds: Int64) -> String {
    var parts: [String] = []
    if months / 12 != 0 { parts.append("\(months / 12) years") }
    if months % 12 != 0 { parts.append("\(months % 12) mons") }
    if days != 0 { parts.append("\(days) days") }
    if microseconds != 0 || parts.isEmpty {
      let size = Int64(clamping: microseconds.magnitude)
      let (hours, rest) = size.quotientAndRemainder(dividingBy: 3_600_000_000)
      let clock = InstantText.time(microseconds: rest).dropFirst(2)
      parts.append("\(microseconds < 0 ? "-" : "")\(hours < 10 ? "0" : "")\(hours)\(clock)")
    }
    return parts.joined(separator: " ")
  }

  /// `{1,NULL,"a b"}`.
  private static func array(_ values: [Value], _ type: WireType) -> String {
    let element = WireType.element(ofArray: type.oid)?.type ?? .text
    let items = values.map { value -> String in
      if case .null = value { return "NULL" }
      let text = text(value, element)
      let isPlain = !text.isEmpty && text.uppercased() != "NULL" && !text.contains { "{},\"\\ \t\n\r".contains($0) }
      return isPlain
        ? text : "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    return "{" + items.joined(separator: ",") + "}"
  }

  // MARK: Binary

  private static func appendBinary(_ value: Value, _ type: WireType, to bytes: inout [UInt8]) {
    func put(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.bigEndian) { bytes += $0 } }
    switch value {
    case .null: break
    case .bool(let value): bytes.append(value ? 1 : 0)
    case .int, .uint, .hugeint, .uhugeint: appendInteger(value, type, to: &bytes)
    case .decimal: NumericFormat.append(ValueText.cell(value) ?? "0", to: &bytes)
    case .float(let value): put(value.bitPattern)
    case .double(let value): put(value.bitPattern)
    case .blob(let blob): bytes += blob
    case .uuid(let text): bytes += uuid(text)
    case .date(let days): put(days == .max || days == -.max ? days : days &- ParameterText.epochDays)
    case .time(let microseconds): put(microseconds)
    case .timeTZ(let microseconds, let offset):
      put(microseconds)
      // PostgreSQL counts the zone west of Greenwich.
      put(-offset)
    case .timestamp(let microseconds), .timestampTZ(let microseconds): put(instant(microseconds))
    case .timestampNanoseconds(let nanoseconds): put(instant(nanoseconds / 1_000))
    case .interval(let months, let days, let microseconds):
      put(microseconds)
      put(days)
      put(months)
    case .list(let values) where type != .json: appendArray(values, type, to: &bytes)
    default: bytes += (ValueText.cell(value) ?? "").utf8
    }
  }

  private static func appendInteger(_ value: Value, _ type: WireType, to bytes: inout [UInt8]) {
    func put(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.bigEndian) { bytes += $0 } }
    guard type.oid != WireType.numeric.oid, let number = value.intValue else {
      return NumericFormat.append(ValueText.cell(value) ?? "0", to: &bytes)
    }
    switch type {
    case .int2: put(Int16(truncatingIfNeeded: number))
    case .int4, .oid: put(Int32(truncatingIfNeeded: number))
    default: put(Int64(number))
    }
  }

  /// Number of dimensions, whether NULLs are among them, element type, then length and first index, then the elements.
  private static func appendArray(_ values: [Value], _ type: WireType, to bytes: inout [UInt8]) {
    func put(_ number: Int32) { withUnsafeBytes(of: number.bigEndian) { bytes += $0 } }
    let element = WireType.element(ofArray: type.oid)?.type ?? .text
    put(values.isEmpty ? 0 : 1)
    put(values.contains(.null) ? 1 : 0)
    put(Int32(bitPattern: element.oid))
    if values.isEmpty { return }
    put(Int32(values.count))
    put(1)
    let column = WireColumn("", element, format: .binary)
    for value in values {
      var item: [UInt8] = []
      if append(value, column, to: &item) {
        put(Int32(item.count))
        bytes += item
      } else {
        put(-1)
      }
    }
  }

  /// Microseconds since 2000; the engine's infinities are PostgreSQL's.
  private static func instant(_ microseconds: Int64) -> Int64 {
    if microseconds == .max { return .max }
    if microseconds == -.max { return .min }
    return microseconds &- ParameterText.epochMicroseconds
  }

  private static func uuid(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }.map { $0 > 0x60 ? $0 - 0x57 : $0 - 0x30 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

extension String {
  fileprivate func replacingCharacters(in place: String.Index) -> String {
    var text = self
    text.replaceSubrange(place...place, with: " ")
    return text
  }
}
