import Clinical
import Testing

@Suite struct SepsisAndHemodynamicsTests {
  @Test func vectors() throws {
    for row in try SharedVectors.rows("vectors/qsofa_sirs_map_shockindex.csv") {
      let name = Comment(rawValue: row["id"] ?? "")
      let qsofa = QSOFA.count(
        respiratoryRate: row.number("rr"), systolicPressure: row.number("sbp"),
        hasAlteredMentation: row.number("gcs").map { $0 < 15 })
      #expect(qsofa.count == row["qsofa"].flatMap { Int($0) }, name)
      #expect(qsofa.isPositive == (row["qsofa_positive"] == "1"), name)
      let sirs = SIRS.count(
        temperature: row.number("temp_c"), heartRate: row.number("hr"), respiratoryRate: row.number("rr"),
        carbonDioxidePressure: row.number("paco2_mmhg"), leukocytes: row.number("wbc_10e3_ul"),
        immatureFormsPercent: row.number("bands_pct"))
      #expect(sirs.count == row["sirs"].flatMap { Int($0) }, name)
      #expect(sirs.isPositive == (row["sirs_positive"] == "1"), name)

      let systolic = try #require(row.number("sbp"))
      let diastolic = try #require(row.number("dbp"))
      let heartRate = try #require(row.number("hr"))
      let mean = try #require(Hemodynamics.meanArterialPressure(systolic: systolic, diastolic: diastolic))
      let values = [
        (mean, "map_mmhg"),
        (Hemodynamics.pulsePressure(systolic: systolic, diastolic: diastolic), "pulse_pressure"),
        (Hemodynamics.shockIndex(heartRate: heartRate, systolic: systolic), "shock_index"),
        (Hemodynamics.modifiedShockIndex(heartRate: heartRate, meanPressure: mean), "modified_shock_index"),
      ]
      for (value, column) in values {
        let expected = try #require(row.number(column))
        #expect(abs((value ?? .nan) - expected) < 0.000_06, name)
      }
    }
  }

  @Test func whatIsNotKnownLeavesBounds() {
    let unknown = QSOFA.count(respiratoryRate: 24, systolicPressure: nil, hasAlteredMentation: false)
    #expect(unknown.minimum == 1 && unknown.maximum == 2 && unknown.isPositive == nil && unknown.count == nil)
    let certain = QSOFA.count(respiratoryRate: 24, systolicPressure: 90, hasAlteredMentation: nil)
    #expect(certain.isPositive == true && certain.count == nil)
    let negative = SIRS.count(temperature: 37, heartRate: 80, respiratoryRate: 14, leukocytes: nil)
    #expect(negative.isPositive == false)
  }

  @Test func impossiblePressuresGiveNothing() {
    #expect(Hemodynamics.meanArterialPressure(systolic: 36, diastolic: 86) == nil)
    #expect(Hemodynamics.shockIndex(heartRate: 80, systolic: 0) == nil)
    #expect(BloodPressurePair(systolic: 0, diastolic: 0) == .rejected)
    #expect(BloodPressurePair(systolic: 100, diastolic: 97) == .suspect)
    #expect(BloodPressurePair(systolic: 120, diastolic: 80, mean: 140) == .suspect)
    #expect(BloodPressurePair(systolic: 120, diastolic: 80, mean: 93) == .consistent)
  }
}
