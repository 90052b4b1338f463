import DuckDB
import LakewardTesting
import Pipelines
import Testing

/// The vitals pipeline's rules and conversions, run on DuckDB over hand-made readings.
@Suite struct VitalsPipelineTests {
  private let bench: VitalsBench

  init() throws { bench = try VitalsBench() }

  @Test func isSoundAndPortable() throws {
    let pipeline = bench.pipeline
    #expect(pipeline.warnings.isEmpty)
    #expect(pipeline.streamingTables.map(\.name) == ["silver_patient_vitals", "gold_vital_scores"])
    #expect(pipeline.source?.kafka?.topic == "patient-vitals")
    #expect(pipeline.source?.landing?.path == "landing/patient_vitals")
    #expect(pipeline.source?.bronzeTable == "bronze_patient_vitals")
    #expect(pipeline.source?.quarantineTable == "quarantine_patient_vitals")
    #expect(pipeline.source?.fields.filter(\.isRequired).map(\.field) == ["patient_id", "timestamp"])
    #expect((pipeline.source?.fields ?? []).allSatisfy { $0.type != .double || $0.unit != nil })
    #expect(bench.silver.expectations.allSatisfy { $0.action == .quarantine && $0.summary != nil })
    #expect(
      pipeline.eventTime
        == EventTime(
          column: "event_time", allowedLatenessSeconds: 3_600, late: .table, futureToleranceSeconds: 300))
    let model = try #require(pipeline.models.first)
    #expect(pipeline.models.count == 1 && model.isOptional && model.algorithm == .isolationForest)
    #expect(model.trainingInputs == ["silver_patient_vitals"] && model.label.isEmpty)
  }

  @Test(arguments: [
    ("36.9", "NULL", "36.9,36.9,Cel,NULL"), ("98.6", "NULL", "37.0,98.6,[degF],NULL"),
    ("100.6", "'[degF]'", "38.1,100.6,[degF],NULL"), ("98.6", "' °F '", "37.0,98.6,[degF],NULL"),
    ("104.5", "'Cel'", "40.3,104.5,[degF],unit"), ("36.9", "'Deg. F'", "36.9,36.9,Cel,unit"),
    ("36.9", "'furlong'", "36.9,36.9,Cel,NULL"), ("25", "NULL", "25.0,25.0,Cel,temp"),
    ("113", "NULL", "45.0,113.0,[degF],temp"), ("60", "NULL", "NULL,60.0,NULL,NULL"),
    ("0", "NULL", "NULL,NULL,NULL,NULL"),
  ])
  func temperaturesAreBroughtToCelsius(value: String, unit: String, expected: String) throws {
    try bench.read("temperature, temperature_unit, heart_rate", "\(value), \(unit), 70")
    let row = try bench.row(
      "round(temperature, 1), temperature_original, temperature_unit, suspect")
    #expect(row.map(Self.text).joined(separator: ",") == expected)
    #expect(try bench.brokenRules() == (["60"].contains(value) ? ["temperature_plausible"] : []))
  }

  @Test(arguments: [
    ("blood_pressure", "'120/80'", "120.0,80.0", [String]()),
    ("blood_pressure", "' 120.5 / 80 '", "120.5,80.0", []),
    ("systolic, diastolic", "120, 80", "120.0,80.0", []),
    ("blood_pressure, systolic, diastolic", "'1/2', 120, 80", "120.0,80.0", []),
    ("blood_pressure", "'120'", "120.0,NULL", ["blood_pressure_readable"]),
    ("blood_pressure", "'120/80/60'", "120.0,80.0", ["blood_pressure_readable"]),
    ("blood_pressure", "'---/---'", "NULL,NULL", ["blood_pressure_readable"]),
    ("blood_pressure", "'0/0'", "NULL,NULL", []),
    ("blood_pressure", "'120/0'", "120.0,NULL", []),
    ("blood_pressure", "'80/80'", "80.0,80.0", ["diastolic_below_systolic"]),
    ("blood_pressure", "'11/36'", "11.0,36.0", ["systolic_plausible", "diastolic_below_systolic"]),
    ("systolic", "11647", "11647.0,NULL", ["systolic_plausible"]),
  ])
  func bloodPressuresAreWrittenTwoWays(columns: String, values: String, expected: String, broken: [String]) throws {
    try bench.read(columns + ", heart_rate", values + ", 70")
    #expect(try bench.row("systolic, diastolic").map(Self.text).joined(separator: ",") == expected)
    #expect(try bench.brokenRules() == broken)
  }

  @Test func zeroIsNoSignal() throws {
    try bench.read(
      "heart_rate, respiration_rate, spo2, temperature, systolic, diastolic, consciousness, supplemental_oxygen",
      "0, 0, 0, 0, 0, 0, 'A', false")
    #expect(try bench.brokenRules().isEmpty)
    let row = try bench.row("no_signal, news2_missing, news2_total, news2_total_min, news2_total_max, shock_index")
    #expect(row.map(Self.text) == ["rr spo2 sbp dbp hr temp", "rr spo2 sbp hr temp", "NULL", "0", "15", "NULL"])
    try bench.read("ward", "'A1'")
    #expect(try bench.brokenRules() == ["any_measurement"])
  }

  @Test(arguments: [
    ("heart_rate", 10.0, 300.0), ("respiration_rate", 1, 80), ("spo2", 30, 100), ("systolic", 30, 300),
    ("diastolic", 10, 200),
  ])
  func limitsAreInclusive(measurement: String, low: Double, high: Double) throws {
    for (value, rules) in [
      (low, []), (high, []), (low - 0.01, [measurement + "_plausible"]), (high + 0.01, [measurement + "_plausible"]),
      (-999, [measurement + "_plausible"]), (1e300, [measurement + "_plausible"]),
    ] {
      try bench.read(measurement, "CAST(\(value) AS DOUBLE)")
      #expect(try bench.brokenRules() == rules)
    }
  }

  @Test func otherRules() throws {
    for (columns, values, rules) in [
      ("heart_rate, consciousness", "70, ' c '", [String]()),
      ("heart_rate, consciousness", "70, 'X'", ["consciousness_known"]),
      ("heart_rate, spo2_scale", "70, 3", ["spo2_scale_known"]),
    ] {
      try bench.read(columns, values)
      #expect(try bench.brokenRules() == rules)
    }
  }

  @Test func minutesSinceTheLastReadingThatIsKnown() throws {
    try bench.read("heart_rate", "70")
    #expect(try bench.row("minutes_since_last_reading") == [.null])
    try bench.connection.execute(
      "INSERT INTO earlier VALUES (0, 7, [TIMESTAMPTZ '2024-06-01T11:00:00Z', TIMESTAMPTZ '2024-06-01T11:58:30Z'])")
    #expect(try bench.row("minutes_since_last_reading") == [.double(1.5)])
    try bench.connection.execute("UPDATE earlier SET event_time = []")
    #expect(try bench.row("minutes_since_last_reading") == [.null])
  }

  @Test func doubtsAndAlerts() throws {
    try bench.read(
      "heart_rate, respiration_rate, spo2, temperature, systolic, diastolic", "221, 61, 69, 31.9, 49, 45")
    #expect(try bench.row("suspect").map(Self.text) == ["rr spo2 sbp pp hr temp"])
    let alerts = try #require(bench.silver.columns).filter { $0.hasPrefix("alert_") }
    func raised() throws -> [String] {
      try zip(alerts, bench.row(alerts.joined(separator: ", "))).filter { $0.1 == .bool(true) }.map {
        String($0.0.dropFirst("alert_".count))
      }
    }
    #expect(
      try raised() == [
        "tachycardia", "tachypnea", "hypoxemia", "hypothermia", "hypotension", "low_mean_pressure", "shock_index",
      ])
    try bench.read(
      "heart_rate, respiration_rate, spo2, temperature, systolic, diastolic, spo2_scale, supplemental_oxygen",
      "50.4, 11.4, 92.5, 38.05, 179.5, 90, 2, true")
    #expect(try raised() == ["bradycardia", "bradypnea", "too_much_oxygen", "fever", "hypertension"])
    try bench.read("heart_rate, spo2, temperature, systolic, diastolic", "70, 97, 37, 120, 80")
    #expect(try raised().isEmpty)
    #expect(try bench.row("suspect, no_signal") == [.null, .null])
  }

  private static func text(_ value: Value) -> String {
    switch value {
    case .null: "NULL"
    case .string(let text): text
    case .double(let number): "\(number)"
    case .int(let number): "\(number)"
    default: "?"
    }
  }
}
