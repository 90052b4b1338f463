import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

/// A model's life beside a running pipeline: drift that is told, training again, a version that goes live on the way.
@Suite struct ModelOperationsTests {
  /// A pipeline of two features that learns quickly, with its labelled rows as a file.
  private static func lake(retrain: String = "on_drift: true, at_most_every: 1 s") throws -> TestLake {
    let lake = try TestLake()
    let folder = lake.directory.file("pipelines/wounds")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in [
      ("pipeline.yml", definition + "    retrain: { \(retrain) }\n"), ("tables.sql", tables),
      ("training.sql", training),
    ] {
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    try
      ("patient_id,event_time,pulse,crp,infected\n"
      + cases(2_000, seed: 1).map { "\($0.patient),\($0.time),\($0.pulse),\($0.crp),\($0.isIll ? 1 : 0)\n" }.joined())
      .write(toFile: lake.directory.file("labelled.csv"), atomically: true, encoding: .utf8)
    return lake
  }

  private static let definition = """
    pipeline: wounds
    source:
      stream: wounds_data
      landing: { path: landing/wounds }
      bronze: bronze_wounds
      quarantine: quarantine_wounds
      record:
        - { name: patient_id, type: string, required: true }
        - { name: event_time, field: at, type: timestamp, required: true }
        - { name: pulse, type: double }
        - { name: crp, type: double }
    reads: [wounds_labelled]
    trigger: { interval: 50 ms, max_records: 5000 }
    models:
      infection:
        features: [pulse, crp]
        training: training.sql
        label: infected
        group: patient_id
        algorithm: logistic-regression

    """
  private static let tables = """
    CREATE STREAMING TABLE silver_wounds AS
    SELECT patient_id, event_time, pulse, crp, _partition AS "partition", _offset AS "offset" FROM STREAM(wounds_data);
    CREATE STREAMING TABLE gold_wounds AS
    SELECT patient_id, event_time, probability,
      CASE WHEN probability >= model_threshold('infection') THEN 1 ELSE 0 END AS prediction,
      CASE WHEN probability >= model_threshold('infection') THEN explain_infection(pulse, crp) END AS reasons,
      model_version('infection') AS model_version
    FROM (SELECT *, predict_infection(pulse, crp) AS probability FROM STREAM(silver_wounds));
    """
  private static let training = "SELECT patient_id, pulse, crp, infected FROM wounds_labelled"

  private struct Case {
    var patient: String
    var time: String
    var pulse: Double
    var crp: Double
    var isIll: Bool
  }

  private static func cases(_ count: Int, seed: UInt64, shift: Double = 0) -> [Case] {
    var state = seed
    func unit() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) * 0x1p-53
    }
    func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + unit() } }
    return (0..<count).map { index in
      let isIll = unit() < 0.3
      let second = String(index % 60)
      let minute = String(index / 60)
      return Case(
        patient: "p\(index % 211)",
        time: "2026-02-\(10 + seed)T0\(Int(minute)! / 60):\(Int(minute)! % 60 < 10 ? "0" : "")\(Int(minute)! % 60):"
          + "\(second.count < 2 ? "0" : "")\(second)Z",
        pulse: 80 + (isIll ? 12 : 0) + 9 * normal() + shift, crp: 20 + (isIll ? 60 : 0) + 25 * abs(normal()),
        isIll: isIll)
    }
  }

  private static func land(_ cases: [Case], as name: String, in lake: TestLake) throws {
    let folder = lake.lake + "/landing/wounds"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let lines = cases.map {
      "{\"patient_id\":\"\($0.patient)\",\"at\":\"\($0.time)\",\"pulse\":\($0.pulse),\"crp\":\($0.crp)}\n"
    }
    // Whole at once: the pipeline may be looking.
    try lines.joined().write(toFile: folder + "/\(name).ndjson", atomically: true, encoding: .utf8)
  }

  /// Any table with the columns will do: features that somebody else keeps, by patient and time.
  @Test func trainsOnATableOfTheLake() throws {
    let lake = try Self.lake()
    try lake.run("train", "infection", "--data", lake.directory.file("labelled.csv"))
    try Self.land(Self.cases(900, seed: 2), as: "records", in: lake)
    try lake.run("run", "wounds", "--once")
    let connection = try Database().connect()
    let table = try DeltaTable.create(
      at: lake.location("wound_features"),
      schema: Schema([
        StructField("patient_id", .string), StructField("at", .timestamp), StructField("Pulse", .double),
        StructField("crp", .double), StructField("crp_before", .double), StructField("infected", .integer),
      ]))
    let select = """
      SELECT patient_id, event_time AS "at", pulse AS "Pulse", crp, lag(crp) OVER (PARTITION BY patient_id ORDER BY event_time)
        AS crp_before, CAST(crp > 60 AS INTEGER) AS infected FROM \(try lake.expand("{silver_wounds}"))
      """
    _ = try table.append(try DeltaWriter(connection: connection).write(select, into: table), operation: "WRITE")
    let trained = try lake.run("train", "infection", "--table", "wound_features", "--no-promote")
    #expect(trained.output.contains("table wound_features"), "\(trained.output)")
    let missing = try lake.start("train", "infection", "--table", "gold_wounds").wait(seconds: 100)
    #expect(missing.status == 1 && missing.errors.contains("gold_wounds has no column pulse, crp, infected"))
    let none = try lake.start("train", "infection", "--table", "nowhere").wait(seconds: 100)
    #expect(none.status == 1 && none.errors.contains("has no table nowhere"))
  }

  private static func versions(_ lake: TestLake) throws -> [String] {
    try lake.run("models", "list", "--format", "csv").output.split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix("infection,") }
  }

  @Test func driftIsToldAndAnsweredByACandidate() throws {
    let lake = try Self.lake()
    try lake.run("train", "infection", "--data", lake.directory.file("labelled.csv"))
    try Self.land(Self.cases(3_000, seed: 2), as: "calm", in: lake)
    let calm = try lake.run("run", "wounds", "--once")
    #expect(!calm.errors.contains("drift") && !calm.errors.contains("trained again"))
    #expect(try lake.run("alerts", "list", "--format", "csv").output.contains("model_drift") == false)

    let shifted = Self.cases(3_000, seed: 3, shift: 25)
    let outcomes =
      "patient_id,time,outcome\n" + shifted.map { "\($0.patient),\($0.time),\($0.isIll ? 1 : 0)\n" }.joined()
    try outcomes.write(toFile: lake.directory.file("outcomes.csv"), atomically: true, encoding: .utf8)
    try lake.run("models", "outcomes", "infection", lake.directory.file("outcomes.csv"))
    try Self.land(shifted, as: "shifted", in: lake)
    let run = try lake.run("run", "wounds", "--once")
    #expect(run.errors.contains("drift of infection version 1 in pulse"), "\(run.errors)")
    #expect(run.errors.contains("infection version 2 was trained again (drift); it is a candidate"), "\(run.errors)")
    // Never straight to live, and learned from what the pipeline has stored.
    #expect(try lake.count("SELECT count(*) FROM {gold_wounds} WHERE model_version = '1'") == 6_000)
    let versions = try Self.versions(lake)
    #expect(versions.count == 2 && versions[0].contains("live") && versions[1].contains("candidate"), "\(versions)")
    let card = try String(contentsOfFile: lake.lake + "/models/infection/2/model.json", encoding: .utf8)
    #expect(card.contains("records of wounds with outcomes of outcomes_infection"))
    let alerts = try lake.run("alerts", "list", "--format", "csv").output
    let drifting = alerts.split(separator: "\n").filter { $0.contains("The model infection drifts") }
    #expect(drifting.count == 1 && drifting[0].contains("advisory"), "\(alerts)")
  }

  /// A model that has grown old is trained again beside the stream, once.
  @Test func anOldModelIsTrainedAgainAsACandidate() throws {
    let lake = try Self.lake(retrain: "every: 30 days")
    try lake.run("train", "infection", "--data", lake.directory.file("labelled.csv"))
    let records = Self.cases(600, seed: 2)
    let outcomes = records.map { "\($0.patient),\($0.time),\($0.isIll ? 1 : 0)\n" }.joined()
    try ("patient_id,time,outcome\n" + outcomes).write(
      toFile: lake.directory.file("outcomes.csv"), atomically: true, encoding: .utf8)
    try lake.run("models", "outcomes", "infection", lake.directory.file("outcomes.csv"))
    try Self.land(records, as: "young", in: lake)
    #expect(try !lake.run("run", "wounds", "--once").errors.contains("trained again"))
    let card = lake.lake + "/models/infection/1/model.json"
    let text = try String(contentsOfFile: card, encoding: .utf8)
    let old = Date(timeIntervalSinceNow: -31 * 86_400).formatted(.iso8601)
    try text.replacing(/"createdAt" ?: ?"[^"]*"/, with: "\"createdAt\" : \"\(old)\"")
      .write(toFile: card, atomically: true, encoding: .utf8)
    try Self.land(Self.cases(300, seed: 3), as: "old", in: lake)
    let run = try lake.run("run", "wounds", "--once")
    #expect(run.errors.contains("infection version 2 was trained again (") && run.errors.contains("it is a candidate"))
    #expect(try Self.versions(lake).map { $0.contains("live") } == [true, false])
    try Self.land(Self.cases(300, seed: 4), as: "older", in: lake)
    #expect(try !lake.run("run", "wounds", "--once").errors.contains("trained again"))
    #expect(try lake.count("SELECT count(*) FROM {gold_wounds} WHERE model_version = '1'") == 1_200)
  }

  /// The scheduler inside `lakeward run` trains by the clock; what scores the stream stays what it was.
  @Test func theSchedulerTrainsACandidate() throws {
    let lake = try Self.lake()
    let labelled = lake.directory.file("labelled.csv")
    try lake.run("train", "infection", "--data", labelled)
    let settings = lake.directory.file("lakeward.yml")
    let text = try String(contentsOfFile: settings, encoding: .utf8)
    let job =
      "schedule:\n  retrain: { run: [train, infection, --data, \"\(labelled)\", --no-promote], cron: \"* * * * *\" }\n"
    try (text + job).write(toFile: settings, atomically: true, encoding: .utf8)
    let process = try lake.start("run", "wounds")
    defer { process.signal(9) }
    let end = ContinuousClock.now + .seconds(240)
    while try Self.versions(lake).count < 2, ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.5) }
    try Self.land(Self.cases(200, seed: 2), as: "afterwards", in: lake)
    func scored() throws -> Int64 {
      guard FileManager.default.fileExists(atPath: lake.location("gold_wounds") + "/_delta_log") else { return 0 }
      return try lake.count("SELECT count(*) FROM {gold_wounds} WHERE model_version = '1'")
    }
    while try scored() < 200, ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.5) }
    process.signal(2)
    #expect(try process.wait(seconds: 60).status == 0)
    let versions = try Self.versions(lake)
    #expect(versions.count >= 2 && versions[0].contains("live"), "\(versions)")
    #expect(versions.dropFirst().allSatisfy { $0.contains("candidate") }, "\(versions)")
    #expect(try scored() == 200)
    #expect(
      try lake.count("SELECT count(*) FROM {schedule_history} WHERE job = 'retrain' AND outcome = 'succeeded'") > 0)
  }

  /// A promoted version scores from the next micro-batch on, and every row says which version scored it.
  @Test func aRunningPipelineTakesAPromotedVersion() throws {
    let lake = try Self.lake()
    let file = lake.directory.file("labelled.csv")
    try lake.run("train", "infection", "--data", file)
    try lake.run("train", "infection", "--data", file, "--seed", "9", "--no-promote")
    let process = try lake.start("run", "wounds")
    defer { process.signal(9) }
    func scored(_ version: Int) throws -> Int64 {
      guard FileManager.default.fileExists(atPath: lake.location("gold_wounds") + "/_delta_log") else { return 0 }
      return try lake.count("SELECT count(*) FROM {gold_wounds} WHERE model_version = '\(version)'")
    }
    func wait(for count: Int64, by version: Int) throws {
      let end = ContinuousClock.now + .seconds(200)
      while try scored(version) < count, ContinuousClock.now < end { Thread.sleep(forTimeInterval: 0.2) }
      #expect(try scored(version) == count, "\(process.outputSoFar) \(process.errorsSoFar)")
    }
    try Self.land(Self.cases(400, seed: 2), as: "first", in: lake)
    try wait(for: 400, by: 1)
    try lake.run("models", "promote", "infection", "2", "--if", "roc_auc >= 0.5 and roc_auc >= live.roc_auc - 0.2")
    try Self.land(Self.cases(300, seed: 3), as: "second", in: lake)
    try wait(for: 300, by: 2)
    try lake.run("models", "rollback", "infection")
    try Self.land(Self.cases(200, seed: 4), as: "third", in: lake)
    try wait(for: 600, by: 1)
    process.signal(2)
    #expect(try process.wait(seconds: 60).status == 0)
    #expect(
      try lake.count("SELECT count(*) FROM {gold_wounds} WHERE model_version IS NULL OR probability IS NULL") == 0)
    // Reasons stand where somebody would be alerted, and nowhere else.
    let sql = "SELECT count(*) FROM {gold_wounds} WHERE (prediction = 1) <> (reasons IS NOT NULL)"
    #expect(try lake.count(sql) == 0)
  }
}
