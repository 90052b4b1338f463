import Clinical
import Testing

@testable import Simulation

@Suite struct ByteCursorTests {
  private func text(_ write: (inout ByteCursor) -> Void) -> String {
    String(unsafeUninitializedCapacity: 200) { buffer in
      var cursor = ByteCursor(buffer.baseAddress!)
      write(&cursor)
      return cursor.count
    }
  }

  @Test(arguments: [
    (0.0, 0, "0"), (0.04, 1, "0.0"), (0.05, 1, "0.1"), (-0.04, 1, "0.0"), (-1.26, 1, "-1.3"), (36.96, 1, "37.0"),
    (99.999, 2, "100.00"), (1234.5, 3, "1234.500"),
  ])
  func decimals(value: Double, decimals: Int, expected: String) {
    #expect(text { $0.write(value, decimals: decimals) } == expected)
  }

  @Test(arguments: [
    (0, "0"), (9, "9"), (10, "10"), (-10, "-10"), (Int.max, "9223372036854775807"), (.min, "-9223372036854775808"),
  ])
  func integers(value: Int, expected: String) {
    #expect(text { $0.write(value) } == expected)
  }

  @Test func largestNumber() {
    #expect(text { $0.write(UInt64.max) } == "18446744073709551615")
  }

  @Test func timestamps() {
    #expect(text { $0.write(timestampMicroseconds: 0) } == "1970-01-01T00:00:00.000Z")
    #expect(text { $0.write(timestampMicroseconds: -1) } == "1969-12-31T23:59:59.999999Z")
    #expect(text { $0.write(timestampMicroseconds: 1_709_210_096_123_000) } == "2024-02-29T12:34:56.123Z")
    #expect(text { $0.write(timestampSeconds: 1_709_210_096) } == "2024-02-29T12:34:56Z")
  }
}
