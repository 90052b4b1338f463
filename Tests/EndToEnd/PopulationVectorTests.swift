import Foundation
import LakewardTesting
import Testing

/// The reference's test vectors for quality measures and surveillance, through the SQL of the pipeline.
@Suite(.enabled(if: Places.shared("data/vectors/readmission_encounters.csv") != nil))
struct PopulationVectorTests {
  private static func csv(_ name: String) throws -> [[String: String]] {
    let path = try #require(Places.shared("data/vectors/\(name)"))
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(whereSeparator: \.isNewline)
    let header = lines[0].split(separator: ",").map(String.init)
    return lines.dropFirst().map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      return Dictionary(uniqueKeysWithValues: zip(header, fields))
    }
  }

  private static func measures() throws -> [String: Any] {
    let path = try #require(Places.shared("data/vectors/measures_and_drift.json"))
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
    return try #require(json as? [String: Any])
  }

  /// An encounter that makes a day the last of the data.
  private static func lastDay(_ day: String) -> [String: String] {
    [
      "Id": "last", "START": "\(day)T09:00:00Z", "STOP": "\(day)T09:15:00Z", "PATIENT": "last",
      "ENCOUNTERCLASS": "wellness",
    ]
  }

  @Test func readmissionsAreThoseOfTheVector() throws {
    let lake = try PopulationLake()
    var encounters = [Self.lastDay("2024-12-31")]
    var patients: [String: [String: String]] = [:]
    var procedures: [[String: String]] = []
    let cancer = (code: "254837009", text: "Malignant neoplasm of breast (disorder)")
    for row in try Self.csv("readmission_encounters.csv") {
      let isCancer = row["excluded_type"] != ""
      encounters.append([
        "Id": row["encounter"]!, "START": row["start"]!, "STOP": row["stop"]!, "PATIENT": row["patient"]!,
        "ORGANIZATION": row["organization"]!, "ENCOUNTERCLASS": row["class"]!,
        "REASONCODE": isCancer ? cancer.code : row["reason"]!,
        "REASONDESCRIPTION": isCancer ? cancer.text : row["reason"]!,
      ])
      patients[row["patient"]!, default: ["Id": row["patient"]!, "BIRTHDATE": "1950-01-01"]]["DEATHDATE"] =
        row["patient_deathdate"]
      guard row["planned"] == "1" else { continue }
      procedures.append([
        "START": row["start"]!, "STOP": row["stop"]!, "PATIENT": row["patient"]!, "ENCOUNTER": row["encounter"]!,
        "CODE": "1", "DESCRIPTION": isCancer ? "Chemotherapy (procedure)" : "Total replacement of hip (procedure)",
      ])
    }
    try lake.write("encounters", encounters)
    try lake.write("patients", Array(patients.values))
    try lake.write("procedures", procedures)
    try lake.write(
      "conditions", [["START": "2024-01-15", "PATIENT": "P11", "CODE": cancer.code, "DESCRIPTION": cancer.text]])
    try lake.refresh("gold_readmissions", "gold_readmission_rates", "gold_quality_by_unit")

    let found = try lake.rows(
      """
      SELECT episode_id, patient_id, admission_date, discharge_date, round(los_days, 4),
        is_index, readmitted_30d AND is_index FROM gold_readmissions ORDER BY episode_id
      """)
    let expected = try Self.csv("readmission_expected.csv").map { row in
      [
        String(row["episode"]!.prefix(3)), row["patient"]!, row["admit_date"]!, row["discharge_date"]!,
        row["los_days"]!,
        row["index_eligible"] == "1" ? "true" : "false", row["readmitted_30d"] == "1" ? "true" : "false",
      ]
    }.sorted { $0[0] < $1[0] }
    #expect(found == expected)
    #expect(found.count == 18)
    let rate = try lake.rows(
      "SELECT index_episodes, readmitted, round(100 * rate, 2) FROM gold_readmission_rates WHERE level = 'all'")
    #expect(rate == [["14", "5", "35.71"]])
    // Wilson's interval of 5 of 14, and the funnel around it, by hand.
    let unit = try lake.rows(
      """
      SELECT denominator, numerator, round(value_low, 4), round(value_high, 4), is_small FROM gold_quality_by_unit
      WHERE measure = 'readmission_30d' AND level = 'all'
      """)
    #expect(unit == [["14", "5", "0.1634", "0.6124", "false"]])
  }

  @Test func daysCoveredAreThoseOfTheVectors() throws {
    let lake = try PopulationLake()
    let cases = try #require(try Self.measures()["pdc_mpr"] as? [[String: Any]])
    let drugs = ["x": "Simvastatin 20 MG Oral Tablet", "y": "Atorvastatin 40 MG Oral Tablet"]
    var medications: [[String: String]] = []
    for one in cases {
      let patient = String((one["case"] as? String ?? "").prefix(1))
      for fill in try #require(one["fills"] as? [[Any]]) {
        let start = try #require(fill[0] as? String)
        let days = try #require(fill[1] as? Int)
        let stop = try Date("\(start)T00:00:00Z", strategy: .iso8601).addingTimeInterval(Double(days) * 86_400)
        let drug = try #require(fill[2] as? String)
        medications.append([
          "START": "\(start)T00:00:00Z", "STOP": stop.formatted(.iso8601), "PATIENT": patient, "CODE": drug,
          "DESCRIPTION": drugs[drug]!, "DISPENSES": "1",
        ])
      }
    }
    try lake.write("medications", medications)
    try lake.write("patients", "ABCDEFG".map { ["Id": String($0), "BIRTHDATE": "1950-01-01"] })
    try lake.write("encounters", [Self.lastDay("2024-12-31")])
    try lake.refresh("gold_medication_adherence", "gold_class_adherence")
    func key(_ one: [String: Any]) -> String { String((one["case"] as? String ?? "").prefix(1)) }
    let select =
      "patient_id, covered_days, period_days, round(pdc, 4), round(mpr_fixed, 4), round(mpr_interval, 4), is_measurable"
    let byClass = try lake.rows("SELECT \(select) FROM gold_class_adherence ORDER BY patient_id")
    let byDrug = try lake.rows(
      "SELECT \(select) FROM gold_medication_adherence WHERE patient_id <> 'F' ORDER BY patient_id")
    func text(_ value: Any?) -> String {
      guard let value = value as? Double else { return "" }
      return value == value.rounded() ? "\(value)" : "\(value)"
    }
    let expected = cases.map { one in
      [
        key(one), "\(one["covered"] as? Int ?? -1)", "\(one["period_days"] as? Int ?? -1)", text(one["pdc"]),
        text(one["mpr_fixed"]), text(one["mpr_first_to_last"]), key(one) == "D" ? "false" : "true",
      ]
    }
    #expect(byClass == expected)
    #expect(byDrug == expected.filter { $0[0] != "F" })
  }

  @Test func signalsAreThoseOfTheVector() throws {
    let lake = try PopulationLake()
    let ears = try #require(try Self.measures()["ears"] as? [String: Any])
    let rows = try #require(ears["rows"] as? [[Any]])
    // Monday of the first week; the last week is complete.
    let first = try Date("2024-01-01T00:00:00Z", strategy: .iso8601)
    var conditions: [[String: String]] = []
    var patients: [[String: String]] = []
    for (week, row) in rows.enumerated() {
      for number in 0..<(row[1] as? Int ?? 0) {
        let day = first.addingTimeInterval(Double(week * 7 + number % 7) * 86_400).formatted(.iso8601)
        patients.append(["Id": "p\(week)-\(number)", "BIRTHDATE": "1980-01-01", "COUNTY": "Essex"])
        conditions.append([
          "START": String(day.prefix(10)), "PATIENT": "p\(week)-\(number)", "CODE": "7",
          "DESCRIPTION": "Influenza (disorder)",
        ])
      }
    }
    try lake.write("patients", patients)
    try lake.write("conditions", conditions)
    let last = first.addingTimeInterval(Double(rows.count * 7 - 1) * 86_400).formatted(.iso8601)
    try lake.write("encounters", [Self.lastDay(String(last.prefix(10)))])
    try lake.refresh("gold_surveillance")
    let found = try lake.rows(
      """
      SELECT cases, round(c1, 4), round(c2, 4), round(c3, 4), signal_c1, signal_c2, signal_c3 FROM gold_surveillance
      WHERE place = 'all' AND week_start >= DATE '2024-01-01' ORDER BY week_start
      """)
    #expect(found.count == rows.count)
    let starts = [7, 9, 11]
    for (week, row) in rows.enumerated() {
      #expect(found[week][0] == "\(row[1] as? Int ?? -1)")
      // Before that, the vector has no history and the table has weeks without cases.
      for column in 0..<3 where week >= starts[column] {
        let value = try #require(row[2 + column] as? Double)
        #expect(abs(try #require(Double(found[week][1 + column])) - value) < 1e-4, "week \(week), C\(column + 1)")
        #expect(
          found[week][4 + column] == (row[5 + column] as? Int == 1 ? "true" : "false"), "week \(week), C\(column + 1)")
      }
    }
  }
}
