/// How a model's inputs and answers were distributed when it was trained: what a stream is compared with.
///
/// Counts only; no row can be read from it. Stored as `fingerprint.json` beside the model.
public struct DistributionFingerprint: Sendable, Hashable, Codable {
  /// One column as a histogram.
  public struct Column: Sendable, Hashable, Codable {
    /// The feature's name, or `prediction`.
    public var name: String
    /// Inner edges, ascending; bin `i` holds values above edge `i - 1` and at or below edge `i`.
    public var edges: [Double]
    /// Rows by bin, one more than edges.
    public var counts: [Int]
    /// Rows without a value.
    public var missing: Int
    /// Smallest value, or 0 if there is none.
    public var minimum: Double
    /// Largest value, or 0 if there is none.
    public var maximum: Double
    /// Patients that the rows are of; nil if that is not known.
    public var patients: Int?
    /// How much values of one patient resemble each other: their intraclass correlation, 0 to 1.
    public var resemblance: Double?
    /// The same for whether there is a value.
    public var missingResemblance: Double?

    /// A histogram of values, NaN being missing, in at most `bins` bins of about equal counts.
    /// - Parameter patients: Whose each value is; empty if each is of another.
    public init(name: String, values: some Sequence<Float>, patients groups: [Int32] = [], bins: Int = 40) {
      var present: [Float] = []
      var missing = 0
      for value in values {
        if value.isNaN { missing += 1 } else { present.append(value) }
      }
      present.sort()
      self.name = name
      self.missing = missing
      minimum = Double(present.first ?? 0)
      maximum = Double(present.last ?? 0)
      edges = Self.quantileEdges(present, bins: bins)
      counts = Array(repeating: 0, count: edges.count + 1)
      for value in present { counts[Self.bin(of: Double(value), edges)] += 1 }
      guard !groups.isEmpty else { return }
      patients = Set(groups).count
      resemblance = PatientClusters.correlation(values, groups)
      missingResemblance = PatientClusters.correlation(values.lazy.map { $0.isNaN ? 1 : 0 }, groups)
    }

    /// Rows with a value.
    public var present: Int { counts.reduce(0, +) }

    /// Halfway between neighbouring values at the quantiles; repeated values give fewer edges.
    private static func quantileEdges(_ sorted: [Float], bins: Int) -> [Double] {
      guard sorted.count > 1, bins > 1 else { return [] }
      var edges: [Double] = []
      for part in 1..<bins {
        let index = part * sorted.count / bins
        guard index > 0 else { continue }
        // The edge lies behind the last row with this value, so that equal values stay in one bin.
        let value = sorted[index - 1]
        var next = index
        while next < sorted.count, sorted[next] == value { next += 1 }
        guard next < sorted.count else { break }
        let edge = (Double(value) + Double(sorted[next])) / 2
        if edges.last.map({ $0 < edge }) ?? true { edges.append(edge) }
      }
      return edges
    }

    @inline(__always)
    static func bin(of value: Double, _ edges: [Double]) -> Int {
      var low = 0
      var high = edges.count
      while low < high {
        let middle = (low + high) / 2
        if value <= edges[middle] { high = middle } else { low = middle + 1 }
      }
      return low
    }
  }

  /// Rows that it was made of.
  public var rows: Int
  /// The features in the model's order.
  public var features: [Column]
  /// The answers on rows kept apart from training; nil if the model gives none that can be binned.
  public var prediction: Column?
  /// Versions of the tables that the training query read, by name.
  public var tables: [String: Int64] = [:]

  /// The fingerprint of row-major training rows (NaN is missing) and of answers on rows kept apart.
  /// - Parameters:
  ///   - patients: Whose each row is; empty if each is of another.
  ///   - predictionPatients: Whose each answer is; empty likewise.
  public init(
    features: [String], values: [Float], predictions: [Float]?, patients: [Int32] = [],
    predictionPatients: [Int32] = []
  ) {
    let width = max(1, features.count)
    rows = values.count / width
    self.features = features.enumerated().map { index, name in
      Column(
        name: name, values: stride(from: index, to: values.count, by: width).lazy.map { values[$0] }, patients: patients
      )
    }
    prediction = predictions.map {
      Column(name: DistributionFingerprint.predictionName, values: $0, patients: predictionPatients)
    }
  }

  /// What the answers are called among the columns.
  public static let predictionName = "prediction"

  /// Every column that is watched.
  public var columns: [Column] { features + (prediction.map { [$0] } ?? []) }
}
