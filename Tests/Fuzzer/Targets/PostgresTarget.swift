import PostgresWire

/// Messages of PostgreSQL's protocol: the same messages or the same error however the bytes are cut.
final class PostgresTarget: FuzzTarget {
  let words = ["\0", "SELECT 1\0", "user\0", "\u{0}\u{3}\u{0}\u{0}", "\u{0}\u{0}\u{0}\u{4}"]
  private static let formats: [(oid: UInt32, bytes: Int)] = [
    (16, 1), (17, 9), (20, 8), (21, 2), (23, 4), (25, 5), (700, 4), (701, 8), (1082, 4), (1083, 8), (1114, 8),
    (1184, 8),
    (1700, 12), (2950, 16), (0, 3),
  ]

  let seeds: [[UInt8]] = {
    func word(_ value: Int, _ bytes: Int = 4) -> [UInt8] {
      (0..<bytes).reversed().map { UInt8(value >> ($0 * 8) & 255) }
    }
    func message(_ kind: Character, _ body: [UInt8]) -> [UInt8] {
      [kind.asciiValue ?? 0] + word(body.count + 4) + body
    }
    func text(_ words: String) -> [UInt8] { Array(words.utf8) + [0] }
    let settings = text("user") + text("reader") + text("database") + text("lake") + [0]
    let start = word(settings.count + 8) + word(196_608) + settings
    let bind =
      text("") + text("s") + word(1, 2) + word(1, 2) + word(2, 2) + word(8) + word(7, 8) + word(-1) + word(1, 2)
      + word(0, 2)
    let session =
      message("p", text("secret")) + message("Q", text("SELECT 1"))
      + message("P", text("s") + text("SELECT $1::int8, $2") + word(2, 2) + word(20) + word(1700))
      + message("B", bind) + message("D", [0x53] + text("s")) + message("E", text("") + word(10)) + message("S", [])
      + message("H", []) + message("C", [0x50] + text("")) + message("X", [])
    let numeric = word(3, 2) + word(1, 2) + word(0, 2) + word(2, 2) + word(1, 2) + word(2345, 2) + word(6700, 2)
    return [
      start + session, word(8) + word(80_877_103) + start + session, word(16) + word(80_877_102) + word(1, 8), numeric,
    ]
  }()

  func read(_ inputs: [[UInt8]]) throws -> Int {
    try inputs.reduce(0) { sum, input in
      let (whole, error) = Self.messages(of: [input[...]])
      let pieces = stride(from: 0, to: input.count, by: 13).map { input[$0..<min($0 + 13, input.count)] }
      guard Self.messages(of: pieces) == (whole, error) else {
        throw Violation("messages depend on the packets in which they come")
      }
      for (oid, count) in Self.formats {
        for format in [WireFormat.text, .binary] {
          _ = try refused(WireError.self) {
            _ = try ParameterText.decode(Array(input.prefix(count)), oid: oid, format: format, number: 1)
          }
        }
      }
      _ = try refused(WireError.self) { _ = try ParameterText.decode(input, oid: 1700, format: .binary, number: 1) }
      // A seed of parameters alone is no session.
      return sum + (error.isEmpty || input == seeds[3] ? 0 : 1)
    }
  }

  /// The messages up to the first error, as text, and the error.
  private static func messages(of pieces: [ArraySlice<UInt8>]) -> ([String], String) {
    var reader = FrontendReader()
    var found: [String] = []
    var hasStarted = false
    do throws(WireError) {
      for piece in pieces {
        reader.feed(piece)
        while !hasStarted, let message = try reader.nextStartup() {
          if case .start(let minor, let parameters) = message {
            hasStarted = true
            found.append("start \(minor) \(parameters.sorted { $0.key < $1.key })")
          } else {
            found.append("\(message)")
          }
        }
        while hasStarted, let message = try reader.next(isKnown: true) { found.append("\(message)") }
      }
    } catch {
      return (found, error.description)
    }
    return (found, "")
  }
}
