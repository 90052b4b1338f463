import Testing

@testable import PostgresWire

/// The binary form of `numeric`, and parameters in binary.
@Suite struct NumericFormatTests {
  @Test(arguments: [
    "0", "1", "-1", "9999", "10000", "-12345.67", "0.0001", "0.00001", "123456789012345678901234567890", "1.50",
    "-0.99999999", "100000000", "0.00", "NaN", "Infinity", "-Infinity", "12340000.00005",
  ])
  func numbersComeBack(text: String) {
    var bytes: [UInt8] = []
    NumericFormat.append(text, to: &bytes)
    #expect(NumericFormat.text(bytes) == text)
  }

  /// The bytes of PostgreSQL 15's numeric_send.
  @Test func bytesAreThoseOfPostgreSQL() {
    let known: [(String, [UInt8])] = [
      ("-12345.67", [0, 3, 0, 1, 0x40, 0, 0, 2, 0, 1, 0x09, 0x29, 0x1A, 0x2C]),
      ("0.0001", [0, 1, 0xFF, 0xFF, 0, 0, 0, 4, 0, 1]), ("0", [0, 0, 0, 0, 0, 0, 0, 0]),
      ("10000", [0, 1, 0, 1, 0, 0, 0, 0, 0, 1]),
    ]
    for (text, expected) in known {
      var bytes: [UInt8] = []
      NumericFormat.append(text, to: &bytes)
      #expect(bytes == expected, "\(text)")
    }
  }

  @Test func parametersInBinary() throws {
    func decode(_ bytes: [UInt8], _ type: WireType) throws -> ParameterText.Decoded {
      try ParameterText.decode(bytes, oid: type.oid, format: .binary, number: 1)
    }
    #expect(try decode([0xFF, 0xFE], .int2) == .text("-2"))
    #expect(try decode([0, 0, 0, 0], .date) == .days(10_957))
    #expect(
      try decode([0, 0, 0, 0, 0, 0, 0, 1], .timestamptz)
        == .instant(microseconds: 946_684_800_000_001, hasZone: true))
    #expect(throws: WireError.self) { try decode([1], .int4) }
    #expect(throws: WireError.self) { try decode([1, 2], WireType(600)) }
    #expect(
      try ParameterText.decode(Array("\\x0aFF".utf8), oid: WireType.bytea.oid, format: .text, number: 1)
        == .bytes([10, 255]))
    #expect(throws: WireError.self) {
      try ParameterText.decode(Array("\\x0g".utf8), oid: WireType.bytea.oid, format: .text, number: 1)
    }
  }
}
