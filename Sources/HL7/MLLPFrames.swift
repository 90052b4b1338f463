/// Cuts a stream of bytes into messages by the Minimal Lower Layer Protocol (HL7 v2 transport, release 1): a vertical tab,
/// the message, a file separator and a carriage return.
public struct MLLPFrames: Sendable {
  /// What came.
  public enum Event: Sendable, Hashable {
    /// A whole message.
    case message([UInt8])
    /// A message that is longer than allowed; its bytes are passed over up to its end.
    case tooLong
  }

  private static let start: UInt8 = 0x0B
  private static let end: UInt8 = 0x1C
  private var message: [UInt8]?
  private var isTooLong = false
  private let limit: Int

  /// - Parameter limit: The longest message in bytes.
  public init(limit: Int = HL7Message.longest) { self.limit = limit }

  /// Takes bytes as they come; what stands between messages is passed over.
  public mutating func take(_ bytes: some Sequence<UInt8>) -> [Event] {
    var events: [Event] = []
    for byte in bytes {
      switch (byte, message) {
      case (Self.start, _):
        // A start inside a message: the sender gave up the first one.
        message = []
        isTooLong = false
      case (_, nil): continue
      case (Self.end, let whole?):
        events.append(isTooLong ? .tooLong : .message(whole))
        message = nil
      default:
        if message?.count ?? 0 >= limit {
          isTooLong = true
        } else {
          message?.append(byte)
        }
      }
    }
    return events
  }

  /// A message with its frame.
  public static func framed(_ text: String) -> [UInt8] { [start] + Array(text.utf8) + [end, 0x0D] }
}

/// Cuts a file into messages: each begins with an MSH segment, framed or not. Batch segments (FHS, BHS, BTS, FTS) are left
/// out.
public enum HL7File {
  /// A message and the number of its first line, from 1; lines end with a carriage return, a line feed, or both.
  public struct Part: Sendable, Hashable {
    /// The message's bytes.
    public let bytes: [UInt8]
    /// Number of its first line.
    public let line: Int64
  }

  /// The messages of a file's bytes. What stands before the first MSH segment is a part too, if it is not blank.
  public static func parts(_ bytes: [UInt8]) -> [Part] {
    var parts: [Part] = []
    var current: [UInt8] = []
    var (first, line): (Int64, Int64) = (1, 0)
    func close() {
      if current.contains(where: { $0 > 0x20 }) { parts.append(Part(bytes: current, line: first)) }
      current = []
    }
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != 0x0D, bytes[end] != 0x0A { end += 1 }
      line += 1
      let text = bytes[start..<end].drop { $0 == 0x0B || $0 == 0x1C }.prefix { $0 != 0x1C }
      let name = String(decoding: text.prefix(3), as: UTF8.self)
      let isBatch = ["FHS", "BHS", "BTS", "FTS"].contains(name)
      if name == "MSH" || isBatch { close() }
      if current.isEmpty { first = line }
      if !isBatch, !text.isEmpty { current += text + [0x0D] }
      // The end of a frame is the end of a message.
      if bytes[start..<end].contains(0x1C) { close() }
      start = end + (end + 1 < bytes.count && bytes[end] == 0x0D && bytes[end + 1] == 0x0A ? 2 : 1)
    }
    close()
    return parts
  }
}
