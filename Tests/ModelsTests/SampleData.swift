import Models

/// Invented patients: vitals and labs that differ between ill and well, some values missing, several rows each.
enum SampleData {
  static let features = [
    "heart_rate", "temperature", "creatinine", "glucose", "age_0_17", "age_18_64", "age_65", "gender",
  ]

  static func dataset(rows: Int, groups: Int, seed: UInt64, missingShare: Double = 0.1, illShare: Double = 0.25)
    -> Dataset
  {
    var generator = TestGenerator(state: seed)
    var dataset = Dataset(features: features)
    for index in 0..<rows {
      let ill = generator.unit() < illShare
      let shift = ill ? 1.0 : 0.0
      var row: [Float] = [
        Float(75 + 12 * shift + 10 * generator.normal()), Float(36.8 + 0.7 * shift + 0.4 * generator.normal()),
        Float(0.9 + 0.3 * shift + 0.2 * generator.normal()), Float(95 + 15 * shift + 15 * generator.normal()),
      ]
      for column in row.indices where generator.unit() < missingShare { row[column] = .nan }
      let age = Int(generator.unit() * 3)
      row += (0..<3).map { $0 == age ? 1 : 0 }
      row.append(generator.unit() < 0.5 ? 1 : 0)
      dataset.append(row, label: ill, group: Int32(index % groups))
    }
    return dataset
  }
}

/// SplitMix64, so that tests see the same data everywhere.
struct TestGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Roughly normal: the sum of twelve uniform numbers less six.
  mutating func normal() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + unit() } }
}
