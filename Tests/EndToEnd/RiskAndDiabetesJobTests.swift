import Foundation
import JSON
import LakewardTesting
import Testing

/// The pipelines risk and diabetes with the built program: generated training rows or a user's file, simulated records
/// with every fault, outcomes that arrive afterwards.
@Suite struct RiskAndDiabetesJobTests {
  @Test func riskFromGeneratedRowsToScoredTable() throws {
    let lake = try TestLake(maxRecords: 1_500)
    let trained = try lake.run("train", "risk")
    #expect(trained.output.contains("generated: 20000 invented rows"))
    #expect(try Self.kinds("risk", lake) == ["age_group": 20_000, "sex": 20_000])
    let simulated = try lake.run("simulate", "risk", "--count", "6000", "--seed", "3", "--faults")
    let truth = try #require(JSONValue(parsing: simulated.output)?.object)
    try lake.run("run", "risk", "--once")
    func expect(_ sql: String, _ expected: JSONValue?, _ name: Comment) throws {
      #expect(try lake.count(sql) == expected?.int, name)
    }
    try expect("SELECT count(*) FROM {bronze_raw_patient}", truth["records"], "records")
    try expect("SELECT count(*) FROM {silver_raw_patient}", truth["accepted"], "accepted")
    try expect("SELECT count(*) FROM {quarantine_raw_patient}", truth["quarantined"], "quarantined")
    try expect("SELECT count(*) FROM {gold_risk} WHERE model_version = '1'", truth["accepted"], "scored")
    // Probabilities add up, and the class is the most probable one.
    #expect(
      try lake.count(
        """
        SELECT count(*) FROM {gold_risk} WHERE abs(probability + probability_low + probability_medium - 1) > 1e-5
        OR risk <> CASE greatest(probability, probability_low, probability_medium)
          WHEN probability THEN 'High' WHEN probability_low THEN 'Low' ELSE 'Medium' END
        """) == 0)
    // Those whom the alert is about have their reasons, and nobody else.
    #expect(
      try lake.count(
        "SELECT count(*) FROM {gold_risk} WHERE (probability >= 0.6) <> (explanation IS NOT NULL)") == 0)
    #expect(
      try lake.count("SELECT count(*) FROM {gold_risk} WHERE len(string_split(explanation, ', ')) = 3") > 100)
    // What was predicted has to do with what came: the truth stands beside the records.
    let outcomes = "read_csv('\(lake.lake)/landing/raw_patient/_outcomes.csv')"
    let right = try lake.count(
      """
      SELECT count(*) FROM {gold_risk} AS g JOIN \(outcomes) AS o
      ON CAST(o.patient_id AS VARCHAR) = g.patient_id AND o."time" = g.event_time WHERE o.outcome = g.risk
      """)
    let all = try #require(truth["accepted"]?.int)
    #expect(Double(right) / Double(all) > 0.72)
    #expect(try lake.run("verify", "risk").output.contains("risk: clean"))
  }

  /// Rows behind the figures by kinds of patients, by the column that tells the kinds apart.
  private static func kinds(_ model: String, _ lake: TestLake) throws -> [String: Int64] {
    let shown = try lake.run("models", "show", model, "--format", "json")
    let lines = JSONValue(parsing: shown.output)?.object?["fairness"]?.array?.compactMap(\.object) ?? []
    #expect(lines.count > 3 && lines.allSatisfy { $0["rocAUC"]?.number ?? 0 > 0.5 })
    return lines.reduce(into: [:]) { $0[$1["attribute"]?.string ?? "", default: 0] += $1["rows"]?.int ?? 0 }
  }

  @Test func diabetesFromAUsersFile() throws {
    let lake = try TestLake()
    let file = try #require(Places.shared("data/pima/diabetes.csv"))
    let trained = try lake.run("train", "diabetes", "--data", file)
    #expect(trained.output.contains("file diabetes.csv") && trained.output.contains("768 from 768 patients"))
    let shown = try lake.run("models", "show", "diabetes", "--format", "json")
    let card = try #require(JSONValue(parsing: shown.output)?.object)
    // Zeros that no living body has are missing: about half of all insulin values.
    let missing = try #require(card["data"]?.object?["missingShare"]?.object)
    #expect(abs((missing["insulin"]?.number ?? 0) - 374.0 / 768) < 1e-9)
    #expect(missing["pregnancies"]?.number == 0)
    #expect((card["metrics"]?.object?["rocAUC"]?.number ?? 0) > 0.78)
    #expect(card["trials"]?.array?.count == 2)
    // The file has ages and no sex.
    #expect(try Self.kinds("diabetes", lake) == ["age_group": 768])

    try lake.run("simulate", "diabetes", "--count", "500")
    try lake.run("run", "diabetes", "--once")
    #expect(try lake.count("SELECT count(*) FROM {gold_diabetes} WHERE prediction IN (0, 1)") == 500)
    #expect(
      try lake.count("SELECT count(*) FROM {gold_diabetes} WHERE (prediction = 1) <> (explanation IS NOT NULL)") == 0)
    #expect(try lake.count("SELECT count(*) FROM {silver_diabetes} WHERE glucose = 0 OR bmi = 0 OR insulin = 0") == 0)
    try lake.directory.write(
      "{\"Glucose\": 180, \"glucose\": 180, \"bmi\": 41, \"age\": 52, \"pregnancies\": 3}", to: "record.json")
    let explained = try lake.run("models", "explain", "diabetes", "--record", lake.directory.file("record.json"))
    #expect(explained.output.contains("glucose"))
  }

  @Test func whatIsWrongWithAFileIsSaid() throws {
    let lake = try TestLake()
    try lake.directory.write("Glucose,BMI\n1,2\n", to: "half.csv")
    let half = try lake.start("train", "diabetes", "--data", lake.directory.file("half.csv")).wait()
    #expect(half.status == 1 && half.errors.contains("has no column pregnancies, blood_pressure"))
    let header =
      "pregnancies,glucose,blood_pressure,skin_thickness,insulin,bmi,diabetes_pedigree_function,age,outcome\n"
    let rows = (0..<60).map { "1,\(90 + $0),70,30,0,30.5,0.4,\(30 + $0 % 30),\($0 % 2)\n" }.joined()
    for (name, text, words) in [
      ("empty", "", "is empty"), ("header", header, "has a header and no rows"),
      (
        "text", header + rows + "1,high,70,30,0,30.5,0.4,40,1\n",
        "glucose holds what is no number in 1 of its rows, first in row 61 (line 62)"
      ),
      (
        "endless", header + "1,90,70,30,inf,30.5,0.4,40,1\n" + rows,
        "insulin holds infinity in 1 of its rows, first in row 1 (line 2)"
      ),
      ("label", header + rows + "1,99,70,30,0,30.5,0.4,40,yes\n", "outcome holds what is no number"),
      ("uneven", header + rows + "1,2,3\n" + rows, "line 62 has 3 values where the header has 9"),
      ("ones", header + rows.replacing(",0\n", with: ",1\n"), "rows are positive, so there is nothing to tell apart"),
    ] {
      try lake.directory.write(text, to: "\(name).csv")
      let outcome = try lake.start("train", "diabetes", "--data", lake.directory.file("\(name).csv")).wait()
      #expect(outcome.status == 1 && outcome.errors.contains(words), "\(name): \(outcome.errors)")
      #expect(!outcome.errors.contains("high") && outcome.errors.split(separator: "\n").count == 1, "\(name)")
    }
    // Not a number is a value that is missing, and so is an empty one; a row without a label is left out.
    try lake.directory.write(header + rows + "1,NaN,70,,0,30.5,0.4,40,1\n1,90,70,30,0,30.5,0.4,40,\n", to: "gaps.csv")
    #expect(
      try lake.run("train", "diabetes", "--data", lake.directory.file("gaps.csv"), "--no-promote").output
        .contains("61 from 61 patients"))
    let nothing = try lake.start("train", "risk", "--data", "nowhere.csv").wait()
    #expect(nothing.status == 1 && nothing.errors.contains("there is no such file"))
    let both = try lake.start("train", "risk", "--data", "a.csv", "--from-outcomes").wait()
    #expect(both.status == 2)
    let early = try lake.start("train", "risk", "--from-outcomes").wait()
    #expect(early.status == 1 && early.errors.contains("has no table silver_raw_patient yet"))
  }

  /// Without a model nothing stops: rows are stored without an answer.
  @Test func withoutAModelRecordsAreStoredAnyway() throws {
    let lake = try TestLake()
    try lake.run("simulate", "risk", "--count", "200")
    try lake.run("simulate", "diabetes", "--count", "200")
    try lake.run("run", "risk", "diabetes", "--once")
    #expect(try lake.count("SELECT count(*) FROM {gold_risk} WHERE risk IS NULL AND probability IS NULL") == 200)
    #expect(try lake.count("SELECT count(*) FROM {gold_diabetes} WHERE prediction IS NULL") == 200)
  }
}
