public import DuckDB

/// DuckDB's values as text: the plain text of a CSV or table cell, and JSON.
public enum ValueText {
  /// The text of a cell; nil for NULL. Nested values are JSON, bytes hexadecimal, instants ISO 8601.
  public static func cell(_ value: Value) -> String? {
    switch value {
    case .null: return nil
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return String(value)
    case .hugeint(let value): return String(value)
    case .uint(let value): return String(value)
    case .uhugeint(let value): return String(value)
    case .float(let value): return number(value)
    case .double(let value): return number(value)
    case .decimal(let unscaled, _, let scale): return decimal(unscaled, scale: scale)
    case .string(let text), .uuid(let text): return text
    case .blob(let bytes): return hexadecimal(bytes)
    case .date(let days): return InstantText.date(days: days)
    case .time(let microseconds): return InstantText.time(microseconds: microseconds)
    case .timeTZ(let microseconds, let offset):
      return InstantText.time(microseconds: microseconds) + InstantText.offset(seconds: offset)
    case .timestamp(let microseconds): return InstantText.timestamp(microseconds: microseconds)
    case .timestampTZ(let microseconds): return InstantText.timestamp(microseconds: microseconds, suffix: "Z")
    case .timestampNanoseconds(let nanoseconds): return InstantText.timestamp(nanoseconds: nanoseconds)
    case .interval(let months, let days, let microseconds):
      return InstantText.interval(months: months, days: days, microseconds: microseconds)
    case .list, .structure, .map, .union:
      var bytes: [UInt8] = []
      appendJSON(value, to: &bytes)
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// The value as JSON. What JSON's numbers cannot say (NaN and the infinities) is a string.
  public static func appendJSON(_ value: Value, to out: inout [UInt8]) {
    switch value {
    case .null: out += "null".utf8
    case .bool, .int, .hugeint, .uint, .uhugeint, .decimal: out += (cell(value) ?? "null").utf8
    case .float(let number) where number.isFinite: out += number.description.utf8
    case .double(let number) where number.isFinite: out += number.description.utf8
    case .list(let values):
      appendSeries("[", "]", values, to: &out) { appendJSON($0, to: &$1) }
    case .structure(let fields):
      appendSeries("{", "}", fields, to: &out) { appendMember($0.name, $0.value, to: &$1) }
    case .map(let entries):
      appendSeries("{", "}", entries, to: &out) { appendMember(cell($0.key) ?? "null", $0.value, to: &$1) }
    case .union(let tag, let member): appendJSON(.structure([.init(tag, member)]), to: &out)
    default: appendJSONString(cell(value) ?? "", to: &out)
    }
  }

  /// `"name":value`.
  public static func appendMember(_ name: String, _ value: Value, to out: inout [UInt8]) {
    appendJSONString(name, to: &out)
    out.append(UInt8(ascii: ":"))
    appendJSON(value, to: &out)
  }

  /// A string in double quotes with JSON's escapes.
  public static func appendJSONString(_ text: String, to out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): out += "\\\"".utf8
      case UInt8(ascii: "\\"): out += "\\\\".utf8
      case UInt8(ascii: "\n"): out += "\\n".utf8
      case UInt8(ascii: "\r"): out += "\\r".utf8
      case UInt8(ascii: "\t"): out += "\\t".utf8
      case 0..<0x20: out += ("\\u00" + hexadecimal([byte])).utf8
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }

  private static func appendSeries<Element>(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ elements: [Element], to out: inout [UInt8],
    _ append: (Element, inout [UInt8]) -> Void
  ) {
    out.append(UInt8(ascii: open))
    for (index, element) in elements.enumerated() {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      append(element, &out)
    }
    out.append(UInt8(ascii: close))
  }

  /// The shortest text that reads back as the same number.
  private static func number(_ value: some BinaryFloatingPoint & CustomStringConvertible) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return value.description
  }

  private static func decimal(_ unscaled: Int128, scale: Int) -> String {
    guard scale > 0 else { return String(unscaled) }
    var digits = String(unscaled.magnitude)
    if digits.utf8.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits }
    return (unscaled < 0 ? "-" : "") + digits.dropLast(scale) + "." + digits.suffix(scale)
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      out.append(digits[Int(byte >> 4)])
      out.append(digits[Int(byte & 15)])
    }
    return String(decoding: out, as: UTF8.self)
  }
}
