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
