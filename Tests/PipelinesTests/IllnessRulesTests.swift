import DuckDB
import Pipelines
import Testing

/// The rules of the illness pipeline, run on DuckDB over hand-made records.
@Suite struct IllnessRulesTests {
  static let measurements = [
    "body_mass_index", "body_temperature", "heart_rate", "systolic_blood_pressure", "creatinine", "alt", "glucose",
    "hemoglobin", "leukocytes", "oxygen_saturation",
  ]

  /// A connection that understands the portable dialect.
  static func connect() throws -> Connection {
    let connection = try Database().connect()
    try connection.execute("ATTACH ':memory:' AS \(SparkDialect.database); USE \(SparkDialect.database)")
    for macro in SparkDialect.macros { try connection.execute(macro) }
    try connection.execute("USE memory; SET search_path = 'memory.main,\(SparkDialect.database).main'")
    try connection.execute("SET TimeZone = 'UTC'; SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
    return connection
  }

  private let pipeline: Pipeline
  private let connection: Connection

  init() throws {
    pipeline = try Pipeline.load(folder: IllnessPipelineTests.folder)
    connection = try Self.connect()
    try connection.execute(
      """
      CREATE TABLE records (patient_id VARCHAR DEFAULT 'P', event_time TIMESTAMPTZ DEFAULT '2024-06-01T12:00:00Z',
        birthday DATE DEFAULT '1980-01-01', gender INTEGER DEFAULT 0,
        \(Self.measurements.map { "\($0) DOUBLE" }.joined(separator: ", ")),
        _source VARCHAR DEFAULT 'file', _partition INTEGER DEFAULT 0, _offset BIGINT DEFAULT 7,
        _ingest_time TIMESTAMPTZ DEFAULT '2024-06-01T12:00:00Z')
      """)
  }

  /// Silver's rows over the records as they stand.
  private func silver() throws -> String {
    let table = try #require(pipeline.table(named: "silver_patient_data"))
    return "(" + table.sql { _ in "records" } + ")"
  }

  /// Inserts one record and gives the names of the rules that it breaks.
  private func broken(_ columns: String, _ values: String) throws -> [String] {
    try connection.execute("DELETE FROM records; INSERT INTO records (\(columns)) VALUES (\(values))")
    let rules = try #require(pipeline.table(named: "silver_patient_data")).expectations
    let silver = try silver()
    return try rules.filter { rule in
      try connection.query("SELECT coalesce(\(rule.expression), true) FROM \(silver)").scalar() == .bool(false)
    }.map(\.name)
  }

  @Test(arguments: [
    ("2006-06-02", "2024-06-01T12:00:00Z", 17, "0-17"),
    ("2006-06-01", "2024-06-01T00:00:00Z", 18, "18-34"),
    ("1989-06-02", "2024-06-01T12:00:00Z", 34, "18-34"),
    ("1989-06-01", "2024-06-01T12:00:00Z", 35, "35-49"),
    ("1974-06-01", "2024-06-01T12:00:00Z", 50, "50-64"),
    ("1959-06-02", "2024-06-01T12:00:00Z", 64, "50-64"),
    ("1959-06-01", "2024-06-01T12:00:00Z", 65, "65-79"),
    ("1944-06-02", "2024-06-01T12:00:00Z", 79, "65-79"),
    ("1944-06-01", "2024-06-01T12:00:00Z", 80, "80+"),
    ("2004-02-29", "2022-02-28T23:59:59Z", 17, "0-17"),
    ("2004-02-29", "2022-03-01T00:00:00Z", 18, "18-34"),
    ("2024-06-01", "2024-06-01T12:00:00Z", 0, "0-17"),
  ])
  func ageIsInFullYears(birthday: String, event: String, age: Int64, group: String) throws {
    try connection.execute("INSERT INTO records (birthday, event_time) VALUES ('\(birthday)', '\(event)')")
    let row = try connection.query("SELECT age, age_group FROM \(try silver())").rows()[0]
    #expect(row == [.int(age), .string(group)])
  }

  @Test(arguments: [
    ("body_mass_index", 7.0, 120.0), ("body_temperature", 25, 45), ("heart_rate", 10, 300),
    ("systolic_blood_pressure", 30, 300), ("creatinine", 0.05, 60), ("alt", 0, 15_000), ("glucose", 10, 2000),
    ("hemoglobin", 1, 25), ("leukocytes", 0, 1000), ("oxygen_saturation", 20, 100),
  ])
  func limitsAreInclusive(measurement: String, low: Double, high: Double) throws {
    #expect(try broken(measurement, "\(low)").isEmpty)
    #expect(try broken(measurement, "\(high)").isEmpty)
    #expect(try broken(measurement, "\(low - 0.01)") == [measurement + "_plausible"])
    #expect(try broken(measurement, "\(high + 0.01)") == [measurement + "_plausible"])
  }

  @Test func othersAreAsDocumented() throws {
    #expect(try broken("heart_rate, gender", "70, 2") == ["gender_known"])
    #expect(try broken("heart_rate, gender", "70, 1").isEmpty)
    #expect(try broken("heart_rate, birthday", "70, '2024-06-02'") == ["birthday_not_after_event"])
    #expect(try broken("heart_rate, birthday", "70, '1903-06-01'") == ["age_plausible"])
    #expect(try broken("heart_rate, birthday", "70, '1903-06-02'").isEmpty)
    #expect(try broken("heart_rate, event_time", "70, '2024-06-01T12:05:00Z'").isEmpty)
    #expect(try broken("heart_rate, event_time", "70, '2024-06-01T12:05:01Z'") == ["timestamp_not_in_future"])
    #expect(try broken("gender", "0") == ["any_measurement"])
    #expect(
      try broken("heart_rate, body_temperature", "0, 98.6") == [
        "body_temperature_plausible", "heart_rate_plausible",
      ])
  }

  @Test func goldTakesTheModelsAnswer() throws {
    try connection.execute(
      """
      CREATE MACRO predict_illness(\((0..<17).map { "a\($0)" }.joined(separator: ", "))) AS a9 / 100;
      CREATE MACRO explain_illness(\((0..<17).map { "a\($0)" }.joined(separator: ", "))) AS 'heart_rate +0.700';
      CREATE MACRO model_threshold(name) AS 0.7; CREATE MACRO model_version(name) AS '3';
      INSERT INTO records (patient_id, birthday, heart_rate) VALUES ('A', '1950-01-01', 69), ('B', NULL, 70), ('C', NULL, NULL);
      INSERT INTO records (patient_id, heart_rate, glucose) VALUES ('D', 71, 451), ('E', 69, 451);
      """)
    let gold = try #require(pipeline.table(named: "gold_patient_data"))
    let silver = try silver()
    let result = try connection.query(
      "SELECT patient_id, age_group, prediction, probability, model_version, explanation FROM (\(gold.sql { _ in silver })) ORDER BY 1"
    )
    let rows = try result.rows()
    #expect(
      rows == [
        [.string("a"), .string("65-79"), .int(0), .double(0.69), .string("3"), .null],
        [.string("b"), .null, .int(1), .double(0.7), .string("3"), .null],
        [.string("c"), .null, .int(0), .null, .string("3"), .null],
        [.string("d"), .string("35-49"), .int(1), .double(0.71), .string("3"), .string("heart_rate +0.700")],
        [.string("e"), .string("35-49"), .int(0), .double(0.69), .string("3"), .null],
      ])
  }
}
