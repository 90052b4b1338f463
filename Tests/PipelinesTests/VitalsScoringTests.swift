import Clinical
import DuckDB
import LakewardTesting
import Testing

/// The scores of the vitals pipeline against the published vectors, and against the scores of the Clinical room.
@Suite struct VitalsScoringTests {
  private let bench: VitalsBench

  init() throws { bench = try VitalsBench() }

  /// A scan of a CSV file of vectors; nil, with a printed note, if it is not there.
  private func vectors(_ name: String) -> String? {
    Places.shared("data/vectors/" + name).map { "read_csv(\(SQL.quote(literal: $0)))" }
  }

  private func count(_ sql: String) throws -> Int64 {
    guard case .int(let value) = try bench.connection.query(sql).scalar() else { return -1 }
    return value
  }

  /// Rows of vectors whose expected columns differ from silver's, which carries the row's name as `device_id`.
  private func differing(_ vectors: String, key: String, _ pairs: [(expected: String, actual: String)]) throws
    -> [Value]
  {
    let different = pairs.map { "\($0.expected) IS DISTINCT FROM \($0.actual)" }.joined(separator: " OR ")
    return try bench.connection.query(
      "SELECT \(key) FROM \(vectors) AS v JOIN silver ON device_id = \(key) WHERE \(different)"
    ).rows().flatMap { $0 }
  }

  @Test func news2Vectors() throws {
    guard let vectors = vectors("news2.csv") else { return }
    try bench.connection.execute(
      """
      INSERT INTO readings (device_id, respiration_rate, spo2, spo2_scale, supplemental_oxygen, systolic, heart_rate,
        consciousness, temperature)
      SELECT id, rr, spo2, scale, on_oxygen = 1, sbp, hr, acvpu, temp_c FROM \(vectors)
      """)
    #expect(try count("SELECT count(*) FROM silver") == 28)
    let wrong = try differing(
      vectors, key: "id",
      [
        ("s_rr", "news2_respiration"), ("s_spo2", "news2_spo2"), ("s_o2", "news2_oxygen"),
        ("s_sbp", "news2_systolic"), ("s_hr", "news2_pulse"), ("s_acvpu", "news2_consciousness"),
        ("s_temp", "news2_temperature"), ("total_min", "news2_total_min"), ("total_max", "news2_total_max"),
        ("(complete = 1)", "news2_complete"), ("(single_param_3 = 1)", "news2_single_three"),
        ("v.band", "news2_band"), ("v.band_min", "news2_band_min"), ("v.band_max", "news2_band_max"),
        ("v.missing", "news2_missing"), ("CASE WHEN complete = 1 THEN total_min END", "news2_total"),
      ])
    #expect(wrong.isEmpty)
  }

  @Test func componentBoundaries() throws {
    guard let vectors = vectors("news2_component_boundaries.csv") else { return }
    let named = "(SELECT *, concat_ws(' ', parameter, condition, value) AS name FROM \(vectors))"
    let numbers = [
      ("respiration_rate", "rr"), ("systolic", "sbp"), ("heart_rate", "hr"), ("temperature", "temp_c"),
    ].map { "CASE WHEN parameter = '\($0.1)' THEN CAST(value AS DOUBLE) END AS \($0.0)" }
    try bench.connection.execute(
      """
      INSERT INTO readings BY NAME
      SELECT name AS device_id, \(numbers.joined(separator: ", ")),
        CASE WHEN parameter LIKE 'spo2%' THEN CAST(value AS DOUBLE) END AS spo2,
        CASE WHEN parameter = 'spo2_scale2' THEN 2 END AS spo2_scale,
        CASE WHEN parameter = 'oxygen' THEN value = 'oxygen' ELSE condition = 'oxygen' END AS supplemental_oxygen,
        CASE WHEN parameter = 'acvpu' THEN value END AS consciousness
      FROM \(named)
      """)
    #expect(try count("SELECT count(*) FROM silver") == 85)
    let actual = """
      CASE parameter WHEN 'rr' THEN news2_respiration WHEN 'sbp' THEN news2_systolic WHEN 'hr' THEN news2_pulse
        WHEN 'temp_c' THEN news2_temperature WHEN 'acvpu' THEN news2_consciousness WHEN 'oxygen' THEN news2_oxygen
        ELSE news2_spo2 END
      """
    // A rate of 0 scores 3 on the chart, but from a device it is no signal and is not scored.
    #expect(try differing(named, key: "name", [("score", actual)]) == [.string("rr 0")])
    #expect(try count("SELECT count(*) FROM silver WHERE device_id = 'rr 0' AND no_signal = 'rr'") == 1)
  }

  @Test func qsofaAndPressureVectors() throws {
    guard let vectors = vectors("qsofa_sirs_map_shockindex.csv") else { return }
    try bench.connection.execute(
      """
      INSERT INTO readings (device_id, respiration_rate, blood_pressure, heart_rate, consciousness, temperature)
      SELECT id, rr, sbp || '/' || dbp, hr, CASE WHEN gcs = 15 THEN 'A' ELSE 'C' END, temp_c FROM \(vectors)
      """)
    #expect(try count("SELECT count(*) FROM silver") == 9)
    let wrong = try differing(
      vectors, key: "id",
      [
        ("v.qsofa", "qsofa_min"), ("v.qsofa", "qsofa_max"), ("(v.qsofa_positive = 1)", "silver.qsofa_positive"),
        ("v.map_mmhg", "round(mean_arterial_pressure, 4)"), ("v.pulse_pressure", "silver.pulse_pressure"),
        ("v.shock_index", "round(silver.shock_index, 4)"),
      ])
    #expect(wrong.isEmpty)
  }

  @Test func agreesWithTheClinicalRoomOnRandomReadings() throws {
    // A hash of row and column stands for chance, so that every run has the same readings, an eighth of them missing.
    func value(_ column: Int, _ low: Double, _ steps: Int, _ step: Double) -> String {
      """
      CASE WHEN hash(i, \(column)) % 8 > 0
        THEN round(\(low) + (hash(i, \(column + 100)) % \(steps)) * \(step), 2) END
      """
    }
    try bench.connection.execute(
      """
      INSERT INTO readings (respiration_rate, spo2, systolic, heart_rate, temperature, consciousness,
        supplemental_oxygen, spo2_scale, diastolic)
      SELECT \(value(1, 1, 400, 0.1)), \(value(2, 75, 251, 0.1)), \(value(3, 60, 380, 0.5)), \(value(4, 30, 240, 0.5)),
        \(value(5, 34, 640, 0.01)), substr('AAACVPU', CAST(nullif(hash(i, 6) % 8, 0) AS BIGINT), 1),
        CASE hash(i, 7) % 3 WHEN 0 THEN true WHEN 1 THEN false END, 1 + hash(i, 8) % 2, \(value(9, 30, 150, 0.5))
      FROM range(100000) AS r(i)
      """)
    let columns = """
      respiration_rate, spo2, systolic, heart_rate, temperature, consciousness, supplemental_oxygen, spo2_scale,
      news2_respiration, news2_spo2, news2_oxygen, news2_systolic, news2_pulse, news2_consciousness, news2_temperature,
      news2_total, news2_total_min, news2_total_max, news2_band, news2_band_min, news2_band_max, news2_single_three,
      news2_missing, qsofa_min, qsofa_max, qsofa_positive, mean_arterial_pressure, pulse_pressure, diastolic
      """
    var disagreements = 0
    var complete = 0
    for row in try bench.connection.query("SELECT \(columns) FROM silver").rows() {
      if row[15] != .null { complete += 1 }
      if Array(row[8...]) != Self.expected(of: row) { disagreements += 1 }
    }
    #expect(disagreements == 0)
    #expect((20_000...60_000).contains(complete))
  }

  /// What the Clinical room says about the measurements in the first columns of a row.
  private static func expected(of row: [Value]) -> [Value] {
    func number(_ index: Int) -> Double? { if case .double(let value) = row[index] { value } else { nil } }
    let oxygen: Bool? = if case .bool(let value) = row[6] { value } else { nil }
    let consciousness: NEWS2.Consciousness? =
      if case .string(let letter) = row[5] { NEWS2.Consciousness(rawValue: letter) } else { nil }
    let score = NEWS2.score(
      NEWS2.Observations(
        respiratoryRate: number(0), oxygenSaturation: number(1), onOxygen: oxygen, systolicPressure: number(2),
        pulse: number(3), consciousness: consciousness, temperature: number(4),
        scale: row[7] == .int(2) ? .two : .one))
    let qsofa = QSOFA.count(
      respiratoryRate: number(0), systolicPressure: number(2), hasAlteredMentation: consciousness.map { $0 != .alert })
    var mean: Double?
    var pulse: Double?
    if let systolic = number(2), let diastolic = number(28) {
      mean = Hemodynamics.meanArterialPressure(systolic: systolic, diastolic: diastolic)
      pulse = Hemodynamics.pulsePressure(systolic: systolic, diastolic: diastolic)
    }
    let points: [Value] = [
      NEWS2.Parameter.respiratoryRate, .oxygenSaturation, .oxygen, .systolicPressure, .pulse, .consciousness,
      .temperature,
    ].map { Self.value(score.points[$0]) }
    let missing = score.missing.map(\.rawValue).joined(separator: " ")
    return points + [
      value(score.total), value(score.minimumTotal), value(score.maximumTotal),
      score.total == nil ? .null : .string(score.minimumBand.rawValue), .string(score.minimumBand.rawValue),
      .string(score.maximumBand.rawValue), .bool(score.hasSingleThree), missing.isEmpty ? .null : .string(missing),
      value(qsofa.minimum), value(qsofa.maximum), qsofa.isPositive.map { .bool($0) } ?? .null,
      mean.map { .double($0) } ?? .null, pulse.map { .double($0) } ?? .null, row[28],
    ]
  }

  private static func value(_ number: Int?) -> Value { number.map { .int(Int64($0)) } ?? .null }
}
