import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// What is replayed is as if the present SQL had been there from that record on.
@Suite("Replay and backfill") struct ReplayTests {
  private static func definition(_ landing: String = "landing/weights") -> String {
    """
    pipeline: scales
    source:
      stream: weights
      landing: { path: \(landing), settle: 0 s }
      bronze: bronze_weights
      quarantine: quarantine_weights
      record:
        - { name: animal, type: string, required: true }
        - { name: seen, field: at, type: timestamp, required: true }
        - { name: kilograms, type: double }
    tables:
      silver_weights:
        deduplicate: { keys: [animal, seen], event_time: seen, within: 1 h }
        expectations:
          weight_positive: { expect: "kilograms > 0", on_violation: quarantine }
    """
  }

  private static func sql(factor: Int, coordinates: Bool) -> String {
    """
    CREATE STREAMING TABLE silver_weights AS
    SELECT animal, seen, kilograms, kilograms * \(factor) AS grams, _partition AS "partition", _offset AS "offset"
    FROM STREAM(weights);
    CREATE STREAMING TABLE gold_weights AS
    SELECT animal, grams\(coordinates ? ", \"partition\", \"offset\"" : "") FROM STREAM(silver_weights) WHERE grams > 5000;
    """
  }

  /// 90 good records in two partitions, every third one again, and some that break the rule or are no JSON.
  private static let records: [Int32: [String]] = {
    var partitions: [Int32: [String]] = [0: [], 1: []]
    for index in 0..<90 {
      let partition = Int32(index % 2)
      let minute = index % 60 < 10 ? "0\(index % 60)" : "\(index % 60)"
      let good = "{\"animal\":\"a\(index)\",\"at\":\"2026-01-05T08:\(minute):00Z\",\"kilograms\":\(index + 1)}"
      partitions[partition]?.append(good)
      if index % 3 == 0 { partitions[partition]?.append(good) }
      if index % 10 == 4 { partitions[partition]?.append("{\"animal\":") }
      if index % 10 == 7 { partitions[partition]?.append(good.replacing("\":\(index + 1)}", with: "\":-1}")) }
    }
    return partitions
  }()

  private struct Place {
    let directory: TemporaryDirectory
    var pipeline: Pipeline
    let lake: Lake

    init(factor: Int = 1_000, coordinates: Bool = true) throws {
      directory = try TemporaryDirectory("replay")
      pipeline = try Self.pipeline(factor: factor, coordinates: coordinates)
      lake = Lake(root: directory.file("lake"))
    }

    static func pipeline(factor: Int, coordinates: Bool) throws -> Pipeline {
      var pipeline = try Pipeline(
        folder: "scales",
        files: [
          .init(name: Pipeline.definitionFile, text: ReplayTests.definition()),
          .init(name: "tables.sql", text: ReplayTests.sql(factor: factor, coordinates: coordinates)),
        ])
      pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: 20)
      return pipeline
    }

    func run(_ source: (any RecordSource)? = nil) throws {
      let runner = try PipelineRunner(
        pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake),
        source: source ?? MemorySource(ReplayTests.records), registry: nil)
      try runner.run(.once, stop: StopSignal()) { _, _ in }
    }

    func replay(_ pipeline: Pipeline, from start: ReplayStart) throws -> Replay.Outcome {
      try Replay(pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake), registry: nil)
        .run(from: start, stop: StopSignal()) { _ in }
    }

    func rows(_ table: String, version: Int64? = nil, where condition: String = "true") throws -> Set<[Value]> {
      let connection = try QueryEngine(lake: lake).connect()
      let scan = try DeltaReader.scanSQL(lake.table(named: table).snapshot(version: version))
      let list = table.hasPrefix("quarantine") ? "* EXCLUDE (ingest_time)" : "*"
      let rows = try connection.query("SELECT \(list) FROM \(scan) WHERE \(condition)").rows()
      #expect(Set(rows).count == rows.count)
      return Set(rows)
    }

    func verify(_ pipeline: Pipeline) throws {
      let connection = try QueryEngine(lake: lake).connect()
      for check in try Verification(pipeline: pipeline, lake: lake, connection: connection).run() {
        #expect(check.holds, "\(check)")
      }
    }
  }

  private static let tables = ["quarantine_weights", "silver_weights", "gold_weights"]

  @Test(
    "A replay from the beginning gives what a new lake gives, as one version more of each table",
    arguments: [true, false])
  func whole(coordinates: Bool) throws {
    let place = try Place(coordinates: coordinates)
    try place.run()
    let fresh = try Place(factor: 100, coordinates: coordinates)
    try fresh.run()
    let before = try place.rows("silver_weights")
    let version = try place.lake.table(named: "silver_weights").snapshot().version
    let outcome = try place.replay(fresh.pipeline, from: .beginning)
    #expect(outcome.records == Int64(Self.records.values.reduce(0) { $0 + $1.count }))
    #expect(outcome.tables["silver_weights"]?.version == version + 1)
    for table in Self.tables { #expect(try place.rows(table) == fresh.rows(table), "\(table)") }
    #expect(try place.rows("silver_weights", version: version) == before)
    try place.verify(fresh.pipeline)
    // The stream goes on behind it, and nothing comes twice.
    var again = place
    again.pipeline = fresh.pipeline
    try again.run()
    for table in Self.tables { #expect(try place.rows(table) == fresh.rows(table), "\(table)") }
    #expect(!FileManager.default.fileExists(atPath: place.lake.temporaryFolder + "/replay-scales"))
  }

  @Test("A replay from an offset leaves what is before it, and repeats of it stay dropped")
  func part() throws {
    let place = try Place()
    try place.run()
    let fresh = try Place(factor: 100)
    try fresh.run()
    let before = try place.rows("silver_weights")
    _ = try place.replay(fresh.pipeline, from: .offsets([0: 31]))
    let tail = "(\"partition\" = 0 AND \"offset\" >= 31)"
    #expect(try place.rows("silver_weights", where: tail) == fresh.rows("silver_weights", where: tail))
    let head = try place.rows("silver_weights", where: "NOT \(tail)")
    #expect(head.isSubset(of: before))
    #expect(try head.count + place.rows("silver_weights", where: tail).count == before.count)
    #expect(try place.rows("quarantine_weights") == fresh.rows("quarantine_weights"))
  }

  @Test("A replay with the same SQL changes no row, from wherever it begins")
  func same() throws {
    let place = try Place()
    try place.run()
    let before = try Self.tables.map { try place.rows($0) }
    for start in [ReplayStart.beginning, .offsets([0: 7, 1: 40]), .time(0), .offsets([1: 0])] {
      _ = try place.replay(place.pipeline, from: start)
      #expect(try Self.tables.map { try place.rows($0) } == before, "\(start)")
      try place.verify(place.pipeline)
    }
    #expect(try place.replay(place.pipeline, from: .offsets([0: 1_000_000])).tables.isEmpty)
    #expect(try place.replay(place.pipeline, from: .time(.max / 2)).tables.isEmpty)
  }

  @Test("A table whose rows cannot be found is replayed whole or not at all")
  func refused() throws {
    let place = try Place(coordinates: false)
    try place.run()
    let before = try Self.tables.map { try place.rows($0) }
    let error = #expect(throws: StreamingError.self) {
      try place.replay(place.pipeline, from: .offsets([0: 5]))
    }
    #expect(error?.description.contains("gold_weights has no columns partition and offset") == true)
    #expect(try Self.tables.map { try place.rows($0) } == before)
  }

  @Test(
    "Where a replay begins, in words",
    arguments: [
      ("beginning", ReplayStart.beginning), ("120", .offsets([0: 120])), ("0:5,3:7", .offsets([0: 5, 3: 7])),
      ("1970-01-01T00:00:01Z", .time(1_000_000)), ("yesterday", nil), ("1:2,", .offsets([1: 2])), ("-1", nil),
      ("", nil),
      ("a:1", nil),
    ] as [(String, ReplayStart?)])
  func words(text: String, start: ReplayStart?) { #expect(ReplayStart(text) == start) }

  @Test("A folder of earlier records is taken beside the stream, once, with the same keys and books")
  func backfill() throws {
    let place = try Place()
    let inputs = try PipelineInputs(
      pipeline: place.pipeline, lake: place.lake, configuration: LakeConfiguration(lake: place.lake.root))
    let live = place.lake.resolve("landing/weights")
    let folder = place.directory.file("earlier")
    for path in [live, folder] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    func write(_ path: String, _ records: ArraySlice<String>) throws {
      try Data((records.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: path))
    }
    let records = Self.records[0] ?? []
    try write(live + "/now.ndjson", records[20...])
    try write(folder + "/then.ndjson", records[..<30])
    let backfills = Backfills(lake: place.lake, pipeline: "scales")
    let entry = try backfills.register(folder)
    #expect(entry.partition == Backfills.firstPartition)
    try place.run(try inputs.source(sharing: false))
    #expect(backfills.entries().map(\.isDone) == [true])
    let alone = try Place()
    try alone.run(MemorySource([0: records]))
    // The first of two equal records stays, and which one came first depends on the turns: coordinates may differ.
    let list = { (place: Place) in Set(try place.rows("silver_weights").map { Array($0.prefix(4)) }) }
    #expect(try list(place) == list(alone))
    #expect(try place.rows("bronze_weights", where: "\"partition\" = \(entry.partition)").count == 30)
    try place.verify(place.pipeline)
    // Again: nothing. A new file: that one, under the same number.
    try place.run(try inputs.source(sharing: false))
    #expect(try place.rows("bronze_weights").count == records.count + 10)
    try write(folder + "/more.ndjson", ["{\"animal\":\"new\",\"at\":\"2025-01-01T00:00:00Z\",\"kilograms\":4}"])
    #expect(try backfills.register(folder).partition == entry.partition)
    try place.run(try inputs.backfillSource())
    #expect(try place.rows("silver_weights", where: "animal = 'new' AND \"partition\" = \(entry.partition)").count == 1)
    #expect(try backfills.register(live).partition == entry.partition + 1)
    try place.verify(place.pipeline)
  }

  @Test("A backfill that one process works on is left alone by others, and taken over when it is gone")
  func backfillTakenOver() throws {
    let place = try Place()
    let folder = place.directory.file("earlier")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data("{\"animal\":\"a\",\"at\":\"2025-01-01T00:00:00Z\",\"kilograms\":4}\n".utf8).write(
      to: URL(filePath: folder + "/a.ndjson"))
    let inputs = try PipelineInputs(
      pipeline: place.pipeline, lake: place.lake, configuration: LakeConfiguration(lake: place.lake.root))
    let backfills = Backfills(lake: place.lake, pipeline: "scales")
    var lock = try backfills.lock(try backfills.register(folder))
    #expect(lock != nil)
    try place.run(try inputs.backfillSource())
    #expect(backfills.entries().map(\.isDone) == [false])
    lock = nil
    try place.run(try inputs.backfillSource())
    #expect(backfills.entries().map(\.isDone) == [true])
    #expect(try place.rows("bronze_weights").count == 1)
  }
}
