import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Models
import Pipelines
import Testing

@testable import Streaming

/// A version in silent trial scores every record from its beginning on, once, and alerts nobody.
@Suite struct SilentTrialTests {
  @Test func everyRecordFromTheBeginningOnIsScoredOnce() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    try ward.train(seed: 2, promote: false)
    let cases = WatchedWard.cases(3_000)
    // What came before the trial is not its business.
    try ward.run(Array(cases[..<700]))
    try ward.registry.setStage(.silent, of: ward.model, version: "2")
    try ward.watch().begin()
    try ward.run(Array(cases[..<1_800]))
    #expect(try ward.watch().round(closing: false).silentRows == [ward.model: 1_100])
    // Another process, the same round again, and the rest.
    #expect(try ward.watch().round(closing: false).silentRows == [ward.model: 0])
    let one = try ward.watch()
    let other = try ward.watch()
    try ward.run(cases)
    #expect(try one.round(closing: false).silentRows == [ward.model: 1_200])
    #expect(try other.round(closing: false).silentRows == [ward.model: 0])
    let table = "silent_scores_ward"
    #expect(try ward.count("SELECT count(*) FROM {\(table)}") == 2_300)
    #expect(try ward.count("SELECT count(DISTINCT (patient_id, event_time)) FROM {\(table)}") == 2_300)
    #expect(try ward.count("SELECT count(*) FROM {\(table)} WHERE model_version = '2'") == 2_300)
    // Gold is the live version's alone.
    #expect(try ward.count("SELECT count(*) FROM {gold_ward} WHERE model_version = '1'") == 3_000)
  }

  /// The commit of the scores is lost in a crash: the position is lost with it, so they are scored again.
  @Test func aLostCommitIsMadeAgain() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    try ward.train(seed: 2, promote: false)
    try ward.registry.setStage(.silent, of: ward.model, version: "2")
    try ward.watch().begin()
    try ward.run(WatchedWard.cases(900))
    try ward.watch().round(closing: false)
    let version = try ward.lake.table(named: "silent_scores_ward").snapshot().version
    let digits = String(version)
    let name = String(repeating: "0", count: 20 - digits.count) + digits + ".json"
    let log = ward.lake.location(ofTable: "silent_scores_ward") + "/_delta_log/" + name
    try FileManager.default.removeItem(atPath: log)
    #expect(try ward.watch().round(closing: false).silentRows == [ward.model: 900])
    #expect(try ward.count("SELECT count(DISTINCT (patient_id, event_time)) FROM {silent_scores_ward}") == 900)
    #expect(try ward.count("SELECT count(*) FROM {silent_scores_ward}") == 900)
  }

  @Test func aTrialThatEndsScoresNothingMore() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    try ward.train(seed: 2, promote: false)
    try ward.registry.setStage(.silent, of: ward.model, version: "2")
    let watch = try ward.watch()
    try watch.begin()
    let cases = WatchedWard.cases(800)
    try ward.run(Array(cases[..<400]))
    #expect(try watch.round(closing: false).silentRows == [ward.model: 400])
    try ward.registry.promote(ward.model, version: "2")
    try ward.run(cases)
    #expect(try watch.round(closing: false).silentRows.isEmpty)
    // The promoted version scores without a restart of anything.
    #expect(try ward.count("SELECT count(*) FROM {gold_ward} WHERE model_version = '2'") == 400)
  }

  @Test func theComparisonFollowsTheOutcomes() throws {
    let ward = try WatchedWard()
    try ward.train(seed: 1, promote: true)
    try ward.train(seed: 2, promote: false)
    try ward.registry.setStage(.silent, of: ward.model, version: "2")
    let watch = try ward.watch()
    try watch.begin()
    let engine = try QueryEngine(lake: ward.lake)
    #expect(
      try TrialComparison(ward.pipeline.models[0], of: ward.pipeline, version: "2", lake: ward.lake, engine: engine)
        == nil)
    let cases = WatchedWard.cases(1_500)
    try ward.run(cases)
    try watch.round(closing: false)
    let early = try #require(
      try TrialComparison(ward.pipeline.models[0], of: ward.pipeline, version: "2", lake: ward.lake, engine: engine))
    #expect(early.rows == 1_500 && early.labelled == 0 && early.live.metrics == nil)
    #expect(early.agreement > 0.9 && early.agreement < 1)
    #expect(try ward.addOutcomes(Array(cases[..<1_000]), time: 10) == .init(rows: 1_000, new: 1_000))
    // The same file again adds nothing.
    #expect(try ward.addOutcomes(Array(cases[..<1_000]), time: 20) == .init(rows: 1_000, new: 0))
    let later = try #require(
      try TrialComparison(ward.pipeline.models[0], of: ward.pipeline, version: "2", lake: ward.lake, engine: engine))
    #expect(later.labelled == 1_000 && later.liveVersions == ["1"])
    let auc = try #require(later.silent.metrics?.rocAUC)
    #expect(auc > 0.85)
    // The same from the tables by another way: ranks in SQL.
    let ranks = try ward.query(
      """
      WITH scored AS (
        SELECT s.probability, o.outcome = '1' AS ill,
          rank() OVER (ORDER BY s.probability) + (count(*) OVER (PARTITION BY s.probability) - 1) / 2.0 AS place
        FROM {silent_scores_ward} AS s JOIN {outcomes_ward_ill} AS o
        ON o.patient_id = s.patient_id AND o."time" = s.event_time)
      SELECT (sum(CASE WHEN ill THEN place END) - count(*) FILTER (ill) * (count(*) FILTER (ill) + 1) / 2.0)
        / (count(*) FILTER (ill) * count(*) FILTER (NOT ill)) FROM scored
      """)
    #expect(abs((ranks[0][0].doubleValue ?? 0) - auc) < 1e-9)
    #expect(later.figures["trial.roc_auc"] == auc && later.figures["trial.live_roc_auc"] != nil)
  }

  /// SQL functions belong to a whole engine: each pipeline finds its own model.
  @Test func pipelinesWithModelsShareAnEngine() throws {
    let left = try WatchedWard("left")
    let right = try WatchedWard("right", directory: left.directory)
    try left.train(seed: 1, promote: true)
    for seed in 1...3 { try right.train(seed: UInt64(seed), promote: true) }
    let engine = try QueryEngine(lake: left.lake)
    let sources = [left, right].map { ward in
      Result {
        try PipelineRunner(
          pipeline: ward.pipeline, lake: ward.lake, engine: engine,
          source: MemorySource([0: WatchedWard.cases(50).map(\.json)]), registry: ward.registry)
      }
    }
    for runner in sources { try runner.get().run(.once, stop: StopSignal()) { _, _ in } }
    #expect(try left.count("SELECT count(*) FROM {gold_left} WHERE model_version = '1'") == 50)
    #expect(try left.count("SELECT count(*) FROM {gold_right} WHERE model_version = '3'") == 50)
  }
}
