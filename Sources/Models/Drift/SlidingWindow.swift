/// The newest rows of a stream, counted by column in panes, so that a window slides without keeping a row.
public struct SlidingWindow: Sendable {
  /// A window that has closed.
  public struct Closed: Sendable {
    /// Statistics by column, in the fingerprint's order.
    public var columns: [ColumnDrift]
    /// Rows of the window.
    public var rows: Int
    /// How many windows closed before it.
    public var number: Int
  }

  private let columns: [DistributionFingerprint.Column]
  private let policy: DriftPolicy
  private var panes: [(counts: [WindowCounts], patients: Int?)] = []
  private var current: [WindowCounts]
  private var currentPatients: Int?
  private var closed = 0

  /// A window over the columns of a fingerprint.
  public init(_ fingerprint: DistributionFingerprint, policy: DriftPolicy) {
    columns = fingerprint.columns
    self.policy = policy
    current = columns.map(WindowCounts.init)
  }

  /// Takes the counts of a micro-batch, one per column. Returns the window that closes, if one does.
  /// - Parameter patients: How many patients its rows are of; nil: each is of another.
  public mutating func add(_ batch: [WindowCounts], patients: Int? = nil) -> Closed? {
    precondition(batch.count == columns.count)
    for index in current.indices { current[index].merge(batch[index]) }
    currentPatients = Self.most(currentPatients, patients)
    guard let rows = current.first?.rows, rows >= policy.slideRows else { return nil }
    panes.append((current, currentPatients))
    current = columns.map(WindowCounts.init)
    currentPatients = nil
    // The fewest newest panes that hold a window's rows.
    while panes.count > 1, panes.dropFirst().reduce(0, { $0 + ($1.counts.first?.rows ?? 0) }) >= policy.windowRows {
      panes.removeFirst()
    }
    return close(atLeast: policy.windowRows)
  }

  /// What there is, if it is at least `rows` rows: for a stream that ends.
  public mutating func close(atLeast rows: Int) -> Closed? {
    var sums = columns.map(WindowCounts.init)
    for pane in panes.map(\.counts) + [current] {
      for index in sums.indices { sums[index].merge(pane[index]) }
    }
    let total = sums.first?.rows ?? 0
    guard total >= rows, total > 0 else { return nil }
    closed += 1
    // The patients of several panes may be the same: there are as many as in the fullest at least.
    let patients = panes.map(\.patients).reduce(currentPatients, Self.most)
    return Closed(
      columns: zip(sums, columns).map { DriftStatistics.drift($0, from: $1, patients: patients) }, rows: total,
      number: closed - 1)
  }

  private static func most(_ one: Int?, _ other: Int?) -> Int? {
    guard let one, let other else { return one ?? other }
    return max(one, other)
  }
}
