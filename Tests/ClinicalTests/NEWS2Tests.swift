import Clinical
import Testing

@Suite struct NEWS2Tests {
  @Test func vectors() throws {
    for row in try SharedVectors.rows("vectors/news2.csv") {
      let score = NEWS2.score(
        NEWS2.Observations(
          respiratoryRate: row.number("rr"), oxygenSaturation: row.number("spo2"),
          onOxygen: row.number("on_oxygen").map { $0 == 1 }, systolicPressure: row.number("sbp"),
          pulse: row.number("hr"), consciousness: row["acvpu"].flatMap(NEWS2.Consciousness.init),
          temperature: row.number("temp_c"), scale: row["scale"] == "2" ? .two : .one))
      let name = Comment(rawValue: row["id"] ?? "")
      let columns: [(String, NEWS2.Parameter)] = [
        ("s_rr", .respiratoryRate), ("s_spo2", .oxygenSaturation), ("s_o2", .oxygen), ("s_sbp", .systolicPressure),
        ("s_hr", .pulse), ("s_acvpu", .consciousness), ("s_temp", .temperature),
      ]
      for (column, parameter) in columns {
        #expect(score.points[parameter] == row[column].flatMap { Int($0) }, name)
      }
      #expect(score.minimumTotal == row["total_min"].flatMap { Int($0) }, name)
      #expect(score.maximumTotal == row["total_max"].flatMap { Int($0) }, name)
      #expect((score.total != nil) == (row["complete"] == "1"), name)
      #expect(score.hasSingleThree == (row["single_param_3"] == "1"), name)
      #expect(score.minimumBand.rawValue == row["band_min"], name)
      #expect(score.maximumBand.rawValue == row["band_max"], name)
      if score.total != nil { #expect(score.band?.rawValue == row["band"], name) }
      #expect(score.missing.map(\.rawValue).joined(separator: " ") == row["missing"], name)
    }
  }

  @Test func componentBoundaries() throws {
    for row in try SharedVectors.rows("vectors/news2_component_boundaries.csv") {
      let value = row.number("value") ?? .nan
      let parameter = row["parameter"] ?? ""
      let onOxygen = row["condition"] == "oxygen"
      let points: Int? =
        switch parameter {
        case "rr": NEWS2.points(respiratoryRate: value)
        case "spo2_scale1": NEWS2.points(oxygenSaturation: value, scale: .one, onOxygen: false)
        case "spo2_scale2": NEWS2.points(oxygenSaturation: value, scale: .two, onOxygen: onOxygen)
        case "sbp": NEWS2.points(systolicPressure: value)
        case "hr": NEWS2.points(pulse: value)
        case "temp_c": NEWS2.points(temperature: value)
        case "acvpu": row["value"].flatMap(NEWS2.Consciousness.init).map { NEWS2.points(consciousness: $0) }
        case "oxygen": NEWS2.points(onOxygen: ["1", "oxygen", "O2"].contains(row["value"]))
        default: nil
        }
      #expect(points == row["score"].flatMap { Int($0) }, "\(parameter) \(row["value"] ?? "")")
    }
  }

  @Test func nothingKnownIsAnythingFromLowToHigh() {
    let score = NEWS2.score(NEWS2.Observations())
    #expect(score.minimumTotal == 0 && score.maximumTotal == 20)
    #expect(score.minimumBand == .low && score.maximumBand == .high)
    #expect(score.total == nil && score.band == nil && score.missing.count == 7)
  }

  @Test func valuesNobodyHasDoNotTrap() {
    for value in [Double.infinity, -.infinity, .nan, 1e300] {
      _ = NEWS2.score(NEWS2.Observations(respiratoryRate: value, oxygenSaturation: value, temperature: value))
    }
  }
}
