import Synchronization

/// Counts what a model is asked and what it answers, in the bins of a fingerprint. Called from several threads.
public final class DistributionObserver: Sendable {
  private let columns: [DistributionFingerprint.Column]
  private let features: Int
  private let counts: Mutex<[WindowCounts]>

  /// An observer that has seen nothing.
  public init(_ fingerprint: DistributionFingerprint) {
    columns = fingerprint.columns
    features = fingerprint.features.count
    counts = Mutex(fingerprint.columns.map(WindowCounts.init))
  }

  /// Counts row-major rows of features and their scores, `outputs` per row; of several classes the last one's
  /// probability counts.
  /// - Parameters:
  ///   - width: Values in a row; of a sequence of readings, which is longer than one, the last counts.
  ///   - skipsEmpty: Whether rows without any value are left out: a model of anomalies has no answer to them.
  public func observe(
    _ rows: UnsafeBufferPointer<Float>, width: Int, scores: UnsafeBufferPointer<Float>, outputs: Int,
    skipsEmpty: Bool = false
  ) {
    guard features > 0, width >= features, rows.count.isMultiple(of: width) else { return }
    let count = rows.count / width
    let last = width - features
    let isCounted = (0..<count).map { row in
      !skipsEmpty || (0..<features).contains { !rows[row * width + last + $0].isNaN }
    }
    var seen = columns.map(WindowCounts.init)
    for column in 0..<features {
      let reference = columns[column]
      for row in 0..<count where isCounted[row] { seen[column].add(rows[row * width + last + column], reference) }
    }
    if columns.count > features, scores.count == count * outputs {
      let reference = columns[features]
      for row in 0..<count where isCounted[row] {
        seen[features].add(scores[row * outputs + outputs - 1], reference)
      }
    }
    counts.withLock { counts in
      for index in counts.indices { counts[index].merge(seen[index]) }
    }
  }

  /// The counts since the last call.
  public func take() -> [WindowCounts] {
    counts.withLock { counts in
      defer { counts = columns.map(WindowCounts.init) }
      return counts
    }
  }
}
