internal import Foundation

/// Identifiers of runs: UUIDs of version 7 (RFC 9562), which sort by time, as OpenLineage asks for.
public enum RunIdentifier {
  /// A new identifier.
  public static func make() -> String {
    var generator = SystemRandomNumberGenerator()
    return make(
      milliseconds: UInt64(Date().timeIntervalSince1970 * 1_000), random: (generator.next(), generator.next()))
  }

  /// The identifier of a moment with 74 random bits.
  static func make(milliseconds: UInt64, random: (UInt64, UInt64)) -> String {
    let high = milliseconds << 16 | 0x7000 | random.0 & 0x0FFF
    let low = 0x8000_0000_0000_0000 | random.1 & 0x3FFF_FFFF_FFFF_FFFF
    func hex(_ value: UInt64) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    let text = Array(hex(high) + hex(low))
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(text[$0]) }.joined(separator: "-")
  }
}
