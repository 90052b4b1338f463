/// Parameters as text that the engine casts, whichever format they came in.
public enum ParameterText {
  /// Microseconds from 1970 to 2000, where PostgreSQL's instants begin.
  public static let epochMicroseconds: Int64 = 946_684_800_000_000
  /// Days from 1970 to 2000.
  public static let epochDays: Int32 = 10_957

  /// A parameter as the engine takes it.
  public enum Decoded: Sendable, Hashable {
    /// Text that the engine casts to the type.
    case text(String)
    /// Bytes of `bytea`.
    case bytes([UInt8])
    /// Days since 1970.
    case days(Int32)
    /// Microseconds since 1970, without or with a zone (UTC).
    case instant(microseconds: Int64, hasZone: Bool)
    /// Microseconds since midnight.
    case time(microseconds: Int64)
  }

  /// Reads a parameter.
  /// - Parameters:
  ///   - oid: Its type; 0 or an unknown one is text.
  ///   - number: Its number, from 1, for the error.
  public static func decode(
    _ bytes: [UInt8], oid: UInt32, format: WireFormat, number: Int
  ) throws(WireError) -> Decoded {
    switch format {
    case .text:
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw WireError(.invalidText, "parameter $\(number) is not UTF-8")
      }
      if oid == WireType.bytea.oid { return .bytes(try hexadecimal(text, number)) }
      return .text(text)
    case .binary: return try binary(bytes, oid: oid, number)
    }
  }

  private static func binary(_ bytes: [UInt8], oid: UInt32, _ number: Int) throws(WireError) -> Decoded {
    let wrong = WireError(.invalidBinary, "parameter $\(number) is no binary value of type \(oid)")
    func integer(_ width: Int) throws(WireError) -> Int64 {
      guard bytes.count == width else { throw wrong }
      let value = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let unused = 64 - width * 8
      return Int64(bitPattern: value << unused) >> unused
    }
    switch oid {
    case WireType.bool.oid: return .text(try integer(1) == 0 ? "false" : "true")
    case WireType.int2.oid: return .text(String(try integer(2)))
    case WireType.int4.oid: return .text(String(try integer(4)))
    case WireType.int8.oid: return .text(String(try integer(8)))
    case WireType.oid.oid: return .text(String(UInt32(truncatingIfNeeded: try integer(4))))
    case WireType.float4.oid: return .text("\(Float(bitPattern: UInt32(truncatingIfNeeded: try integer(4))))")
    case WireType.float8.oid: return .text("\(Double(bitPattern: UInt64(bitPattern: try integer(8))))")
    case WireType.bytea.oid: return .bytes(bytes)
    case WireType.date.oid: return .days(Int32(truncatingIfNeeded: try integer(4)) &+ epochDays)
    case WireType.time.oid:
      let microseconds = try integer(8)
      guard (0...86_400_000_000).contains(microseconds) else { throw wrong }
      return .time(microseconds: microseconds)
    case WireType.timestamp.oid: return .instant(microseconds: try integer(8) &+ epochMicroseconds, hasZone: false)
    case WireType.timestamptz.oid: return .instant(microseconds: try integer(8) &+ epochMicroseconds, hasZone: true)
    case WireType.numeric.oid:
      guard let text = NumericFormat.text(bytes) else { throw wrong }
      return .text(text)
    case WireType.uuid.oid:
      guard bytes.count == 16 else { throw wrong }
      return .text(bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
    case 0, WireType.text.oid, WireType.varchar.oid, WireType.json.oid, 19, 705, 1042:
      // name, unknown and bpchar are text too.
      guard let text = String(validating: bytes, as: UTF8.self) else { throw wrong }
      return .text(text)
    default:
      throw WireError(
        .featureNotSupported, "parameter $\(number) has the type \(oid) in binary; send it as text")
    }
  }

  /// `\x0a0b`, the text of `bytea`.
  private static func hexadecimal(_ text: String, _ number: Int) throws(WireError) -> [UInt8] {
    let wrong = WireError(.invalidText, "parameter $\(number) is no bytea; write it like \\x0a0b")
    guard text.hasPrefix("\\x"), text.utf8.count % 2 == 0 else { throw wrong }
    let digits = Array(text.utf8.dropFirst(2))
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else { throw wrong }
      bytes.append(byte)
    }
    return bytes
  }
}
