/// Where and why a text is not the JSON that was expected.
public struct JSONError: Error, Equatable, Sendable {
  /// Byte offset in the text.
  public let offset: Int
  /// What was expected.
  public let reason: String
}

/// A pull parser over UTF-8 bytes: the caller names what it expects, nothing is built that is not asked for.
///
/// The bytes must stay alive and unchanged while the reader is used; it never reads outside them.
public struct JSONReader {
  /// How deep objects and arrays may be nested.
  public static let maximumDepth = 200

  private let bytes: UnsafeBufferPointer<UInt8>
  /// How far the reader has come, in bytes.
  public private(set) var offset: Int
  private var depth = 0

  /// A reader of these bytes from `offset` on.
  public init(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  /// An error at the place that the reader has come to.
  public func failure(_ reason: String) -> JSONError { JSONError(offset: offset, reason: reason) }

  /// Goes on to the next byte that is not white space.
  public mutating func skipWhitespace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  /// Whether only white space is left.
  public mutating func isAtEnd() -> Bool {
    skipWhitespace()
    return offset >= bytes.count
  }

  /// The first byte of what comes next; throws at the end of the text.
  public mutating func peek() throws(JSONError) -> UInt8 {
    skipWhitespace()
    guard offset < bytes.count else { throw failure("the text ends in the middle of a value") }
    return bytes[offset]
  }

  /// Takes that byte; throws if another is next.
  public mutating func expect(_ byte: UInt8) throws(JSONError) {
    guard try peek() == byte else { throw failure("'\(Character(UnicodeScalar(byte)))' is missing") }
    offset += 1
  }

  /// Calls `member` with each key of an object; it must read or skip exactly the value.
  public mutating func readObject(
    _ member: (inout JSONReader, String) throws(JSONError) -> Void
  ) throws(JSONError) {
    try enter(UInt8(ascii: "{"))
    if try peek() == UInt8(ascii: "}") {
      leave()
      return
    }
    while true {
      let key = try readString()
      try expect(UInt8(ascii: ":"))
      try member(&self, key)
      let next = try peek()
      if next == UInt8(ascii: ",") {
        offset += 1
      } else if next == UInt8(ascii: "}") {
        leave()
        return
      } else {
        throw failure("an object is not closed")
      }
    }
  }

  /// Calls `element` for each element of an array; it must read or skip exactly one value.
  public mutating func readArray(_ element: (inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
    try enter(UInt8(ascii: "["))
    if try peek() == UInt8(ascii: "]") {
      leave()
      return
    }
    while true {
      try element(&self)
      let next = try peek()
      if next == UInt8(ascii: ",") {
        offset += 1
      } else if next == UInt8(ascii: "]") {
        leave()
        return
      } else {
        throw failure("an array is not closed")
      }
    }
  }

  private mutating func enter(_ byte: UInt8) throws(JSONError) {
    try expect(byte)
    depth += 1
    guard depth <= Self.maximumDepth else { throw failure("values are nested too deeply") }
  }

  private mutating func leave() {
    offset += 1
    depth -= 1
  }

  /// Reads a `null` if one is next.
  public mutating func readNull() throws(JSONError) -> Bool {
    guard try peek() == UInt8(ascii: "n") else { return false }
    try readWord("null")
    return true
  }

  /// Reads `true` or `false`.
  public mutating func readBool() throws(JSONError) -> Bool {
    switch try peek() {
    case UInt8(ascii: "t"):
      try readWord("true")
      return true
    case UInt8(ascii: "f"):
      try readWord("false")
      return false
    default: throw failure("true or false is expected")
    }
  }

  private mutating func readWord(_ word: StaticString) throws(JSONError) {
    guard offset + word.utf8CodeUnitCount <= bytes.count else {
      throw failure("the text ends in the middle of a value")
    }
    for index in 0..<word.utf8CodeUnitCount where bytes[offset + index] != word.utf8Start[index] {
      throw failure("'\(word)' is misspelt")
    }
    offset += word.utf8CodeUnitCount
  }

  /// Reads an integer; a fraction or exponent is accepted only where the value is whole.
  public mutating func readInt64() throws(JSONError) -> Int64 {
    let start = offset
    switch try readNumber() {
    case .int(let value): return value
    case .double(let value):
      guard let whole = Int64(exactly: value) else { fallthrough }
      return whole
    default:
      offset = start
      throw failure("a whole number of 64 bits is expected")
    }
  }

  /// Reads a whole number of 32 bits.
  public mutating func readInt32() throws(JSONError) -> Int32 {
    guard let value = Int32(exactly: try readInt64()) else { throw failure("a whole number of 32 bits is expected") }
    return value
  }

  /// Goes past digits, of which there must be one.
  private mutating func skipDigits() throws(JSONError) {
    let first = offset
    while offset < bytes.count, bytes[offset] &- 0x30 < 10 { offset += 1 }
    guard offset > first else { throw failure("a digit is expected") }
  }

  /// Reads a number as `.int` when it is written as one and fits, else as `.double`.
  public mutating func readNumber() throws(JSONError) -> JSONValue {
    _ = try peek()
    let start = offset
    var magnitude: UInt64 = 0
    var overflow = false
    let negative = bytes[offset] == UInt8(ascii: "-")
    if negative { offset += 1 }
    let firstDigit = offset
    while offset < bytes.count, case let digit = bytes[offset] &- 0x30, digit < 10 {
      let (product, overflowed) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, overflowedAgain) = product.addingReportingOverflow(UInt64(digit))
      overflow = overflow || overflowed || overflowedAgain
      magnitude = sum
      offset += 1
    }
    guard offset > firstDigit else { throw failure("a number is expected") }
    guard offset == firstDigit + 1 || bytes[firstDigit] != 0x30 else { throw failure("a number begins with a zero") }
    var isWhole = true
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      isWhole = false
      offset += 1
      try skipDigits()
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      offset += 1
      if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") { offset += 1 }
      try skipDigits()
    }
    if isWhole, !overflow {
      if !negative, let value = Int64(exactly: magnitude) { return .int(value) }
      if negative, magnitude <= UInt64(Int64.max) + 1 { return .int(Int64(truncatingIfNeeded: 0 &- magnitude)) }
    }
    let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<offset]), as: UTF8.self)
    guard let value = Double(text) else { throw failure("a number is malformed") }
    return .double(value)
  }

  /// Skips one value of any kind.
  public mutating func skipValue() throws(JSONError) {
    switch try peek() {
    case UInt8(ascii: "{"):
      try readObject { (reader, _) throws(JSONError) in try reader.skipValue() }
    case UInt8(ascii: "["):
      try readArray { (reader) throws(JSONError) in try reader.skipValue() }
    case UInt8(ascii: "\""): _ = try scanString()
    case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try readBool()
    case UInt8(ascii: "n"): _ = try readNull()
    default: _ = try readNumber()
    }
  }

  /// Reads one value of any kind as a tree.
  public mutating func readValue() throws(JSONError) -> JSONValue {
    switch try peek() {
    case UInt8(ascii: "{"):
      var members: [(String, JSONValue)] = []
      try readObject { (reader, key) throws(JSONError) in members.append((key, try reader.readValue())) }
      return .object(JSONObject(members))
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try readArray { (reader) throws(JSONError) in elements.append(try reader.readValue()) }
      return .array(elements)
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try readBool())
    case UInt8(ascii: "n"):
      _ = try readNull()
      return .null
    default: return try readNumber()
    }
  }

  /// The range between the quotes of the next string, and whether it holds an escape.
  private mutating func scanString() throws(JSONError) -> (range: Range<Int>, escaped: Bool) {
    try expect(UInt8(ascii: "\""))
    let start = offset
    var escaped = false
    while offset < bytes.count {
      let byte = bytes[offset]
      if byte == UInt8(ascii: "\"") {
        offset += 1
        return (start..<(offset - 1), escaped)
      }
      if byte == UInt8(ascii: "\\") {
        escaped = true
        offset += 1
      } else if byte < 0x20 {
        throw failure("a control character stands in a string")
      }
      offset += 1
    }
    offset = min(offset, bytes.count)
    throw failure("a string is not closed")
  }

  /// Reads a string with its escapes resolved.
  public mutating func readString() throws(JSONError) -> String {
    let (range, escaped) = try scanString()
    let raw = UnsafeBufferPointer(rebasing: bytes[range])
    guard escaped else { return String(decoding: raw, as: UTF8.self) }
    return String(decoding: try unescape(raw, startingAt: range.lowerBound), as: UTF8.self)
  }

  private func unescape(_ raw: UnsafeBufferPointer<UInt8>, startingAt start: Int) throws(JSONError) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(raw.count)
    var index = 0
    while index < raw.count {
      let byte = raw[index]
      guard byte == UInt8(ascii: "\\") else {
        output.append(byte)
        index += 1
        continue
      }
      guard index + 1 < raw.count else { throw JSONError(offset: start + index, reason: "an escape is cut off") }
      let letter = raw[index + 1]
      index += 2
      switch letter {
      case UInt8(ascii: "n"): output.append(0x0A)
      case UInt8(ascii: "t"): output.append(0x09)
      case UInt8(ascii: "r"): output.append(0x0D)
      case UInt8(ascii: "b"): output.append(0x08)
      case UInt8(ascii: "f"): output.append(0x0C)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(letter)
      case UInt8(ascii: "u"):
        let (scalar, consumed) = try unicodeEscape(raw, index, start)
        output.append(contentsOf: Array(String(Character(scalar)).utf8))
        index += consumed
      default: throw JSONError(offset: start + index - 1, reason: "an escape is unknown")
      }
    }
    return output
  }

  /// Decodes the digits after `\u`, with the second half of a surrogate pair; a lone surrogate becomes U+FFFD.
  private func unicodeEscape(
    _ raw: UnsafeBufferPointer<UInt8>, _ index: Int, _ start: Int
  ) throws(JSONError) -> (scalar: Unicode.Scalar, consumed: Int) {
    guard let first = hexadecimal(raw, index) else {
      throw JSONError(offset: start + index, reason: "four hexadecimal digits are expected")
    }
    if let scalar = Unicode.Scalar(first) { return (scalar, 4) }
    if first < 0xDC00, index + 6 <= raw.count, raw[index + 4] == UInt8(ascii: "\\"),
      raw[index + 5] == UInt8(ascii: "u"), let second = hexadecimal(raw, index + 6), (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    {
      return (scalar, 10)
    }
    return ("\u{FFFD}", 4)
  }

  private func hexadecimal(_ raw: UnsafeBufferPointer<UInt8>, _ index: Int) -> UInt32? {
    guard index + 4 <= raw.count else { return nil }
    var value: UInt32 = 0
    for byte in raw[index..<(index + 4)] {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}
