/// How much rows of one patient resemble each other, and what many of them are worth.
///
/// Readings of few patients say less about a population than as many of different ones: n rows of which each patient
/// has m are worth n / (1 + (m − 1)·ρ) independent ones (Kish 1965), where ρ is the intraclass correlation.
enum PatientClusters {
  /// The intraclass correlation of values by one-way analysis of variance, 0 to 1; NaN values are left out. 0 if no patient
  /// has two.
  static func correlation(_ values: some Sequence<Float>, _ patients: [Int32]) -> Double {
    var sums: [Int32: (count: Double, total: Double)] = [:]
    var (count, total, squares) = (0.0, 0.0, 0.0)
    for (value, patient) in zip(values, patients) where !value.isNaN {
      let value = Double(value)
      sums[patient, default: (0, 0)].count += 1
      sums[patient, default: (0, 0)].total += value
      count += 1
      total += value
      squares += value * value
    }
    let groups = Double(sums.count)
    guard groups > 1, count > groups else { return 0 }
    let mean = total / count
    // In a fixed order, so that the same rows give the same bits.
    let ordered = sums.sorted { $0.key < $1.key }.map(\.value)
    let between = ordered.reduce(0) { $0 + $1.total * $1.total / $1.count } - count * mean * mean
    let within = max(0, squares - count * mean * mean - between)
    let (meanBetween, meanWithin) = (max(0, between) / (groups - 1), within / (count - groups))
    let size = (count - ordered.reduce(0) { $0 + $1.count * $1.count } / count) / (groups - 1)
    let variance = meanBetween + (size - 1) * meanWithin
    return variance > 0 ? min(1, max(0, (meanBetween - meanWithin) / variance)) : 0
  }

  /// Independent rows that `rows` of so many patients are worth, at least one per patient.
  static func effective(_ rows: Int, patients: Int?, correlation: Double?) -> Int {
    guard let patients, let correlation, patients > 0, rows > patients else { return rows }
    let each = Double(rows) / Double(patients)
    return max(1, Int(Double(rows) / (1 + (each - 1) * correlation)))
  }
}
