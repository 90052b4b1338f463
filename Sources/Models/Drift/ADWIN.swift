import Foundation

/// Adaptive windowing (Bifet and Gavaldà 2007): a window over a stream of numbers, for example of 0/1 errors, that
/// forgets its old part whenever the means of an old and a new part differ by more than chance explains at `delta`.
///
/// The window is an exponential histogram: at most `perRow` buckets of each size 1, 2, 4, …, so memory is logarithmic
/// in its width. Cuts are tried once every `clock` values.
public struct ADWIN: Sendable {
  private struct Bucket: Sendable {
    var total: Double
    /// Sum of squared differences from the bucket's mean.
    var squares: Double
  }

  /// Probability of a false alarm in a stationary stream, by the paper's bound.
  public let delta: Double
  /// Values between two looks for a cut.
  public let clock: Int
  private let perRow: Int
  private let shortest = 5
  private let grace = 10
  /// `rows[i]` holds buckets of 2ⁱ values, oldest first.
  private var rows: [[Bucket]] = [[]]
  private var seen = 0
  /// Values in the window.
  public private(set) var width = 0
  private var total = 0.0
  private var squares = 0.0
  /// Cuts so far.
  public private(set) var detections = 0

  /// A detector with an empty window.
  public init(delta: Double = 0.002, clock: Int = 32, perRow: Int = 5) {
    self.delta = min(1, max(1e-12, delta))
    self.clock = max(1, clock)
    self.perRow = max(2, perRow)
  }

  /// Mean of the window; 0 while it is empty.
  public var mean: Double { width == 0 ? 0 : total / Double(width) }

  /// Takes a value; NaN is ignored. True: the mean has changed, and the window has forgotten what was before.
  public mutating func add(_ value: Double) -> Bool {
    guard value.isFinite else { return false }
    if width > 0 {
      let difference = value - mean
      squares += difference * difference * Double(width) / Double(width + 1)
    }
    width += 1
    total += value
    rows[0].append(Bucket(total: value, squares: 0))
    compress()
    seen += 1
    guard seen % clock == 0, width > grace else { return false }
    var changed = false
    while hasCut {
      changed = true
      forgetOldest()
    }
    if changed { detections += 1 }
    return changed
  }

  /// Joins the two oldest buckets of a size that has too many.
  private mutating func compress() {
    var row = 0
    while rows[row].count > perRow {
      let size = Double(1 << row)
      let first = rows[row].removeFirst()
      let second = rows[row].removeFirst()
      let difference = (first.total - second.total) / size
      if row + 1 == rows.count { rows.append([]) }
      rows[row + 1].append(
        Bucket(
          total: first.total + second.total,
          squares: first.squares + second.squares + difference * difference * size / 2))
      row += 1
    }
  }

  /// Whether the means before and behind some boundary of buckets differ.
  private var hasCut: Bool {
    let logarithm = log(2 * log(Double(max(2, width))) / delta)
    let variance = squares / Double(width)
    var old = (n: 0, total: 0.0)
    for row in rows.indices.reversed() {
      for bucket in rows[row] {
        old.n += 1 << row
        old.total += bucket.total
        let new = width - old.n
        guard new >= shortest else { return false }
        guard old.n >= shortest else { continue }
        let difference = old.total / Double(old.n) - (total - old.total) / Double(new)
        let harmonic = 1 / Double(old.n - shortest + 1) + 1 / Double(new - shortest + 1)
        let limit = (2 * harmonic * variance * logarithm).squareRoot() + 2.0 / 3.0 * harmonic * logarithm
        if abs(difference) > limit { return true }
      }
    }
    return false
  }

  /// One bucket at a time, as the paper has it: what is left may be of one piece already.
  private mutating func forgetOldest() {
    guard let row = rows.indices.reversed().first(where: { !rows[$0].isEmpty }) else { return }
    let bucket = rows[row].removeFirst()
    let size = 1 << row
    width -= size
    total -= bucket.total
    if width > 0 {
      let difference = bucket.total / Double(size) - total / Double(width)
      squares -=
        bucket.squares + difference * difference * Double(size) * Double(width) / Double(size + width)
    } else {
      squares = 0
    }
    squares = max(0, squares)
    while rows.count > 1, rows[rows.count - 1].isEmpty { rows.removeLast() }
  }
}
