import Foundation
import LakewardTesting
import Testing

/// A generated population says what was planted into it; the measures must find exactly that.
@Suite struct PlantedPopulationTests {
  @Test("Measures find the planted readmissions, gaps, outbreaks and diseases, and nothing else")
  func planted() throws {
    let lake = try SampleLake()
    try FileManager.default.createDirectory(atPath: lake.directory.file("pipelines"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: "\(Places.packageRoot())/pipelines/population", toPath: lake.directory.file("pipelines/population"))
    let folder = lake.directory.file("people")
    let made = try lake.run("simulate", "population", "--patients", "2000", "--seed", "7", "--to", folder)
    #expect(made.succeeded, "\(made.errors)")
    // What no measure reads is left out: the test is about measures.
    for name in ["claims_transactions", "payer_transitions", "supplies", "imaging_studies"] {
      try FileManager.default.removeItem(atPath: "\(folder)/\(name).csv")
    }
    let imported = try lake.run("import", folder)
    #expect(imported.succeeded, "\(imported.errors)")
    let refreshed = try lake.run("refresh", "--pipeline", "population")
    #expect(refreshed.succeeded, "\(refreshed.errors)")

    try readmissions(lake, Truth(folder, "returns"))
    try supplies(lake, Truth(folder, "supplies"))
    try outbreaks(lake, Truth(folder, "outbreaks"), Truth(folder, "outbreak_cases"))
    try diseases(lake, Truth(folder, "diseases"))
    try RiskModels(lake: lake, truth: "\(folder)/truth").learnWhatIsPlanted()
    try shared(lake)
  }

  /// What the shipped catalogue lets out of such a lake.
  private func shared(_ lake: SampleLake) throws {
    let tables = ["silver_patients", "silver_encounters", "silver_conditions", "gold_readmissions"]
    let outcome = try lake.run(["export", "--safe-harbor", "shared"] + tables + ["--format", "csv"])
    #expect(outcome.succeeded, "\(outcome.errors)")
    func text(_ table: String) throws -> String {
      try String(contentsOfFile: lake.directory.file("shared/\(table).csv"), encoding: .utf8)
    }
    let patients = try text("silver_patients").split(separator: "\n")
    #expect(patients.count == 2_001)
    let header = Set(patients[0].split(separator: ",").map(String.init))
    #expect(header.isSuperset(of: ["patient_id", "birth_date_year", "sex", "race", "postal_code"]))
    #expect(header.isDisjoint(with: ["birth_date", "city", "county", "latitude", "longitude"]))
    #expect(try text("silver_encounters").split(separator: "\n")[0].contains("started_at_year"))
    for table in tables {
      let text = try text(table)
      #expect(text.firstMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-/) == nil && !text.contains("Boston"), "\(table)")
      #expect(text.firstMatch(of: /(19|20)\d\d-\d\d-\d\d/) == nil, "\(table)")
    }
    let refused = try lake.run("export", "--safe-harbor", "shared")
    #expect(refused.status == 1 && refused.errors.contains("not empty"))
  }

  private func readmissions(_ lake: SampleLake, _ truth: Truth) throws {
    func planted(_ kind: String) -> Set<String> {
      Set(truth.rows.filter { $0["KIND"] == kind }.compactMap { $0["INDEX_ENCOUNTER"] })
    }
    let unplanned = planted("unplanned")
    #expect(unplanned.count > 20)
    #expect(try lake.column("SELECT episode_id FROM gold_readmissions WHERE readmitted_30d") == unplanned)
    let late = try lake.column("SELECT episode_id FROM gold_readmissions WHERE days_to_next BETWEEN 31 AND 60")
    #expect(late.isSuperset(of: planted("late")))
    let transferred = try lake.column("SELECT episode_id FROM gold_readmissions WHERE stays = 2")
    #expect(transferred == planted("transfer"))
    let followed = try lake.column("SELECT episode_id FROM gold_readmissions WHERE days_to_next <= 30")
    #expect(followed.subtracting(unplanned) == planted("planned"))
  }

  private func supplies(_ lake: SampleLake, _ truth: Truth) throws {
    let measured = try lake.column(
      "SELECT patient_id || '/' || code || '/' || covered_days || '/' || period_days FROM gold_medication_adherence")
    let planted = truth.rows.map { row in
      ["PATIENT", "CODE", "COVERED_DAYS", "DAYS"].map { row[$0] ?? "" }.joined(separator: "/")
    }
    #expect(planted.count > 50)
    #expect(Set(planted).subtracting(measured) == [])
  }

  private func outbreaks(_ lake: SampleLake, _ truth: Truth, _ cases: Truth) throws {
    let found = try lake.column(
      "SELECT patient_id || '/' || code || '/' || place || '/' || onset_date FROM surveillance_cases")
    let planted = cases.rows.map { row in
      ["PATIENT", "CODE", "COUNTY", "ONSET"].map { row[$0] ?? "" }.joined(separator: "/")
    }
    #expect(planted.count > 30)
    #expect(Set(planted).subtracting(found) == [])
    for outbreak in truth.rows {
      let code = outbreak["CODE"] ?? ""
      let signals = try lake.column(
        """
        SELECT week_start FROM gold_surveillance WHERE code = '\(code)' AND place = '\(outbreak["COUNTY"] ?? "")'
          AND is_signal AND week_start BETWEEN DATE '\(outbreak["FIRST_DAY"] ?? "")'
          AND DATE '\(outbreak["FIRST_DAY"] ?? "")' + 7
        """)
      #expect(!signals.isEmpty, "\(code) is seen in its first two weeks")
    }
  }

  private func diseases(_ lake: SampleLake, _ truth: Truth) throws {
    let alive = try lake.column("SELECT patient_id FROM silver_patients WHERE death_date IS NULL")
    var expected: [String: Int] = [:]
    for row in truth.rows where row["DIAGNOSED"] != "" && alive.contains(row["PATIENT"] ?? "") {
      expected[row["CODE"] ?? "", default: 0] += 1
    }
    #expect(expected.count == 9)
    let codes = expected.keys.map { "'\($0)'" }.joined(separator: ", ")
    let measured = try lake.column(
      "SELECT code || '/' || sum(cases) FROM gold_prevalence WHERE code IN (\(codes)) GROUP BY code")
    #expect(measured == Set(expected.map { "\($0.key)/\($0.value)" }))
  }
}

/// Rows of a file of the truth by column.
private struct Truth {
  let rows: [[String: String]]

  init(_ folder: String, _ name: String) throws {
    let lines = try String(contentsOfFile: "\(folder)/truth/\(name).csv", encoding: .utf8).split(separator: "\n")
    let table = lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    rows = table.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(table[0], $0)) }
  }
}

extension SampleLake {
  /// The values of a query's one column.
  fileprivate func column(_ sql: String) throws -> Set<String> {
    Set(try query(sql, "--format", "csv").split(separator: "\n").dropFirst().map(String.init))
  }
}
