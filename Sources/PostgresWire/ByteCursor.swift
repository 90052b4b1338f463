/// Reads the parts of one message; every read is checked.
struct ByteCursor {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var remaining: Int { bytes.endIndex - position }

  mutating func byte() throws(WireError) -> UInt8 {
    guard remaining >= 1 else { throw Self.short }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func int16() throws(WireError) -> Int16 { Int16(truncatingIfNeeded: try number(2)) }
  mutating func int32() throws(WireError) -> Int32 { Int32(truncatingIfNeeded: try number(4)) }

  /// A count that is followed by at least so many bytes for each.
  mutating func count(bytesEach: Int) throws(WireError) -> Int {
    let count = Int(UInt16(bitPattern: try int16()))
    guard count * bytesEach <= remaining else { throw Self.short }
    return count
  }

  mutating func take(_ count: Int) throws(WireError) -> [UInt8] {
    guard count >= 0, count <= remaining else { throw Self.short }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  /// Text up to a zero byte.
  mutating func text() throws(WireError) -> String {
    guard let end = bytes[position...].firstIndex(of: 0) else { throw .violation("a text in a message has no end") }
    defer { position = end + 1 }
    guard let text = String(validating: bytes[position..<end], as: UTF8.self) else {
      throw WireError(.invalidText, "a text in a message is not UTF-8; set client_encoding to UTF8", isFatal: true)
    }
    return text
  }

  func finish() throws(WireError) {
    guard remaining == 0 else { throw .violation("a message is longer than its parts") }
  }

  private mutating func number(_ width: Int) throws(WireError) -> UInt32 {
    guard remaining >= width else { throw Self.short }
    var value: UInt32 = 0
    for index in 0..<width { value = value << 8 | UInt32(bytes[position + index]) }
    position += width
    return value
  }

  private static var short: WireError { .violation("a message is shorter than its parts") }
}
