/// A version 4 UUID (RFC 9562) drawn from a seeded generator.
struct SimulatedUUID: Sendable, Hashable {
  let high: UInt64
  let low: UInt64

  init(random: inout SeededRandom) {
    high = (random.next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000
    low = (random.next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
  }

  /// The 36 characters in lower case.
  var text: String {
    String(unsafeUninitializedCapacity: 36) { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      var cursor = ByteCursor(start)
      cursor.write(self)
      return cursor.count
    }
  }
}
