import DuckDB
import Foundation
import Pipelines
import Testing

/// The vitals pipeline's `silver.sql` over a table of parsed readings.
struct VitalsBench {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "pipelines/vitals").path

  let pipeline: Pipeline
  let silver: TableDefinition
  /// Has the table `readings`, the table `earlier` of the patient's earlier readings, and the view `silver` over both.
  let connection: Connection

  init() throws {
    pipeline = try Pipeline.load(folder: Self.folder)
    silver = try #require(pipeline.table(named: "silver_patient_vitals"))
    connection = try IllnessRulesTests.connect()
    let fields = (pipeline.source?.fields ?? []).map { field in
      switch field.name {
      case "patient_id": "patient_id VARCHAR DEFAULT 'P'"
      case "event_time": "event_time TIMESTAMPTZ DEFAULT '2024-06-01T12:00:00Z'"
      default: "\(field.name) \(field.type.duckDBType)"
      }
    }
    try connection.execute(
      """
      CREATE TABLE readings (\(fields.joined(separator: ", ")), _source VARCHAR DEFAULT 'file',
        _partition INTEGER DEFAULT 0, _offset BIGINT DEFAULT 7, _ingest_time TIMESTAMPTZ DEFAULT '2024-06-01T12:00:00Z');
      CREATE TABLE earlier ("partition" INTEGER, "offset" BIGINT, event_time TIMESTAMPTZ[]);
      CREATE VIEW silver AS \(silver.sql { $0.isStream ? "readings" : "earlier" })
      """)
  }

  /// Makes one reading the only one.
  func read(_ columns: String, _ values: String) throws {
    try connection.execute("DELETE FROM readings; INSERT INTO readings (\(columns)) VALUES (\(values))")
  }

  /// Expressions over the only row of silver.
  func row(_ expressions: String) throws -> [Value] {
    try #require(try connection.query("SELECT \(expressions) FROM silver").rows().first)
  }

  /// Names of the rules that the only reading breaks.
  func brokenRules() throws -> [String] {
    try silver.expectations.filter { rule in
      try connection.query("SELECT coalesce(\(rule.expression), true) FROM silver").scalar() == .bool(false)
    }.map(\.name)
  }
}
