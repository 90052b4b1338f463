import DuckDB
import Foundation
import Pipelines
import Testing

/// The training rows of the illness pipeline, on hand-made tables and on real Synthea output.
@Suite struct IllnessTrainingTests {
  private let model: ModelDefinition
  private let connection: Connection

  init() throws {
    model = try #require(try Pipeline.load(folder: IllnessPipelineTests.folder).models.first)
    connection = try IllnessRulesTests.connect()
  }

  private func makeTables() throws {
    try connection.execute(
      """
      CREATE TABLE synthea_patients (id VARCHAR, birthdate DATE, deathdate DATE, gender VARCHAR);
      CREATE TABLE synthea_encounters (id VARCHAR, start TIMESTAMPTZ, stop TIMESTAMPTZ, patient VARCHAR);
      CREATE TABLE synthea_conditions (start DATE, stop DATE, patient VARCHAR, code VARCHAR, description VARCHAR);
      CREATE TABLE synthea_observations (date TIMESTAMPTZ, patient VARCHAR, encounter VARCHAR, code VARCHAR, value VARCHAR);
      INSERT INTO synthea_patients VALUES ('p', '1980-03-01', NULL, 'F'), ('q', '2010-01-01', '2020-06-01', 'M');
      """)
  }

  private func rows(_ columns: String) throws -> [[Value]] {
    try connection.query("SELECT \(columns) FROM (\(model.trainingSQL)) ORDER BY encounter_id").rows()
  }

  @Test func latestPlausibleValuesUpToTheEnd() throws {
    try makeTables()
    try connection.execute(
      """
      INSERT INTO synthea_encounters VALUES
        ('1', '2020-02-28T10:00:00Z', '2020-02-28T10:15:00Z', 'p'),
        ('2', '2020-03-01T10:00:00Z', '2020-03-01T10:15:00Z', 'p'),
        ('3', '2020-03-02T10:00:00Z', '2020-03-02T10:15:00Z', 'p'),
        ('4', '2020-05-01T10:00:00Z', '2020-05-01T10:15:00Z', 'q'),
        ('5', '2020-07-01T10:00:00Z', '2020-07-01T10:15:00Z', 'q'),
        ('6', '2020-05-01T10:00:00Z', '2020-05-01T10:15:00Z', 'nobody');
      INSERT INTO synthea_observations VALUES
        ('2020-02-28T10:00:00Z', 'p', '1', '8867-4', '60.0'),
        ('2020-02-28T10:00:00Z', 'p', '1', '8310-5', '98.6'),
        ('2020-02-28T10:10:00Z', 'p', '1', '8867-4', '61.0'),
        ('2020-02-28T10:16:00Z', 'p', NULL, '38483-4', '1.5'),
        ('2020-03-01T10:00:00Z', 'p', '2', '8310-5', '38.1'),
        ('2020-03-01T10:00:00Z', 'p', '2', '8867-4', '0'),
        ('2020-03-01T10:00:00Z', 'p', '2', '2339-0', '<5'),
        ('2020-03-01T10:00:00Z', 'p', '2', '2345-7', '90'),
        ('2020-03-02T10:00:00Z', 'p', '3', '2160-0', '0.9'),
        ('2020-05-01T10:00:00Z', 'q', '4', '39156-5', '18.0'),
        ('2020-07-01T10:00:00Z', 'q', '5', '39156-5', '18.0'),
        ('2020-05-01T10:00:00Z', 'nobody', '6', '39156-5', '18.0');
      """)
    let found = try rows(
      "encounter_id, heart_rate, body_temperature, creatinine, glucose, body_mass_index, age_35_49, age_0_17, gender")
    #expect(
      found == [
        ["1", 61, 37, nil, nil, nil, 1, 0, 0].map(Self.value),
        ["2", 61, 38.1, 1.5, 90, nil, 1, 0, 0].map(Self.value),
        ["4", nil, nil, nil, nil, 18, 0, 1, 1].map(Self.value),
      ])
  }

  private static func value(_ value: (any Sendable)?) -> Value {
    switch value {
    case let text as String: .string(text)
    case let number as Double: .double(number)
    case let number as Int: .double(Double(number))
    default: .null
    }
  }

  @Test(arguments: [
    ("'2020-01-01', NULL, 'p', '59621000', 'Hypertension'", true),
    ("'2020-03-01', '2020-03-10', 'p', '1', 'Sinusitis (disorder)'", true),
    ("'2020-03-01', '2020-03-01', 'p', '1', 'Febrile neutropenia (disorder)'", true),
    ("'2020-02-01', '2020-03-01', 'p', '1', 'Sinusitis (disorder)'", false),
    ("'2020-03-02', NULL, 'p', '1', 'Sinusitis (disorder)'", false),
    ("'2020-01-01', NULL, 'q', '1', 'Sinusitis (disorder)'", false),
    ("'2020-01-01', NULL, 'p', '160903007', 'Full-time employment (finding)'", false),
    ("'2020-01-01', NULL, 'p', '80583007', 'Severe anxiety (panic) (finding'", false),
    ("'2020-01-01', NULL, 'p', '446654005', 'Refugee (person)'", false),
    ("'2020-01-01', NULL, 'p', '72892002', 'Normal pregnancy'", false),
    ("'2020-01-01', NULL, 'p', '15777000', 'Prediabetes'", false),
    ("'2019-12-03', NULL, 'p', '55680006', 'Drug overdose'", true),
    ("'2019-12-02', NULL, 'p', '230690007', 'Stroke'", false),
  ])
  func diseaseIsActiveOnTheDay(condition: String, expected: Bool) throws {
    try makeTables()
    try connection.execute(
      """
      INSERT INTO synthea_encounters VALUES ('2', '2020-03-01T10:00:00Z', '2020-03-01T10:15:00Z', 'p');
      INSERT INTO synthea_observations VALUES ('2020-03-01T10:00:00Z', 'p', '2', '8867-4', '60.0');
      INSERT INTO synthea_conditions VALUES (\(condition));
      """)
    #expect(try rows("is_ill") == [[.int(expected ? 1 : 0)]])
  }

  /// The figures of pipelines/illness/README.md.
  @Test(arguments: [("synthea-a", 234, 36, 189), ("synthea-b", 28, 25, 20)])
  func realSamples(run: String, rows: Int64, patients: Int64, ill: Int64) throws {
    let folder = URL(filePath: IllnessPipelineTests.folder).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "shared/data/\(run)")
    guard FileManager.default.fileExists(atPath: folder.path) else {
      print("skipped: no shared data beside the repository")
      return
    }
    let times = ["start", "stop", "date", "birthdate", "deathdate"]
    for table in ["patients", "encounters", "conditions", "observations"] {
      let type = table == "encounters" || table == "observations" ? "TIMESTAMPTZ" : "DATE"
      let path = SQL.quote(literal: folder.appending(path: table + ".csv").path)
      try connection.execute(
        """
        CREATE TABLE raw_\(table) AS SELECT * FROM read_csv(\(path), header = true, all_varchar = true, delim = ',',
          quote = '', escape = '', ignore_errors = true)
        """)
      let typed = try connection.query("SELECT column_name FROM (DESCRIBE raw_\(table))").column().compactMap { value in
        guard case .string(let name) = value, times.contains(name.lowercased()) else { return String?.none }
        return "TRY_CAST(\"\(name)\" AS \(type)) AS \"\(name)\""
      }
      try connection.execute(
        "CREATE TABLE synthea_\(table) AS SELECT * REPLACE (\(typed.joined(separator: ", "))) FROM raw_\(table)")
    }
    let found = try connection.query(
      """
      SELECT count(*), count(DISTINCT patient_id), CAST(sum(is_ill) AS BIGINT), count(DISTINCT encounter_id)
      FROM (\(model.trainingSQL))
      """
    ).rows()[0]
    #expect(found == [.int(rows), .int(patients), .int(ill), .int(rows)])
  }
}
