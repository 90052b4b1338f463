/// Whether probabilities can be taken at their word: what was predicted beside what happened.
public struct Reliability: Sendable, Hashable, Codable {
  /// Rows with similar probabilities.
  public struct Bin: Sendable, Hashable, Codable {
    /// Rows in it.
    public var rows: Int
    /// Their mean probability.
    public var predicted: Double
    /// The share of them that is positive.
    public var observed: Double
  }

  /// At most ten bins of equal numbers of rows, from low to high probabilities; equal probabilities stay together.
  public var bins: [Bin]
  /// Mean distance of predicted and observed over the bins, by rows.
  public var expectedError: Double
  /// Mean squared difference of probability and truth.
  public var brier: Double
  /// Sum of the probabilities divided by the number of positives: above 1 is too high.
  public var expectedToObserved: Double?

  /// Compares `probabilities` with `labels`, of the same non-zero count.
  public init(labels: [Bool], probabilities: [Double], bins count: Int = 10) {
    precondition(labels.count == probabilities.count && !labels.isEmpty)
    let order = probabilities.indices.sorted { probabilities[$0] < probabilities[$1] }
    let size = max(1, (labels.count + count - 1) / count)
    var bins: [Bin] = []
    var start = 0
    while start < order.count {
      var end = min(start + size, order.count)
      while end < order.count, probabilities[order[end]] == probabilities[order[end - 1]] { end += 1 }
      let rows = order[start..<end]
      bins.append(
        Bin(
          rows: rows.count, predicted: rows.reduce(0) { $0 + probabilities[$1] } / Double(rows.count),
          observed: Double(rows.count { labels[$0] }) / Double(rows.count)))
      start = end
    }
    self.bins = bins
    expectedError =
      bins.reduce(0) { $0 + Double($1.rows) * abs($1.predicted - $1.observed) } / Double(labels.count)
    brier =
      zip(labels, probabilities).reduce(0) { $0 + ($1.1 - ($1.0 ? 1 : 0)) * ($1.1 - ($1.0 ? 1 : 0)) }
      / Double(labels.count)
    let positives = labels.count(where: \.self)
    expectedToObserved = positives == 0 ? nil : probabilities.reduce(0, +) / Double(positives)
  }
}
