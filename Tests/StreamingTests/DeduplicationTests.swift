import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// Which rows repeat others, and that the cut into micro-batches and restarts do not matter for it.
@Suite struct DeduplicationTests {
  private static func pipeline(timeType: String) throws -> Pipeline {
    let definition = """
      pipeline: visits
      source:
        stream: visits
        landing: { path: landing/visits }
        bronze: bronze_visits
        quarantine: quarantine_visits
        record:
          - { name: name, type: string }
          - { name: seen, type: \(timeType) }
      tables:
        silver_visits:
          deduplicate: { keys: [name, seen], event_time: seen, within: 1 h }
      """
    let sql = """
      CREATE STREAMING TABLE silver_visits AS
      SELECT name, seen, _partition AS "partition", _offset AS "offset" FROM STREAM(visits);
      """
    return try Pipeline(
      folder: "visits",
      files: [.init(name: Pipeline.definitionFile, text: definition), .init(name: "silver.sql", text: sql)])
  }

  private static let records: [Int32: [String]] = [
    0: [
      #"{"name":"a","seen":"2026-01-05T08:00:00Z"}"#, #"{"name":"a"}"#, #"{"name":"a"}"#,
      #"{"seen":"2026-01-05T08:00:00Z"}"#, #"{"name":"a","seen":"2026-01-05T08:00:00Z"}"#,
      #"{"seen":"2026-01-05T08:00:00Z"}"#, #"{"name":"b","seen":"2026-01-05T09:30:00Z"}"#, #"{"name":"a"}"#,
      #"{"name":"a","seen":"2026-01-05T08:00:00Z"}"#,
    ]
  ]

  @Test(arguments: [1, 2, 100])
  func aRowWithoutAKeyRepeatsNothing(maxRecords: Int) throws {
    let directory = try TemporaryDirectory("visits")
    var pipeline = try Self.pipeline(timeType: "timestamp")
    pipeline.trigger.maxRecords = maxRecords
    let lake = Lake(root: directory.file("lake"))
    let engine = try QueryEngine(lake: lake)
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: engine, source: MemorySource(Self.records), registry: nil)
    try runner.run(.once, stop: StopSignal()) { _, _ in }
    let connection = try engine.connect()
    let scan = try DeltaReader.scanSQL(lake.table(named: "silver_visits").snapshot())
    let offsets = try connection.query("SELECT list(\"offset\" ORDER BY \"offset\") FROM \(scan)").scalar()
    #expect(offsets == .list([0, 1, 2, 3, 5, 6, 7].map { .int($0) }))
    for check in try Verification(pipeline: pipeline, lake: lake, connection: connection).run() {
      #expect(check.holds, "\(check)")
    }
  }

  @Test func anEventTimeThatIsNoInstantIsRefused() throws {
    let directory = try TemporaryDirectory("visits")
    let lake = Lake(root: directory.file("lake"))
    let pipeline = try Self.pipeline(timeType: "date")
    let error = #expect(throws: StreamingError.self) {
      try PipelineRunner(
        pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake), source: MemorySource([:]), registry: nil)
    }
    #expect(error?.description.contains("silver_visits: the event time seen must be an instant") ?? false)
  }
}
