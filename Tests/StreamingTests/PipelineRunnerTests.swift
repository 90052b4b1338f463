import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// A pipeline of a YAML and an SQL file alone: nothing in the runtime knows the shipped ones.
@Suite struct PipelineRunnerTests {
  private static let definition = """
    pipeline: scales
    source:
      stream: weights
      landing: { path: landing/weights }
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
          weight_known: { expect: "kilograms IS NOT NULL", on_violation: count }
    """
  private static let sql = """
    CREATE STREAMING TABLE silver_weights AS
    SELECT animal, seen, kilograms, _partition AS "partition", _offset AS "offset" FROM STREAM(weights);
    CREATE STREAMING TABLE gold_weights AS
    SELECT animal, seen, kilograms * 1000 AS grams FROM STREAM(silver_weights);
    """
  private static let tables = ["bronze_weights", "quarantine_weights", "silver_weights", "gold_weights"]

  private static func record(_ animal: String, minute: Int, _ kilograms: String) -> String {
    "{\"animal\":\"\(animal)\",\"at\":\"2026-01-05T08:\(minute < 10 ? "0" : "")\(minute):00Z\",\"kilograms\":\(kilograms)}"
  }

  /// 60 good records in two partitions, 20 repeats, 10 that are no JSON, 10 with an impossible weight.
  private static let records: [Int32: [String]] = {
    var partitions: [Int32: [String]] = [0: [], 1: []]
    for index in 0..<60 {
      let partition = Int32(index % 2)
      let good = record("a\(index % 7)p\(partition)", minute: index, "\(index + 1).5")
      partitions[partition]?.append(good)
      if index % 3 == 0 { partitions[partition]?.append(good) }
      if index % 6 == 1 { partitions[partition]?.append("{\"animal\":") }
      if index % 6 == 2 { partitions[partition]?.append(record("b", minute: index, "-1")) }
    }
    return partitions
  }()

  fileprivate struct Place {
    let directory: TemporaryDirectory
    let pipeline: Pipeline
    let lake: Lake

    init(maxRecords: Int) throws {
      directory = try TemporaryDirectory("runner")
      var pipeline = try Pipeline(
        folder: "scales",
        files: [
          .init(name: Pipeline.definitionFile, text: PipelineRunnerTests.definition),
          .init(name: "tables.sql", text: PipelineRunnerTests.sql),
        ])
      pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: maxRecords)
      self.pipeline = pipeline
      lake = Lake(root: directory.file("lake"))
    }

    @discardableResult
    func run() throws -> [BatchReport] {
      var reports: [BatchReport] = []
      let runner = try PipelineRunner(
        pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake),
        source: MemorySource(PipelineRunnerTests.records), registry: nil)
      try runner.run(.once, stop: StopSignal()) { event, _ in
        if case .committed(let report) = event { reports.append(report) }
      }
      return reports
    }

    func rows(_ table: String, without columns: String = "") throws -> Set<[Value]> {
      let connection = try QueryEngine(lake: lake).connect()
      let scan = try DeltaReader.scanSQL(lake.table(named: table).snapshot())
      let list = table.hasPrefix("bronze") || table.hasPrefix("quarantine") ? "* EXCLUDE (ingest_time)" : "*"
      let rows = try connection.query("SELECT \(list) FROM \(scan)").rows()
      #expect(Set(rows).count == rows.count)
      return Set(rows)
    }

    func verify() throws -> [Verification.Check] {
      try Verification(pipeline: pipeline, lake: lake, connection: QueryEngine(lake: lake).connect()).run()
    }
  }

  @Test func booksBalance() throws {
    let place = try Place(maxRecords: 1_000)
    let reports = try place.run()
    #expect(reports.count == 1)
    #expect(reports[0].records == 100)
    #expect(reports[0].duplicates == 20)
    #expect(reports[0].breaches == ["silver_weights.weight_positive": 10])
    #expect(
      reports[0].rows == ["bronze_weights": 100, "quarantine_weights": 20, "silver_weights": 60, "gold_weights": 60])
    for check in try place.verify() { #expect(check.holds, "\(check)") }
  }

  @Test(arguments: [1, 7, 33])
  func anySizeOfMicroBatchGivesTheSameTables(maxRecords: Int) throws {
    let whole = try Place(maxRecords: 1_000)
    try whole.run()
    let split = try Place(maxRecords: maxRecords)
    let reports = try split.run()
    #expect(reports.count > 1)
    for table in Self.tables { #expect(try split.rows(table) == whole.rows(table), "\(table)") }
    for check in try split.verify() { #expect(check.holds, "\(check)") }
  }

  @Test func aSecondRunAddsNothing() throws {
    let place = try Place(maxRecords: 40)
    try place.run()
    #expect(try place.run().isEmpty)
    for check in try place.verify() { #expect(check.holds, "\(check)") }
  }

  /// The crash matrix of one micro-batch: whichever commits were made before the crash, the restart repairs the rest.
  @Test(arguments: [
    ["gold_weights"], ["gold_weights", "silver_weights"], ["quarantine_weights"],
    ["quarantine_weights", "silver_weights", "gold_weights"],
  ])
  func tablesThatLagAreRepaired(lost: [String]) throws {
    let whole = try Place(maxRecords: 30)
    try whole.run()
    let crashed = try Place(maxRecords: 30)
    try crashed.run()
    for table in lost { try crashed.forgetLastCommit(of: table) }
    let reports = try crashed.run()
    #expect(reports.contains { $0.isCatchUp })
    for table in Self.tables { #expect(try crashed.rows(table) == whole.rows(table), "\(table)") }
    for check in try crashed.verify() { #expect(check.holds, "\(check)") }
  }

  /// The log is read by more people than the rows are: bounds of raw records would tell it whose records they are.
  @Test func theLogOfRawRecordsTellsNothingOfThem() throws {
    let place = try Place(maxRecords: 7)
    try place.run()
    let connection = try QueryEngine(lake: place.lake).connect()
    for name in ["bronze_weights", "quarantine_weights"] {
      let table = try place.lake.table(named: name)
      let raw = name.hasPrefix("bronze") ? "raw" : "record"
      let scan = try DeltaReader.scanSQL(table.snapshot())
      let sql = "SELECT count(*) > 0 FROM \(scan) WHERE contains(\(raw), 'animal')"
      #expect(try connection.query(sql).scalar() == .bool(true))
      _ = try DeltaEditor(connection: connection).optimize(table)
      try table.checkpoint()
      let log = place.lake.location(ofTable: name) + "/_delta_log"
      for file in try FileManager.default.contentsOfDirectory(atPath: log) {
        let bytes = try #require(FileManager.default.contents(atPath: log + "/" + file))
        let text = String(decoding: bytes, as: UTF8.self)
        for secret in ["a2p1", "animal", "minValues\\\":{\\\"\(raw)"] {
          #expect(!text.contains(secret), "\(name) \(file)")
        }
      }
      let statistics = try connection.query(
        "SELECT add.stats FROM read_parquet('\(log)/*.checkpoint.parquet') WHERE add.stats IS NOT NULL"
      ).rows().compactMap { $0[0].stringValue }
      #expect(!statistics.isEmpty)
      for text in statistics {
        #expect(text.contains("\"offset\":") && !text.contains("animal") && !text.contains("\"\(raw)\":"))
      }
    }
  }

  @Test func aNewTableIsFilledFromBronze() throws {
    let place = try Place(maxRecords: 30)
    try place.run()
    let before = try place.rows("gold_weights")
    try place.remove("gold_weights")
    try place.run()
    #expect(try place.rows("gold_weights") == before)
  }
}

import Foundation

extension PipelineRunnerTests.Place {
  /// Takes a table back by one version, as if the process had died before that commit.
  fileprivate func forgetLastCommit(of table: String) throws {
    let location = lake.location(ofTable: table)
    let version = try DeltaTable(at: location).snapshot().version
    let name = String(repeating: "0", count: 20 - String(version).count) + String(version)
    try FileManager.default.removeItem(atPath: "\(location)/_delta_log/\(name).json")
  }

  fileprivate func remove(_ table: String) throws {
    try FileManager.default.removeItem(atPath: lake.location(ofTable: table))
  }
}
