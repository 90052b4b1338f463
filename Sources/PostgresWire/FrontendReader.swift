/// Cuts the bytes of a client into messages, however they are spread over packets.
public struct FrontendReader: Sendable {
  /// The greatest length of a first message, bytes (PostgreSQL's own limit).
  public static let startupLimit = 10_000
  /// The greatest length of a message before the client is known, bytes.
  public static let strangerLimit = 4_096
  /// The greatest length of any other message, bytes.
  public static let messageLimit = 16 << 20

  private var buffer: [UInt8] = []
  private var position = 0

  /// A reader without bytes.
  public init() {}

  /// Takes bytes that have come.
  public mutating func feed(_ bytes: some Collection<UInt8>) {
    if position > 0 {
      buffer.removeFirst(position)
      position = 0
    }
    buffer += bytes
  }

  /// Bytes that belong to no message yet.
  public var waitingBytes: Int { buffer.count - position }

  /// The first message; nil: more bytes are needed.
  public mutating func nextStartup() throws(WireError) -> StartupMessage? {
    guard let length = try length(at: position, limit: Self.startupLimit, least: 8) else { return nil }
    guard waitingBytes >= length else { return nil }
    var cursor = ByteCursor(buffer[position + 4..<position + length])
    position += length
    let code = UInt32(bitPattern: try cursor.int32())
    switch code {
    case 80_877_103: return .tls
    case 80_877_104: return .gss
    case 80_877_102:
      let message = StartupMessage.cancel(process: try cursor.int32(), secret: try cursor.int32())
      try cursor.finish()
      return message
    default: break
    }
    guard code >> 16 == 3 else {
      throw WireError(
        .featureNotSupported, "protocol \(code >> 16).\(code & 0xFFFF) is not spoken here; use 3.0", isFatal: true)
    }
    var parameters: [String: String] = [:]
    while cursor.remaining > 1 {
      let name = try cursor.text()
      parameters[name] = try cursor.text()
    }
    guard try cursor.byte() == 0 else { throw .violation("the startup message has no end") }
    return .start(minor: Int(code & 0xFFFF), parameters: parameters)
  }

  /// The next message of a session; nil: more bytes are needed.
  /// - Parameter isKnown: Whether the client has shown who it is.
  public mutating func next(isKnown: Bool) throws(WireError) -> FrontendMessage? {
    guard waitingBytes >= 5 else { return nil }
    let kind = buffer[position]
    let limit = isKnown ? Self.messageLimit : Self.strangerLimit
    guard let length = try length(at: position + 1, limit: limit, least: 4), waitingBytes > length else { return nil }
    let body = buffer[position + 5..<position + 1 + length]
    position += 1 + length
    return try FrontendMessage.parse(kind, body)
  }

  private func length(at start: Int, limit: Int, least: Int) throws(WireError) -> Int? {
    guard buffer.count - start >= 4 else { return nil }
    let length = buffer[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length >= least else { throw .violation("a message says that it has \(length) bytes") }
    guard length <= limit else {
      throw WireError(.programLimit, "a message of \(length) bytes is longer than \(limit)", isFatal: true)
    }
    return length
  }
}
