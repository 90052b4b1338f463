import Testing

@testable import Models

/// Readings of one patient resemble each other: other patients are no drift, and a shift of all is.
@Suite struct PatientClusterTests {
  /// Readings of patients who each have a level of their own, with a variance of 1 within and `between` among them.
  private static func readings(
    patients: Int, each: Int, between: Double, shift: Double = 0, _ generator: inout TestGenerator
  ) -> (values: [Float], patients: [Int32]) {
    var (values, owners): ([Float], [Int32]) = ([], [])
    for patient in 0..<patients {
      let level = between.squareRoot() * generator.normal() + shift
      for _ in 0..<each {
        values.append(Float(level + generator.normal()))
        owners.append(Int32(patient))
      }
    }
    return (values, owners)
  }

  @Test(arguments: [(between: 0.0, expected: 0.0), (1, 0.5), (4, 0.8), (99, 0.99)])
  func correlationIsThatOfTheVariances(between: Double, expected: Double) {
    var generator = TestGenerator(state: 3)
    let (values, patients) = Self.readings(patients: 300, each: 10, between: between, &generator)
    #expect(abs(PatientClusters.correlation(values, patients) - expected) < 0.06)
    #expect(PatientClusters.correlation(values, (0..<Int32(values.count)).map { $0 }) == 0)
    #expect(PatientClusters.correlation([Float](), []) == 0)
  }

  @Test func rowsCountByWhatTheyAreWorth() {
    #expect(PatientClusters.effective(5_000, patients: 50, correlation: 0) == 5_000)
    #expect(PatientClusters.effective(5_000, patients: 50, correlation: 1) == 50)
    #expect(PatientClusters.effective(5_000, patients: nil, correlation: 1) == 5_000)
    #expect(PatientClusters.effective(40, patients: 50, correlation: 1) == 40)
  }

  @Test func otherPatientsAreNoDriftAndAShiftOfAllIs() throws {
    var generator = TestGenerator(state: 5)
    var policy = DriftPolicy()
    policy.windowRows = 1_800
    policy.slideRows = 1_800
    let training = Self.readings(patients: 12, each: 150, between: 20, &generator)
    let aware = DistributionFingerprint(
      features: ["x"], values: training.values, predictions: nil, patients: training.patients)
    let unaware = DistributionFingerprint(features: ["x"], values: training.values, predictions: nil)
    func alarms(_ fingerprint: DistributionFingerprint, shift: Double, generator: inout TestGenerator) throws -> Int {
      try (0..<8).count { _ in
        let values = Self.readings(patients: 12, each: 150, between: 20, shift: shift, &generator).values
        var counts = WindowCounts(fingerprint.features[0])
        for value in values { counts.add(value, fingerprint.features[0]) }
        var window = SlidingWindow(fingerprint, policy: policy)
        let closed = window.add([counts], patients: 12)
        return try #require(closed).columns.contains { policy.findings($0).contains(where: \.isDrift) }
      }
    }
    #expect(try alarms(aware, shift: 0, generator: &generator) == 0)
    // Taken for independent rows, the same windows ring.
    #expect(try alarms(unaware, shift: 0, generator: &generator) > 3)
    #expect(try alarms(aware, shift: 40, generator: &generator) == 8)
  }
}
