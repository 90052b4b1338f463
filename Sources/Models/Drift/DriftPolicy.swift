/// When a difference between a window and a fingerprint is drift.
///
/// Two things must hold. The difference must be large enough to matter (`psi`, `ks`, `missing`, `outside`), and larger
/// than chance explains at `alpha` per test. With c columns there are 4·c tests per window, so the chance of a false
/// alarm in w windows of a stationary stream of independent rows is at most 4·c·w·α: with the default 1e-6, 20 columns
/// and 50 windows, 0.4 %. Rows of one patient resemble each other: they count as the independent rows that they are worth.
public struct DriftPolicy: Sendable, Hashable {
  /// Rows of a window.
  public var windowRows = 5_000
  /// Windows begin this many rows after one another.
  public var slideRows = 1_250
  /// Least PSI that is drift; 0.1 to 0.25 is the usual range for "moderate".
  public var psi = 0.2
  /// Least KS distance that is drift.
  public var ks = 0.15
  /// Least difference of the shares of missing values that is drift.
  public var missing = 0.05
  /// Least share of values outside the fingerprint's range that is drift.
  public var outside = 0.02
  /// Probability of a false alarm per test.
  public var alpha = 1e-6

  /// The defaults.
  public init() {}

  /// What one column's statistics say against the policy: the names of the statistics that show drift.
  public func findings(_ drift: ColumnDrift) -> [Finding] {
    let (n, m) = drift.counts
    let rows = drift.rowCounts
    let candidates: [Finding?] = [
      drift.psi.map {
        Finding(
          statistic: .psi, value: $0,
          limit: max(psi, DriftStatistics.psiLimit(n, m, bins: drift.psiBins, alpha: alpha)))
      },
      drift.ks.map {
        Finding(statistic: .ks, value: $0, limit: max(ks, DriftStatistics.ksLimit(n, m, alpha: alpha)))
      },
      Finding(
        statistic: .missing, value: abs(drift.missingShare - drift.missingBefore),
        limit: max(
          missing, DriftStatistics.shareLimit(drift.missingBefore, rows.window, rows.reference, alpha: alpha))),
      Finding(
        statistic: .outside, value: drift.outsideShare,
        limit: max(outside, DriftStatistics.shareLimit(0, n, m, alpha: alpha))),
    ]
    return candidates.compactMap(\.self)
  }

  /// A statistic with the limit that it was held against.
  public struct Finding: Sendable, Hashable {
    /// What was measured.
    public var statistic: Statistic
    /// The value.
    public var value: Double
    /// Above it there is drift.
    public var limit: Double
    /// Whether the value is above the limit.
    public var isDrift: Bool { value > limit }
  }

  /// What is measured in each column.
  public enum Statistic: String, Sendable, Hashable, CaseIterable {
    /// Population stability index.
    case psi
    /// Kolmogorov and Smirnov's distance.
    case ks
    /// Difference of the shares of missing values.
    case missing
    /// Share of values outside the range seen in training.
    case outside
  }
}
