/// Appends compact JSON to a byte buffer; the caller keeps the structure right.
public struct JSONWriter {
  /// What has been written.
  public private(set) var bytes: [UInt8] = []
  /// Whether a comma must come before the next key or element.
  private var needsComma = false

  /// A writer with nothing written.
  public init() {}

  /// What has been written, as text.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Opens an object.
  public mutating func beginObject() {
    separate()
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
  }

  /// Closes an object.
  public mutating func endObject() {
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  /// Opens an array.
  public mutating func beginArray() {
    separate()
    bytes.append(UInt8(ascii: "["))
    needsComma = false
  }

  /// Closes an array.
  public mutating func endArray() {
    bytes.append(UInt8(ascii: "]"))
    needsComma = true
  }

  /// Ends a line, for JSON Lines.
  public mutating func newline() {
    bytes.append(0x0A)
    needsComma = false
  }

  /// The key of the member whose value comes next.
  public mutating func key(_ key: String) {
    separate()
    quote(key)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A string.
  public mutating func write(_ value: String) {
    separate()
    quote(value)
    needsComma = true
  }

  /// A whole number.
  public mutating func write(_ value: Int64) { raw(String(value)) }

  /// A number; `null` if it is not finite.
  public mutating func write(_ value: Double) { value.isFinite ? raw("\(value)") : writeNull() }

  /// A number with the fewest digits that tell it from its neighbours; `null` if it is not finite.
  public mutating func write(_ value: Float) { value.isFinite ? raw("\(value)") : writeNull() }

  /// A truth value.
  public mutating func write(_ value: Bool) { raw(value ? "true" : "false") }

  /// `null`.
  public mutating func writeNull() { raw("null") }

  /// Appends text that is JSON already.
  public mutating func raw(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
    needsComma = true
  }

  /// A whole tree; numbers that JSON does not know become `null`.
  public mutating func write(_ value: JSONValue) {
    switch value {
    case .null: writeNull()
    case .bool(let value): write(value)
    case .int(let value): write(value)
    case .double(let value): write(value)
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

  /// A member with a string; nothing for nil.
  public mutating func member(_ key: String, _ value: String?) {
    guard let value else { return }
    self.key(key)
    write(value)
  }

  /// A member with a whole number; nothing for nil.
  public mutating func member(_ key: String, _ value: Int64?) {
    guard let value else { return }
    self.key(key)
    write(value)
  }

  /// A member with a truth value; nothing for nil.
  public mutating func member(_ key: String, _ value: Bool?) {
    guard let value else { return }
    self.key(key)
    write(value)
  }

  /// An object of strings with sorted keys, so that equal values give equal bytes.
  public mutating func member(_ key: String, _ values: [String: String?]?) {
    guard let values else { return }
    self.key(key)
    beginObject()
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      self.key(name)
      if let value { write(value) } else { writeNull() }
    }
    endObject()
  }

  /// A member with an array of strings; nothing for nil.
  public mutating func member(_ key: String, _ values: [String]?) {
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
    var text = text
    bytes.append(UInt8(ascii: "\""))
    text.withUTF8 { utf8 in
      var copied = 0
      for (index, byte) in utf8.enumerated()
      where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[copied..<index]))
        escape(byte)
        copied = index + 1
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[copied...]))
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0..<0x20:
      let digits = Array("0123456789abcdef".utf8)
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(digits[Int(byte >> 4)])
      bytes.append(digits[Int(byte & 15)])
    default: bytes.append(byte)
    }
  }
}
