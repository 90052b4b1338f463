import Testing

@testable import PostgresWire

/// Messages in, messages out.
@Suite struct ProtocolTests {
  private static func startup(_ parameters: [(String, String)], code: UInt32 = 196_608) -> [UInt8] {
    var body: [UInt8] = []
    withUnsafeBytes(of: code.bigEndian) { body += $0 }
    for (name, value) in parameters { body += Array(name.utf8) + [0] + Array(value.utf8) + [0] }
    body.append(0)
    return length(body.count + 4) + body
  }

  private static func length(_ count: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0) } }

  static func message(_ kind: Character, _ body: [UInt8]) -> [UInt8] {
    [kind.asciiValue ?? 0] + length(body.count + 4) + body
  }

  @Test func aSessionBeginsHoweverItsBytesAreCut() throws {
    let bytes =
      Self.startup([("user", "me"), ("database", "lakeward")]) + Self.message("Q", Array("SELECT 1".utf8) + [0])
    for cut in 0...bytes.count {
      var reader = FrontendReader()
      reader.feed(bytes[..<cut])
      var start = try reader.nextStartup()
      if start == nil {
        reader.feed(bytes[cut...])
        start = try reader.nextStartup()
      } else {
        reader.feed(bytes[cut...])
      }
      #expect(start == .start(minor: 0, parameters: ["user": "me", "database": "lakeward"]))
      #expect(try reader.next(isKnown: true) == .query("SELECT 1"))
      #expect(try reader.next(isKnown: true) == nil && reader.waitingBytes == 0)
    }
  }

  @Test func bindCarriesFormatsAndNulls() throws {
    var body: [UInt8] = [0] + Array("s".utf8) + [0]
    body += [0, 1, 0, 1, 0, 2] + [0, 0, 0, 2, 1, 2] + [0xFF, 0xFF, 0xFF, 0xFF] + [0, 0]
    var reader = FrontendReader()
    reader.feed(Self.message("B", body))
    guard case .bind(let bind)? = try reader.next(isKnown: true) else { throw WireError.violation("no Bind") }
    #expect(bind.statement == "s" && bind.parameters == [[1, 2], nil] && bind.resultFormats.isEmpty)
    #expect(bind.parameterFormats.format(at: 1) == .binary && bind.resultFormats.format(at: 3) == .text)
  }

  @Test func wrongMessagesEndTheConnection() {
    let wrong: [[UInt8]] = [
      Self.message("Q", Array("no end".utf8)), Self.message("Q", [0xFF, 0xFE, 0]), Self.message("!", []),
      Self.message("D", [0x41, 0]), Self.message("P", [0, 0, 0xFF, 0xFF]), Self.message("B", [0, 0, 0, 1, 0, 9]),
      Self.message("S", [1]), [0x51, 0, 0, 0, 2], [0x51, 0x7F, 0xFF, 0xFF, 0xFF],
    ]
    for bytes in wrong {
      var reader = FrontendReader()
      reader.feed(bytes)
      let error = #expect(throws: WireError.self) { try reader.next(isKnown: true) }
      #expect(error?.isFatal == true, "\(bytes)")
    }
    var reader = FrontendReader()
    reader.feed(Self.message("p", Array(repeating: 65, count: 5_000) + [0]))
    #expect(throws: WireError.self) { try reader.next(isKnown: false) }
    var old = FrontendReader()
    old.feed(Self.startup([], code: 131_072))
    #expect(throws: WireError.self) { try old.nextStartup() }
  }

  /// Messages with bytes changed, cut and put in: an error or a message, never more, and never a trap.
  @Test(arguments: UInt64(1)...8) func anyBytesAreAMessageOrAnError(seed: UInt64) {
    var state = seed
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    let whole =
      Self.message("P", Array("name".utf8) + [0] + Array("SELECT $1".utf8) + [0, 0, 1, 0, 0, 0, 23])
      + Self.message("B", [0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7, 0, 1, 0, 1])
      + Self.message("D", [0x53, 0]) + Self.message("E", [0, 0, 0, 0, 5]) + Self.message("S", [])
      + Self.message("C", [0x50, 0]) + Self.message("p", [65, 0]) + Self.message("Q", [59, 0])
    for _ in 0..<4_000 {
      var bytes = whole
      for _ in 0...random(6) {
        switch random(3) {
        case 0: bytes[random(bytes.count)] = UInt8(random(256))
        case 1: bytes.remove(at: random(bytes.count))
        default: bytes.insert(UInt8(random(256)), at: random(bytes.count))
        }
      }
      var reader = FrontendReader()
      var start = FrontendReader()
      start.feed(bytes)
      _ = try? start.nextStartup()
      reader.feed(bytes)
      var count = 0
      while let message = try? reader.next(isKnown: true) {
        count += 1
        if case .bind(let bind) = message {
          for (index, bytes) in bind.parameters.enumerated() {
            for entry in WireType.all {
              _ = try? ParameterText.decode(
                bytes ?? [], oid: entry.type.oid, format: bind.parameterFormats.format(at: index), number: index + 1)
            }
          }
        }
      }
      #expect(count <= bytes.count / 5)
    }
  }

  @Test func answersHaveTheirLengths() {
    var writer = BackendWriter()
    writer.rowDescription([WireColumn("a", .int4), WireColumn("b", .numeric(precision: 12, scale: 2))])
    writer.dataRow(columns: 2) { index, bytes in
      if index == 1 { return false }
      bytes += [1, 2, 3]
      return true
    }
    writer.error(WireError(.undefinedTable, "there is no\0table"))
    writer.readyForQuery(.failed)
    var kinds: [UInt8] = []
    var position = 0
    while position < writer.bytes.count {
      kinds.append(writer.bytes[position])
      position += 1 + writer.bytes[position + 1..<position + 5].reduce(0) { $0 << 8 | Int($1) }
    }
    #expect(position == writer.bytes.count && kinds == Array("TDEZ".utf8))
    #expect(writer.bytes.last == UInt8(ascii: "E"))
  }
}
