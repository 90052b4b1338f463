import Foundation
import Models
import Testing

@Suite struct DriftTests {
  private static let features = ["a", "b", "flag"]

  /// Rows of two numbers and a flag; `shift` moves the first, `missing` blanks the second.
  private static func rows(_ count: Int, _ generator: inout TestGenerator, shift: Double = 0, missing: Double = 0.1)
    -> [Float]
  {
    var values: [Float] = []
    for _ in 0..<count {
      values.append(Float(generator.normal() + shift))
      values.append(generator.unit() < missing ? .nan : Float(exp(generator.normal())))
      values.append(generator.unit() < 0.3 ? 1 : 0)
    }
    return values
  }

  private static func counts(_ values: [Float], _ fingerprint: DistributionFingerprint) -> [WindowCounts] {
    fingerprint.columns.enumerated().map { index, column in
      var counts = WindowCounts(column)
      for row in stride(from: index, to: values.count, by: features.count) { counts.add(values[row], column) }
      return counts
    }
  }

  private static func fingerprint(_ generator: inout TestGenerator) -> DistributionFingerprint {
    DistributionFingerprint(features: features, values: rows(20_000, &generator), predictions: nil)
  }

  @Test func aFingerprintCountsEveryRowOnce() throws {
    var generator = TestGenerator(state: 1)
    let fingerprint = Self.fingerprint(&generator)
    for column in fingerprint.columns {
      #expect(column.present + column.missing == 20_000)
      #expect(column.edges == column.edges.sorted() && Set(column.edges).count == column.edges.count)
    }
    #expect(fingerprint.columns[0].counts.allSatisfy { $0 == 500 })
    // Two values, one edge between them.
    #expect(fingerprint.columns[2].edges == [0.5])
    let json = try JSONEncoder().encode(fingerprint)
    #expect(try JSONDecoder().decode(DistributionFingerprint.self, from: json) == fingerprint)
  }

  @Test func psiAndKSFollowTheirDefinitions() {
    // By hand: shares (10.5/31, 20.5/31) and (20.5/31, 10.5/31).
    #expect(abs(DriftStatistics.psi([10, 20], [20, 10]) - 2 * (10.0 / 31) * log(20.5 / 10.5)) < 1e-12)
    #expect(DriftStatistics.psi([5, 5], [5, 5]) == 0)
    #expect(abs(DriftStatistics.ks([1, 1, 2], [2, 1, 1]) - 0.25) < 1e-12)
    // Tables: KS 5 % for n = m = 100 is 1.358·√(2/100).
    #expect(abs(DriftStatistics.ksLimit(100, 100, alpha: 0.05) - 0.19206) < 1e-4)
    // χ² with 9 degrees of freedom, 95 %: 16.919.
    let limit = DriftStatistics.psiLimit(2_000, 2_000, bins: 10, alpha: 0.05)
    #expect(abs(limit * 1_000 - 16.919) < 0.05)
  }

  /// The stated false-alarm argument: no alarm in 50 windows of a stationary stream, for several seeds.
  @Test(arguments: [11, 12, 13])
  func noAlarmOnStationaryData(seed: Int) {
    var generator = TestGenerator(state: UInt64(seed))
    let fingerprint = Self.fingerprint(&generator)
    let policy = DriftPolicy()
    var window = SlidingWindow(fingerprint, policy: policy)
    var closed = 0
    while closed < 50 {
      guard let result = window.add(Self.counts(Self.rows(625, &generator), fingerprint)) else { continue }
      closed += 1
      #expect(result.rows >= policy.windowRows && result.rows < policy.windowRows + policy.slideRows * 2)
      #expect(!result.columns.contains { policy.findings($0).contains(where: \.isDrift) })
    }
  }

  @Test func anInjectedShiftIsFoundInItsColumnAlone() {
    var generator = TestGenerator(state: 21)
    let fingerprint = Self.fingerprint(&generator)
    let policy = DriftPolicy()
    var window = SlidingWindow(fingerprint, policy: policy)
    for _ in 0..<10 { _ = window.add(Self.counts(Self.rows(1_250, &generator), fingerprint)) }
    var found: Set<String> = []
    for _ in 0..<4 {
      guard let result = window.add(Self.counts(Self.rows(1_250, &generator, shift: 0.8), fingerprint)) else {
        continue
      }
      for column in result.columns {
        for finding in policy.findings(column) where finding.isDrift {
          found.insert("\(column.name) \(finding.statistic)")
        }
      }
    }
    #expect(found.contains("a psi") && found.contains("a ks"))
    #expect(found.allSatisfy { $0.hasPrefix("a ") })
  }

  @Test func missingValuesAndNewRangesAreFound() throws {
    var generator = TestGenerator(state: 31)
    let fingerprint = Self.fingerprint(&generator)
    let policy = DriftPolicy()
    var window = SlidingWindow(fingerprint, policy: policy)
    var values = Self.rows(5_000, &generator, missing: 0.3)
    // A unit that changed: one value in ten a hundredfold.
    for row in stride(from: 0, to: values.count, by: 30) { values[row] = 100 }
    let closed = window.add(Self.counts(values, fingerprint))
    let result = try #require(closed)
    let found = result.columns.flatMap { column in
      policy.findings(column).filter(\.isDrift).map { "\(column.name) \($0.statistic)" }
    }
    #expect(found.contains("a outside") && found.contains("b missing"))
    #expect(!found.contains { $0.hasPrefix("flag") })
  }

  @Test func smallWindowsNeedLargeDifferences() {
    var generator = TestGenerator(state: 41)
    let fingerprint = Self.fingerprint(&generator)
    var policy = DriftPolicy()
    policy.windowRows = 60
    policy.slideRows = 60
    var window = SlidingWindow(fingerprint, policy: policy)
    // Sixty rows: PSI is large by chance alone, and the limit knows that.
    for _ in 0..<50 {
      guard let result = window.add(Self.counts(Self.rows(60, &generator), fingerprint)) else { continue }
      #expect(!result.columns.contains { policy.findings($0).contains(where: \.isDrift) })
    }
  }
}

@Suite struct ErrorDriftTests {
  private static func errors(_ count: Int, rate: Double, _ generator: inout TestGenerator) -> [Double] {
    (0..<count).map { _ in generator.unit() < rate ? 1 : 0 }
  }

  @Test func adwinFindsAChangeAndForgets() {
    var generator = TestGenerator(state: 1)
    var adwin = ADWIN()
    for value in Self.errors(2_000, rate: 0.2, &generator) { _ = adwin.add(value) }
    #expect(adwin.detections == 0)
    #expect(adwin.width == 2_000)
    var found: Int?
    for (index, value) in Self.errors(2_000, rate: 0.5, &generator).enumerated() {
      if adwin.add(value), found == nil { found = index }
    }
    #expect(found.map { $0 < 300 } == true)
    #expect(adwin.width < 2_400)
    #expect(abs(adwin.mean - 0.5) < 0.06)
  }

  @Test func adwinIsQuietOnStationaryErrors() {
    for seed in 1...5 {
      var generator = TestGenerator(state: UInt64(seed))
      var adwin = ADWIN()
      for value in Self.errors(20_000, rate: 0.3, &generator) { _ = adwin.add(value) }
      #expect(adwin.detections == 0)
      #expect(adwin.width == 20_000)
    }
  }

  @Test func pageHinkleyRingsOnARiseOnly() {
    var generator = TestGenerator(state: 3)
    var rising = PageHinkley(tolerance: 0.05, threshold: 20)
    var falling = rising
    for value in Self.errors(2_000, rate: 0.3, &generator) {
      _ = rising.add(value)
      _ = falling.add(value)
    }
    #expect(rising.detections == 0)
    var found: Int?
    for (index, value) in Self.errors(1_000, rate: 0.7, &generator).enumerated() where rising.add(value) {
      found = found ?? index
    }
    #expect(found.map { $0 < 200 } == true)
    for value in Self.errors(1_000, rate: 0.05, &generator) { _ = falling.add(value) }
    #expect(falling.detections == 0)
  }
}
