internal import Synchronization

/// A number that only grows, until the process ends.
public final class Counter: MetricCell {
  private let bits = Atomic<UInt64>(0)

  init() {}

  /// Adds one.
  public func add() { MetricBits.add(1, to: bits) }

  /// Adds; negative amounts are left out.
  public func add(_ amount: Double) {
    guard amount > 0 else { return }
    MetricBits.add(amount, to: bits)
  }

  /// Adds a count.
  public func add(_ count: some BinaryInteger) { add(Double(count)) }

  /// Takes over a sum that something else has reckoned; it never falls.
  public func raise(to sum: Double) { add(sum - value) }

  /// The sum so far.
  public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

  /// Writes one sample.
  public func write(name: String, labels: String, to text: inout String) {
    text += MetricText.sample(name, labels, value)
  }
}

/// A number that goes up and down.
public final class Gauge: MetricCell {
  private let bits = Atomic<UInt64>(0)

  init() {}

  /// Replaces the value.
  public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  /// Replaces the value by a count.
  public func set(_ count: some BinaryInteger) { set(Double(count)) }

  /// Adds, or takes away.
  public func add(_ amount: Double) { MetricBits.add(amount, to: bits) }

  /// The value.
  public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

  /// Writes one sample.
  public func write(name: String, labels: String, to text: inout String) {
    text += MetricText.sample(name, labels, value)
  }
}

/// A distribution: how many values lie at or below each bound, with their sum and number.
public final class Histogram: MetricCell {
  /// Bounds for times in seconds, from a millisecond to a minute.
  public static let seconds = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  ]

  private struct State {
    var counts: [UInt64]
    var sum = 0.0
  }

  private let bounds: [Double]
  private let state: Mutex<State>

  init(bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  /// Takes in a value; NaN is left out.
  public func observe(_ value: Double) {
    guard !value.isNaN else { return }
    let index = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.counts[index] += 1
      state.sum += value
    }
  }

  /// How many values were taken in, and their sum.
  public var total: (count: UInt64, sum: Double) {
    state.withLock { ($0.counts.reduce(0, +), $0.sum) }
  }

  /// The value below which a share of all values lies, by linear interpolation inside its bucket, as Prometheus's
  /// `histogram_quantile` reckons; the greatest bound if it lies above that, nil without values.
  public func quantile(_ share: Double) -> Double? {
    let counts = state.withLock { $0.counts }
    let total = counts.reduce(0, +)
    guard total > 0, let last = bounds.last else { return nil }
    let rank = share * Double(total)
    var below = 0.0
    for (index, count) in counts.dropLast().enumerated() {
      let reached = below + Double(count)
      if reached >= rank, count > 0 {
        let low = index == 0 ? min(0, bounds[0]) : bounds[index - 1]
        return low + (bounds[index] - low) * (rank - below) / Double(count)
      }
      below = reached
    }
    return last
  }

  /// Writes the buckets, cumulated, then sum and count.
  public func write(name: String, labels: String, to text: inout String) {
    let state = state.withLock { $0 }
    let prefix = labels.isEmpty ? "" : labels + ","
    var count: UInt64 = 0
    for (index, own) in state.counts.enumerated() {
      count += own
      let bound = index < bounds.count ? MetricText.number(bounds[index]) : "+Inf"
      text += MetricText.sample(name + "_bucket", "\(prefix)le=\"\(bound)\"", Double(count))
    }
    text += MetricText.sample(name + "_sum", labels, state.sum)
    text += MetricText.sample(name + "_count", labels, Double(count))
  }
}

/// Sums of doubles without a lock.
enum MetricBits {
  static func add(_ amount: Double, to bits: borrowing Atomic<UInt64>) {
    var old = bits.load(ordering: .relaxed)
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let (done, seen) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      if done { return }
      old = seen
    }
  }
}
