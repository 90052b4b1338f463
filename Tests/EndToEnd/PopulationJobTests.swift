import Foundation
import LakewardTesting
import Testing

/// Synthea's tables in, population measures out, beside the figures that were computed from the same files elsewhere.
@Suite struct PopulationJobTests {
  @Test(
    "Measures of the public Synthea runs are those of the reference",
    .enabled(if: Places.shared("data/vectors/synthea_golden.json") != nil), arguments: ["synthea-a", "synthea-b"])
  func golden(_ run: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: #require(Places.shared("data/vectors/synthea_golden.json"))))
    let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
    let expected = try #require(all[run])
    let lake = try SampleLake()
    try FileManager.default.createDirectory(atPath: lake.directory.file("pipelines"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: "\(Places.packageRoot())/pipelines/population", toPath: lake.directory.file("pipelines/population"))
    let imported = try lake.run("import", try #require(Places.shared("data/\(run)")))
    #expect(imported.succeeded, "\(imported.errors)")
    let refreshed = try lake.run("refresh")
    #expect(refreshed.succeeded, "\(refreshed.errors)")

    // Length of stay: discharges and their mean in days.
    #expect(
      try lake.values(
        "SELECT sum(discharges), round(sum(mean_days * discharges) / sum(discharges), 4) FROM gold_length_of_stay")
        == ["\(expected["inpatient_n"] as? Int ?? -1)", "\(expected["alos_days"] as? Double ?? -1)"])
    // Readmission. The reference leaves excluded types of care in; here they are told apart.
    let readmission = try #require(expected["readmission"] as? [String: Int])
    #expect(
      try lake.values(
        """
        SELECT count(*), count(*) FILTER (is_index OR exclusion = 'excluded type of care'),
          count(*) FILTER (is_index AND readmitted_30d) FROM gold_readmissions
        """)
        == [
          "\(readmission["episodes"] ?? -1)", "\(readmission["eligible_index"] ?? -1)",
          "\(readmission["readmitted_30d"] ?? -1)",
        ])
    // Alive patients by age band on the last day.
    let bands = try #require(expected["age_bands_alive"] as? [String: Int])
    let pyramid = try lake.values("SELECT sum(patients), sum(patients) FILTER (age_from >= 80) FROM gold_age_pyramid")
    #expect(pyramid[0] == "\(expected["alive"] as? Int ?? -1)")
    #expect(Int(pyramid[1]) ?? 0 == bands["80+"])
    // Point prevalence of a disorder; findings such as prediabetes are none.
    let prevalence = try #require(expected["point_prevalence"] as? [String: [Int]])
    let hypertension = try #require(prevalence["59621000 Hypertension"])
    #expect(
      try lake.values("SELECT sum(cases) FROM gold_prevalence WHERE code = '59621000'") == ["\(hypertension[0])"])

    // Nothing new in, nothing to do; and the tables are what the SQL gives.
    let again = try lake.run("refresh")
    #expect(!again.output.contains("rows in"), "\(again.output)")
    let verified = try lake.run("verify", "population")
    #expect(verified.succeeded, "\(verified.output)")
  }
}

extension SampleLake {
  /// The fields of a query's one row.
  fileprivate func values(_ sql: String) throws -> [String] {
    let lines = try query(sql, "--format", "csv").split(separator: "\n")
    return lines.last.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
  }
}
