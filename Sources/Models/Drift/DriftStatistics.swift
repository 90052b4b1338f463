import Foundation

/// How far a window of a stream is from a fingerprint, in one column.
public struct ColumnDrift: Sendable, Hashable {
  /// The feature's name, or `prediction`.
  public var name: String
  /// Rows of the window.
  public var rows: Int
  /// Population stability index over about ten bins; nil if the window or the fingerprint has no value.
  public var psi: Double?
  /// Kolmogorov and Smirnov's distance at the bins' edges, 0 to 1; nil as for `psi`.
  public var ks: Double?
  /// Share of missing values in the window.
  public var missingShare: Double
  /// Share of missing values in the fingerprint.
  public var missingBefore: Double
  /// Share of values outside the fingerprint's smallest and largest.
  public var outsideShare: Double
  /// Independent values that those of the window and of the fingerprint are worth.
  public var counts: (window: Int, reference: Int) { (windowValues, referenceValues) }
  /// Independent rows that the window and the fingerprint are worth when it is asked whether there is a value.
  public var rowCounts: (window: Int, reference: Int) { (windowRows, referenceRows) }

  var windowValues: Int
  var referenceValues: Int
  var windowRows: Int
  var referenceRows: Int
  var psiBins: Int
}

/// A window of a stream in one column, counted in the bins of a fingerprint.
public struct WindowCounts: Sendable, Hashable {
  /// Values by bin.
  public var counts: [Int]
  /// Rows without a value.
  public var missing = 0
  /// Values outside the fingerprint's range.
  public var outside = 0

  /// Empty counts for a column.
  public init(_ column: DistributionFingerprint.Column) {
    counts = Array(repeating: 0, count: column.counts.count)
  }

  /// Counts a value; NaN is missing.
  @inline(__always)
  public mutating func add(_ value: Float, _ column: DistributionFingerprint.Column) {
    guard !value.isNaN else {
      missing += 1
      return
    }
    let value = Double(value)
    counts[DistributionFingerprint.Column.bin(of: value, column.edges)] += 1
    if value < column.minimum || value > column.maximum { outside += 1 }
  }

  /// Adds the counts of another window of the same column.
  public mutating func merge(_ other: WindowCounts) {
    for bin in counts.indices { counts[bin] += other.counts[bin] }
    missing += other.missing
    outside += other.outside
  }

  /// Rows counted.
  public var rows: Int { counts.reduce(missing, +) }
}

/// Statistics of drift over binned counts.
public enum DriftStatistics {
  /// Compares a window with the fingerprint.
  /// - Parameter patients: How many patients the window's rows are of; nil: each is of another.
  public static func drift(
    _ window: WindowCounts, from reference: DistributionFingerprint.Column, patients: Int? = nil
  ) -> ColumnDrift {
    let rows = window.rows
    let values = rows - window.missing
    let referenceValues = reference.present
    let referenceRows = referenceValues + reference.missing
    func worth(_ rows: Int, _ patients: Int?, _ correlation: Double?) -> Int {
      PatientClusters.effective(rows, patients: patients, correlation: correlation)
    }
    let (same, gone) = (reference.resemblance, reference.missingResemblance)
    var drift = ColumnDrift(
      name: reference.name, rows: rows, psi: nil, ks: nil,
      missingShare: share(window.missing, rows), missingBefore: share(reference.missing, referenceRows),
      outsideShare: share(window.outside, values), windowValues: worth(values, patients, same),
      referenceValues: worth(referenceValues, reference.patients, same),
      windowRows: worth(rows, patients, gone), referenceRows: worth(referenceRows, reference.patients, gone), psiBins: 0
    )
    guard values > 0, referenceValues > 0 else { return drift }
    let groups = groups(of: reference.counts)
    drift.psiBins = groups.count
    drift.psi = psi(
      groups.map { $0.reduce(0) { $0 + window.counts[$1] } }, groups.map { $0.reduce(0) { $0 + reference.counts[$1] } })
    drift.ks = ks(window.counts, reference.counts)
    return drift
  }

  /// The population stability index Σ (p − q)·ln(p/q), half a row being added to each bin so that empty ones count.
  ///
  /// With N = n·m/(n + m) of the two row counts and no drift, N·PSI is about χ² distributed with bins − 1 degrees of
  /// freedom (Yurdakul 2018).
  public static func psi(_ window: [Int], _ reference: [Int]) -> Double {
    precondition(window.count == reference.count)
    let half = 0.5
    let total = (
      Double(window.reduce(0, +)) + half * Double(window.count),
      Double(reference.reduce(0, +)) + half * Double(reference.count)
    )
    return zip(window, reference).reduce(0) { sum, pair in
      let p = (Double(pair.0) + half) / total.0
      let q = (Double(pair.1) + half) / total.1
      return sum + (p - q) * log(p / q)
    }
  }

  /// The largest difference of the two cumulative shares.
  public static func ks(_ window: [Int], _ reference: [Int]) -> Double {
    precondition(window.count == reference.count)
    let totals = (Double(window.reduce(0, +)), Double(reference.reduce(0, +)))
    guard totals.0 > 0, totals.1 > 0 else { return 0 }
    var sums = (0, 0)
    var largest = 0.0
    for (left, right) in zip(window, reference) {
      sums.0 += left
      sums.1 += right
      largest = max(largest, abs(Double(sums.0) / totals.0 - Double(sums.1) / totals.1))
    }
    return largest
  }

  /// The KS distance that two samples of the same distribution exceed with probability `alpha`, asymptotically:
  /// √(−ln(α/2)/2) · √((n + m)/(n·m)) (Smirnov 1948).
  public static func ksLimit(_ n: Int, _ m: Int, alpha: Double) -> Double {
    guard n > 0, m > 0 else { return 1 }
    return (-log(alpha / 2) / 2).squareRoot() * ((Double(n) + Double(m)) / (Double(n) * Double(m))).squareRoot()
  }

  /// The PSI that two samples of the same distribution exceed with probability `alpha`; χ² by Wilson and Hilferty's
  /// approximation (1931).
  public static func psiLimit(_ n: Int, _ m: Int, bins: Int, alpha: Double) -> Double {
    guard n > 0, m > 0, bins > 1 else { return .infinity }
    let freedom = Double(bins - 1)
    let root = 1 - 2 / (9 * freedom) + normalQuantile(1 - alpha) * (2 / (9 * freedom)).squareRoot()
    let effective = Double(n) * Double(m) / (Double(n) + Double(m))
    return freedom * root * root * root / effective
  }

  /// How far a share may be from another by chance: two proportions, two-sided, normal approximation.
  public static func shareLimit(_ share: Double, _ n: Int, _ m: Int, alpha: Double) -> Double {
    guard n > 0, m > 0 else { return 1 }
    let pooled = min(0.5, max(share, 1 / Double(n)))
    return normalQuantile(1 - alpha / 2) * (pooled * (1 - pooled) * (1 / Double(n) + 1 / Double(m))).squareRoot()
  }

  /// The standard normal quantile by bisection on `erfc`; 1e-12 is exact enough here.
  static func normalQuantile(_ probability: Double) -> Double {
    var low = -12.0
    var high = 12.0
    for _ in 0..<80 {
      let middle = (low + high) / 2
      if 0.5 * erfc(-middle / 2.0.squareRoot()) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// Neighbouring bins joined until each holds about a tenth of the fingerprint's rows.
  static func groups(of counts: [Int]) -> [[Int]] {
    let wanted = Double(counts.reduce(0, +)) / 10
    var groups: [[Int]] = []
    var current: [Int] = []
    var rows = 0
    for (bin, count) in counts.enumerated() {
      current.append(bin)
      rows += count
      if Double(rows) >= wanted * 0.999 {
        groups.append(current)
        current = []
        rows = 0
      }
    }
    if !current.isEmpty {
      if rows == 0, var last = groups.popLast() {
        last += current
        groups.append(last)
      } else {
        groups.append(current)
      }
    }
    return groups
  }

  private static func share(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
}
