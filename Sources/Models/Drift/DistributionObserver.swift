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
  public func observe(_ rows: UnsafeBufferPointer<Float>, scores: UnsafeBufferPointer<Float>, outputs: Int) {
    guard features > 0, rows.count.isMultiple(of: features) else { return }
    let count = rows.count / features
    var seen = columns.map(WindowCounts.init)
    for column in 0..<features {
      let reference = columns[column]
      for row in 0..<count { seen[column].add(rows[row * features + column], reference) }
    }
    if columns.count > features, scores.count == count * outputs {
      let reference = columns[features]
      for row in 0..<count { seen[features].add(scores[row * outputs + outputs - 1], reference) }
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
