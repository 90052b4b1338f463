import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// Pipelines that run side by side in one engine, as `lakeward run` has them.
@Suite struct SharedEngineTests {
  /// A pipeline with two readers of its source, so that every kind of intermediate table is used.
  private static func pipeline(_ name: String) throws -> Pipeline {
    try Pipeline(
      folder: name,
      files: [
        .init(
          name: Pipeline.definitionFile,
          text: """
            pipeline: \(name)
            source:
              stream: \(name)_data
              landing: { path: landing/\(name) }
              bronze: bronze_\(name)
              quarantine: quarantine_\(name)
              record:
                - { name: seen, field: at, type: timestamp, required: true }
                - { name: amount, type: double }
            tables:
              silver_\(name):
                deduplicate: { keys: [seen], event_time: seen, within: 1 h }
                expectations:
                  positive: { expect: "amount > 0", on_violation: quarantine }
            """),
        .init(
          name: "tables.sql",
          text: """
            CREATE STREAMING TABLE silver_\(name) AS
            SELECT seen, amount, _partition AS "partition", _offset AS "offset" FROM STREAM(\(name)_data);
            CREATE STREAMING TABLE copy_\(name) AS SELECT seen, amount FROM STREAM(\(name)_data);
            """),
      ])
  }

  @Test func neverSeeEachOthersRecords() throws {
    let directory = try TemporaryDirectory("shared-engine")
    let lake = Lake(root: directory.file("lake"))
    let engine = try QueryEngine(lake: lake)
    let amounts = ["left": [1, 2, -1], "right": [10, 20, 30, -10]]
    let runners = try amounts.map { name, amounts in
      let records = amounts.enumerated().map { "{\"at\":\"2026-01-05T08:00:0\($0)Z\",\"amount\":\($1)}" }
      return try PipelineRunner(
        pipeline: Self.pipeline(name), lake: lake, engine: engine, source: MemorySource([0: records]), registry: nil)
    }
    for runner in runners { try runner.run(.once, stop: StopSignal()) { _, _ in } }
    for (name, amounts) in amounts {
      let checks = try Verification(pipeline: Self.pipeline(name), lake: lake, connection: engine.connect()).run()
      for check in checks { #expect(check.holds, "\(check)") }
      #expect(try lake.table(named: "copy_\(name)").snapshot().rowCount() == Int64(amounts.count))
      #expect(try lake.table(named: "silver_\(name)").snapshot().rowCount() == Int64(amounts.count - 1))
      #expect(try lake.table(named: "quarantine_\(name)").snapshot().rowCount() == 1)
    }
  }
}
