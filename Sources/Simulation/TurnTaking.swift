/// The order in which patients come: each once in `count` turns, in an order that looks mixed.
struct TurnTaking: Sendable {
  private let count: Int
  private let stride: Int
  private var turn: Int

  /// Turns of `count` patients (at least 1) from a random one on.
  init(count: Int, _ random: inout SeededRandom) {
    self.count = max(1, count)
    stride = Self.stride(coprimeTo: self.count)
    turn = random.integer(below: self.count)
  }

  /// The patient whose turn is next.
  @inline(__always)
  mutating func next() -> Int {
    turn += stride
    if turn >= count { turn -= count }
    return turn
  }

  /// A step near the golden section of `count` without a common divisor.
  private static func stride(coprimeTo count: Int) -> Int {
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    var candidate = max(1, Int(Double(count) * 0.618))
    while divisor(candidate, count) != 1 { candidate += 1 }
    return candidate % count
  }
}

/// Event times of a stream's records in microseconds. They never go back, and good records have even ones, so that
/// those of late or skewed records, which are odd, never meet them.
struct RecordClock: Sendable {
  private var last = Int64.min
  private var upcoming: Int64 = 0
  private var step: Int64 = 2

  /// A call begins: the first time is `microseconds`, or follows the last one if that is later.
  mutating func begin(at microseconds: Int64, step: Int64) {
    upcoming = microseconds & ~1
    if upcoming <= last { upcoming = last + 2 }
    self.step = max(2, step & ~1)
  }

  /// The next record's time.
  @inline(__always)
  mutating func next() -> Int64 {
    last = upcoming
    upcoming += step
    return last
  }
}
