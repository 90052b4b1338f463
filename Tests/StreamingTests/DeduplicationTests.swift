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

/// However few keys are in memory, the same rows stay: what is older is looked up in the table.
@Suite struct KeyBudgetTests {
  @Test(arguments: [2, 40] as [Int64]) func memoryIsBoundedAndTheOutcomeIsTheSame(budget: Int64) throws {
    var random = SplitMix(state: 5)
    var readings: [ReadingsBench.Reading] = []
    for index in 0..<300 {
      // A third repeats anything earlier, near or far.
      if index > 0, index % 3 == 0 {
        readings.append(readings[random.below(readings.count)])
      } else {
        readings.append(.init(patient: "p\(random.below(3))", second: index * 60 - random.below(500), pulse: 60))
      }
    }
    let expected = try ReadingsBench(late: .table)
    try expected.run([0: readings], maxRecords: 1_000)
    let bench = try ReadingsBench(late: .table)
    for batches in [4, 3, .max] {
      let stop = StopSignal()
      var count = 0
      let runner = try PipelineRunner(
        pipeline: bench.pipeline(maxRecords: 20), lake: bench.lake, engine: QueryEngine(lake: bench.lake),
        source: MemorySource([0: readings.map(ReadingsBench.json)]), registry: nil,
        maintenance: TableMaintenance.Schedule(), keyBudget: budget)
      try runner.run(.once, stop: stop) { event, _ in
        guard case .committed = event else { return }
        count += 1
        if count == batches { stop.stop() }
      }
      let deduplicator = try #require(runner.executor.deduplicators["silver_readings"])
      #expect(deduplicator.knownRows <= budget && deduplicator.floor != nil)
    }
    #expect(try bench.silver() == expected.silver())
    #expect(try bench.silver().count == Set(readings).count)
    try bench.verify()
  }
}
