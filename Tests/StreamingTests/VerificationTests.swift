import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// A verification that never fails proves nothing: rows are taken away, doubled and altered behind the program's back.
@Suite struct VerificationTests {
  private static let definition = """
    pipeline: doses
    source:
      stream: doses
      landing: { path: landing/doses }
      bronze: bronze_doses
      quarantine: quarantine_doses
      record:
        - { name: drug, type: string, required: true }
        - { name: seen, type: timestamp, required: true }
        - { name: milligrams, type: double }
    tables:
      silver_doses:
        deduplicate: { keys: [drug, seen], event_time: seen, within: 1 h }
        expectations:
          dose_positive: { expect: "milligrams > 0" }
    """
  private static let sql = """
    CREATE STREAMING TABLE silver_doses AS
    SELECT drug, seen, milligrams, _partition AS "partition", _offset AS "offset" FROM STREAM(doses)
    WHERE drug <> 'placebo';
    """
  /// Kept: 0, 2. Unreadable: 3. Implausible: 4. Not selected: 1, 6. Repeats: 5.
  private static let records = [
    record("a", 1, 5), record("placebo", 1, 5), record("a", 2, 5), "{", record("b", 2, -1), record("a", 1, 5),
    record("placebo", 2, 5),
  ]

  private static func record(_ drug: String, _ minute: Int, _ milligrams: Int) -> String {
    "{\"drug\":\"\(drug)\",\"seen\":\"2026-01-05T08:0\(minute):00Z\",\"milligrams\":\(milligrams)}"
  }

  /// The checks that fail after a table's rows were replaced by those of a query, in which `{}` is the table.
  private func failures(_ table: String, _ select: String) throws -> [String] {
    let directory = try TemporaryDirectory("doses")
    let pipeline = try Pipeline(
      folder: "doses",
      files: [.init(name: Pipeline.definitionFile, text: Self.definition), .init(name: "silver.sql", text: Self.sql)])
    let lake = Lake(root: directory.file("lake"))
    let engine = try QueryEngine(lake: lake)
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: engine, source: MemorySource([0: Self.records]), registry: nil)
    try runner.run(.once, stop: StopSignal()) { _, _ in }
    let connection = try engine.connect()
    try replace(table, select, lake, connection)
    let checks = try Verification(pipeline: pipeline, lake: lake, connection: connection).run()
    return checks.filter { !$0.holds }.map { "\($0.table): \($0.claim) (\($0.figures))" }
  }

  private func replace(_ name: String, _ select: String, _ lake: Lake, _ connection: Connection) throws {
    let snapshot = try lake.table(named: name).snapshot()
    try connection.execute(
      "CREATE OR REPLACE TEMP TABLE replaced AS \(select.replacing("{}", with: DeltaReader.scanSQL(snapshot)))")
    try FileManager.default.removeItem(atPath: lake.location(ofTable: name))
    let table = try DeltaTable.create(at: lake.location(ofTable: name), schema: snapshot.schema)
    let files = try DeltaWriter(connection: connection).write("SELECT * FROM replaced", into: table)
    let transactions = snapshot.transactions.map { AppTransaction(appId: $0.key, version: $0.value) }
    _ = try table.append(files, transactions: transactions)
  }

  @Test func whatTheSQLDoesNotSelectIsNotLost() throws {
    #expect(try failures("silver_doses", "SELECT * FROM {}") == [])
  }

  private static let books = "bronze = table + quarantine + duplicates"

  @Test(arguments: [
    (
      "silver_doses", #"SELECT * FROM {} WHERE "offset" <> 2"#,
      ["silver_doses: \(books) (7 = 1 + 2 + 1 + 2 that the SQL does not select; 1 lost)"]
    ),
    (
      "quarantine_doses", #"SELECT * FROM {} WHERE "offset" <> 3"#,
      ["silver_doses: \(books) (7 = 2 + 1 + 1 + 2 that the SQL does not select; 1 unreadable ones lost)"]
    ),
    (
      "bronze_doses", "SELECT * FROM {} UNION ALL SELECT * FROM {} WHERE \"offset\" = 6",
      ["bronze_doses: every record is there once (8 rows, 7 coordinates)"]
    ),
    (
      "silver_doses", #"SELECT * REPLACE (CASE WHEN "offset" = 2 THEN 6 ELSE milligrams END AS milligrams) FROM {}"#,
      ["silver_doses: the rows are what the SQL gives when it is run again (2 rows, 2 differ)"]
    ),
  ])
  func damageIsFound(table: String, select: String, expected: [String]) throws {
    #expect(try failures(table, select) == expected)
  }
}

/// Verification of several tables on one source, of views, and while somebody writes.
@Suite struct VerificationOfManyTablesTests {
  private static let definition = """
    pipeline: doses
    source:
      stream: doses
      landing: { path: landing/doses }
      bronze: bronze_doses
      quarantine: quarantine_doses
      record:
        - { name: drug, type: string, required: true }
        - { name: amount, type: string }
    tables:
      strict: { expectations: { known: { expect: "drug <> 'unknown'" } } }
      behind: { expectations: { small: { expect: "milligrams < 100" } } }
    """
  private static let sql = """
    CREATE STREAMING TABLE lenient AS
    SELECT drug, amount, _partition AS "partition", _offset AS "offset" FROM STREAM(doses);
    CREATE STREAMING TABLE strict AS
    SELECT drug, CAST(amount AS INT) AS milligrams, _partition AS "partition", _offset AS "offset" FROM STREAM(doses);
    CREATE STREAMING TABLE behind AS
    SELECT drug, milligrams, "partition", "offset" FROM STREAM(strict);
    CREATE MATERIALIZED VIEW totals PARTITIONED BY (drug) AS
    SELECT drug, sum(CAST(milligrams AS DOUBLE) / 3) AS thirds, count(*) AS doses FROM behind GROUP BY drug;
    """
  private static let records = (0..<40).map { index in
    switch index % 10 {
    case 3: #"{"drug":"unknown","amount":"7"}"#
    case 5: #"{"drug":"b","amount":"much"}"#
    case 7: #"{"drug":"c","amount":"700"}"#
    case 9: "{"
    default: "{\"drug\":\"d\(index % 4)\",\"amount\":\"\(index)\"}"
    }
  }

  private let directory: TemporaryDirectory
  private let lake: Lake
  private var pipeline: Pipeline
  private let engine: QueryEngine

  init() throws {
    directory = try TemporaryDirectory("many-tables")
    lake = Lake(root: directory.file("lake"))
    pipeline = try Pipeline(
      folder: "doses",
      files: [.init(name: Pipeline.definitionFile, text: Self.definition), .init(name: "t.sql", text: Self.sql)])
    pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: 8)
    engine = try QueryEngine(lake: lake)
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: engine, source: MemorySource([0: Self.records]), registry: nil)
    try runner.run(.once, stop: StopSignal()) { _, _ in }
    let refresher = try ViewRefresher(pipeline: pipeline, lake: lake, registry: nil)
    for view in pipeline.materializedViews { _ = try refresher.refresh(view) }
  }

  private func failures() throws -> [String] {
    try Verification(pipeline: pipeline, lake: lake, connection: engine.connect(), patienceSeconds: 0.2).run()
      .filter { !$0.holds }.map { "\($0.table): \($0.claim) (\($0.figures))" }
  }

  /// A record may be in quarantine for the rule of one table and be good for another.
  @Test func eachTableHasItsOwnQuarantine() throws {
    #expect(try failures() == [])
    // 4 × unknown, much, 700, unreadable.
    #expect(try lake.table(named: "quarantine_doses").snapshot().rowCount() == 16)
    #expect(try lake.table(named: "strict").snapshot().rowCount() == 28)
    #expect(try lake.table(named: "behind").snapshot().rowCount() == 24)
    // What one table lost is not excused by another's quarantine.
    let editor = DeltaEditor(connection: try engine.connect())
    _ = try editor.delete(from: lake.table(named: "lenient"), where: "drug = 'unknown' AND \"offset\" = 13")
    #expect(try failures().contains { $0.hasPrefix("lenient: bronze = table + quarantine + duplicates") })
  }

  /// Tables that are ahead of bronze, as a moment later in a running pipeline, are looked at where bronze is.
  @Test func versionsThatBelongTogetherAreCompared() throws {
    for table in ["bronze_doses", "quarantine_doses"] { try forgetLastCommit(of: table) }
    let found = try failures()
    #expect(found == [])
    // One that stays behind was killed before it got there.
    try forgetLastCommit(of: "behind")
    try forgetLastCommit(of: "behind")
    #expect(try failures().first == "bronze_doses: every table has come as far as bronze (behind: behind)")
  }

  private func forgetLastCommit(of table: String) throws {
    let location = lake.location(ofTable: table)
    let version = try DeltaTable(at: location).snapshot().version
    let name = String(repeating: "0", count: 20 - String(version).count) + String(version)
    try FileManager.default.removeItem(atPath: "\(location)/_delta_log/\(name).json")
  }

  @Test func damageOfAViewIsFound() throws {
    let table = try lake.table(named: "totals")
    let editor = DeltaEditor(connection: try engine.connect())
    // Sums of DOUBLE may differ by the order of adding, but no more than that.
    _ = try editor.update(table, set: ["thirds": "thirds * (1 + 1e-13)"], where: "drug = 'd0'")
    #expect(try failures() == [])
    _ = try editor.update(table, set: ["doses": "doses + 1"], where: "drug = 'd0'")
    #expect(
      try failures() == [
        "totals: the rows are what the SQL gives over the versions that the view reflects (4 rows, 2 differ)"
      ])
    // A refresh finds no changed input and leaves it; a full one mends it.
    let refresher = try ViewRefresher(pipeline: pipeline, lake: lake, registry: nil)
    let view = try #require(pipeline.table(named: "totals"))
    #expect(try refresher.refresh(view).outcome == .unchanged)
    _ = try refresher.refresh(view, .full)
    #expect(try failures() == [])
    // A view that lags is compared with what it reflects.
    _ = try editor.delete(from: lake.table(named: "behind"), where: "drug = 'd1'")
    let check = try Verification(pipeline: pipeline, lake: lake, connection: engine.connect()).run().last
    #expect(
      check?.holds == true && check?.figures.contains("behind behind by 1 versions") == true, "\(check?.figures ?? "")")
  }
}
