internal import DeltaLake
internal import DuckDB
internal import Foundation
public import Pipelines

/// The table in which the outcomes of a model's records arrive: `patient_id`, `time` (the record's), `outcome`,
/// `event_at` (when the adverse event came, if one did) and `arrived_at`.
///
/// Outcomes come from a file, or from a pipeline whose streaming table has these columns.
public struct OutcomeTable {
  /// How many outcomes a file held, and how many of them were new.
  public struct Added: Sendable, Hashable {
    /// Rows of the file.
    public var rows: Int
    /// Rows of patient and time that the table did not hold.
    public var new: Int
  }

  static let columns: [Column] = [
    Column(name: "patient_id", type: .varchar), Column(name: "time", type: .timestampTZ),
    Column(name: "outcome", type: .varchar), Column(name: "event_at", type: .timestampTZ),
    Column(name: "arrived_at", type: .timestampTZ),
  ]

  private let name: String
  private let lake: Lake

  /// The table of a model.
  public init(_ model: ModelDefinition, lake: Lake) {
    name = model.scores.outcomes
    self.lake = lake
  }

  /// Adds the outcomes of a CSV or Parquet file with the columns `patient_id`, `time`, `outcome` and, if it has one,
  /// `event_at`. What the table holds already stays as it is.
  /// - Parameter time: When they arrive, in microseconds since 1970.
  /// - Throws: ``StreamingError/fileSystem(path:operation:reason:)`` for a file that lacks a column; errors of the table.
  public func add(file path: String, time: Int64, engine: QueryEngine) throws -> Added {
    let connection = try engine.connect(scratch: "outcomes")
    let literal = SQL.quote(literal: path)
    let scan =
      path.lowercased().hasSuffix(".parquet")
      ? "read_parquet(\(literal))" : "read_csv(\(literal), header = true, all_varchar = true)"
    let present = Set(try connection.columns(of: "SELECT * FROM \(scan)").map { $0.name.lowercased() })
    let missing = ["patient_id", "time", "outcome"].filter { !present.contains($0) }
    guard missing.isEmpty else {
      throw StreamingError.fileSystem(
        path: path, operation: "read outcomes from",
        reason:
          "it has no column \(missing.joined(separator: ", ")); it needs patient_id, time, outcome and may have event_at"
      )
    }
    let table = try DeltaTable.create(
      at: lake.location(ofTable: name),
      schema: Schema(columns: Self.columns.map { ($0.name, $0.type.description) }), name: name,
      description: "What came of the records that a model has scored")
    let known = try DeltaReader.scanSQL(table.snapshot())
    let event = present.contains("event_at") ? "TRY_CAST(event_at AS TIMESTAMPTZ)" : "NULL::TIMESTAMPTZ"
    try connection.execute(
      """
      CREATE OR REPLACE TABLE stage_outcomes AS
      SELECT CAST(patient_id AS VARCHAR) AS patient_id, CAST("time" AS TIMESTAMPTZ) AS "time",
        CAST(outcome AS VARCHAR) AS outcome, \(event) AS event_at, make_timestamptz(\(time)) AS arrived_at
      FROM \(scan) WHERE outcome IS NOT NULL
      """)
    let new = "SELECT * FROM stage_outcomes AS n ANTI JOIN \(known) AS k USING (patient_id, \"time\")"
    let rows = try connection.query("SELECT count(*) FROM stage_outcomes").scalar().intValue ?? 0
    let files = try DeltaWriter(connection: connection).write(new, into: table)
    let added = files.reduce(0) { $0 + Int($1.rowCount ?? 0) }
    if added > 0 { _ = try table.append(files, operation: "OUTCOMES") }
    return Added(rows: rows, new: added)
  }
}
