/// Appends compact JSON to a byte buffer; the caller keeps the structure right.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  /// Whether a comma must come before the next key or element.
  private var needsComma = false

  var text: String { String(decoding: bytes, as: UTF8.self) }

  mutating func beginObject() {
    separate()
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
  }

  mutating func endObject() {
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  mutating func beginArray() {
    separate()
    bytes.append(UInt8(ascii: "["))
    needsComma = false
  }

  mutating func endArray() {
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  mutating func newline() {
    bytes.append(0x0A)
    needsComma = false
  }

  mutating func key(_ key: String) {
    separate()
    quote(key)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func write(_ value: String) {
    separate()
    quote(value)
    needsComma = true
  }

  mutating func write(_ value: Int64) { raw(String(value)) }

  mutating func write(_ value: Bool) { raw(value ? "true" : "false") }

  mutating func writeNull() { raw("null") }

  /// Appends text that is JSON already.
  mutating func raw(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
    needsComma = true
  }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: writeNull()
    case .bool(let value): write(value)
    case .int(let value): write(value)
    case .double(let value): value.isFinite ? raw("\(value)") : writeNull()
    case .string(let value): write(value)
    case .array(let elements):
      beginArray()
      for element in elements { write(element) }
      endArray()
    case .object(let object):
      beginObject()
      for (key, value) in object.members {
        self.key(key)
        write(value)
      }
      endObject()
    }
  }

  mutating func member(_ key: String, _ value: String?) {
    guard let value else { return }
    self.key(key)
    write(value)
  }

  mutating func member(_ key: String, _ value: Int64?) {
    guard let value else { return }
    self.key(key)
    write(value)
  }

  mutating func member(_ key: String, _ value: Bool?) {
    guard let value else { return }
    self.key(key)
    write(value)
  }

  /// An object of strings with sorted keys, so that equal values give equal bytes.
  mutating func member(_ key: String, _ values: [String: String?]?) {
    guard let values else { return }
    self.key(key)
    beginObject()
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      self.key(name)
      if let value { write(value) } else { writeNull() }
    }
    endObject()
  }

  mutating func member(_ key: String, _ values: [String]?) {
    guard let values else { return }
    self.key(key)
    beginArray()
    for value in values { write(value) }
    endArray()
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0A: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
      case 0x0D: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
      case 0x09: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: Array("\\u00".utf8))
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
