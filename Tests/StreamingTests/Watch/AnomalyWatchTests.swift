import DeltaLake
import DuckDB
import LakewardTesting
import Models
import Pipelines
import Testing

@testable import Streaming

/// Models of anomalies are watched like others, sequences of readings included.
@Suite struct AnomalyWatchTests {
  /// The silent version is a twin of the live one: it must have been shown the same sequences, however the watch was
  /// cut into rounds and processes.
  @Test func aSilentTwinGivesTheLiveScores() throws {
    let beds = try WatchedVitals()
    try beds.train(.lstm, seed: 1, promote: true)
    try beds.train(.lstm, seed: 1, promote: false)
    try beds.registry.setStage(.silent, of: "beds", version: "2")
    let cases = WatchedWard.cases(1_500, seed: 4)
    try beds.run(Array(cases[..<400]))
    let first = try beds.watch()
    try first.begin()
    for end in [600, 900] {
      try beds.run(Array(cases[..<end]))
      #expect(try first.round(closing: false).silentRows == ["beds": Int64(end == 600 ? 200 : 300)])
    }
    try beds.run(cases)
    #expect(try beds.watch().round(closing: false).silentRows == ["beds": 600])
    let joined = """
      FROM \(try beds.scan("silent_scores_beds")) AS s JOIN \(try beds.scan("gold_beds")) AS g
      ON g.patient_id = s.patient_id AND g.event_time = s.event_time
      """
    #expect(try beds.rows("SELECT count(*) \(joined)")[0][0].intValue == 1_100)
    let same = "s.probability = g.anomaly_score AND s.alert = g.anomaly_flag"
    #expect(try beds.rows("SELECT count(*) \(joined) WHERE \(same)")[0][0].intValue == 1_100)
    #expect(try beds.rows("SELECT count(*) \(joined) WHERE g.anomaly_flag")[0][0].intValue ?? 0 > 10)
    // How the two fare against outcomes can be asked as for other models.
    let comparison = try #require(
      try TrialComparison(
        beds.pipeline.models[0], of: beds.pipeline, version: "2", lake: beds.lake,
        engine: try QueryEngine(lake: beds.lake)))
    #expect(comparison.rows == 1_100 && comparison.agreement == 1 && comparison.meanDifference == 0)
  }

  @Test func aShiftIsFoundAndStationaryReadingsAreNot() throws {
    var policy = DriftPolicy()
    policy.windowRows = 1_000
    policy.slideRows = 250
    for kind in [ModelKind.isolationForest, .lstm] {
      let beds = try WatchedVitals()
      try beds.train(kind, seed: 1, promote: true)
      let watch = try beds.watch(policy)
      try watch.begin()
      var cases = WatchedWard.cases(3_000, seed: 5)
      try beds.run(cases)
      let calm = try watch.round(closing: false)
      #expect(calm.drift.isEmpty && !calm.figures.isEmpty, "\(calm.drift)")
      // Every reading is counted once, with its own values.
      #expect(calm.figures.allSatisfy { $0.rows == 1_000 })
      #expect(calm.figures.contains { $0.kind == "prediction" && $0.statistic == "psi" })
      cases += WatchedWard.cases(1_500, from: 3_000, seed: 6, shift: 25)
      try beds.run(cases)
      let found = Set(try watch.round(closing: false).drift.map { "\($0.column) \($0.statistic)" })
      #expect(found.isSuperset(of: ["pulse psi", "pulse ks", "prediction psi"]), "\(kind): \(found)")
      #expect(!found.contains { $0.hasPrefix("fever") })
    }
  }

  /// More than a round looks at: the newest rows, with the readings before them.
  @Test func aBacklogIsWatchedAtItsEnd() throws {
    var policy = DriftPolicy()
    policy.windowRows = 40
    policy.slideRows = 10
    let beds = try WatchedVitals()
    try beds.train(.lstm, seed: 1, promote: true)
    let watch = try beds.watch(policy)
    try watch.begin()
    try beds.run(WatchedWard.cases(1_000, seed: 5))
    let figures = try watch.round(closing: false).figures
    #expect(Set(figures.map(\.window)).count == 17)
    // 2026-01-05T00:16:39Z, the last reading.
    let newest: Int64 = 1_767_572_199_000_000
    #expect(figures.compactMap(\.span).map(\.upperBound).max() == newest)
  }
}

/// The tables of a watch stay small.
@Suite struct WatchUpkeepTests {
  @Test func smallFilesAreJoined() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    let engine = try QueryEngine(lake: ward.lake)
    let connection = try engine.connect()
    let table = MonitoringTable(lake: ward.lake, connection: connection)
    let figure = MonitoringFigure(
      pipeline: "ward", model: ward.model, version: "1", kind: "feature", column: "pulse", statistic: "psi", value: 0.1,
      limit: 0.2, isDrift: false, rows: 1_000, window: 0, span: nil)
    for time in 0..<30 { try table.append([figure, figure], time: Int64(time)) }
    #expect(try ward.lake.table(named: "model_monitoring").snapshot().files.count == 30)
    let upkeep = WatchUpkeep(
      tables: ["silent_scores_ward", "model_monitoring"], lake: ward.lake, connection: connection)
    try upkeep.round(now: DeltaTable.systemClock() + 10_000)
    #expect(try ward.lake.table(named: "model_monitoring").snapshot().files.count == 1)
    #expect(try ward.count("SELECT count(*) FROM {model_monitoring}") == 60)
    #expect(try ward.count("SELECT count(DISTINCT \"time\") FROM {model_monitoring}") == 30)
  }
}
