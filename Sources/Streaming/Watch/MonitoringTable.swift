internal import DeltaLake
internal import DuckDB

/// One figure of the table `model_monitoring`.
public struct MonitoringFigure: Sendable, Hashable {
  /// The pipeline.
  public var pipeline: String
  /// The model.
  public var model: String
  /// The version that scores.
  public var version: String
  /// `feature`, `prediction` or `error`.
  public var kind: String
  /// The feature, `prediction` or `error`.
  public var column: String
  /// `psi`, `ks`, `missing`, `outside`, `adwin` or `page_hinkley`.
  public var statistic: String
  /// The value.
  public var value: Double
  /// Above it there is drift.
  public var limit: Double
  /// Whether it is drift.
  public var isDrift: Bool
  /// Rows that it was computed from.
  public var rows: Int
  /// How many windows of this version closed before.
  public var window: Int
  /// Event time of the window's first and last row, in microseconds since 1970; nil if there is none.
  public var span: ClosedRange<Int64>?
}

/// The Delta table `model_monitoring`, to which every pipeline adds its figures.
struct MonitoringTable {
  /// The table's name.
  static let name = "model_monitoring"
  private static let columns: [Column] = [
    Column(name: "time", type: .timestampTZ), Column(name: "pipeline", type: .varchar),
    Column(name: "model", type: .varchar), Column(name: "model_version", type: .varchar),
    Column(name: "kind", type: .varchar), Column(name: "column", type: .varchar),
    Column(name: "statistic", type: .varchar), Column(name: "value", type: .double),
    Column(name: "limit", type: .double), Column(name: "is_drift", type: .boolean),
    Column(name: "rows", type: .bigint), Column(name: "window", type: .bigint),
    Column(name: "first_event", type: .timestampTZ), Column(name: "last_event", type: .timestampTZ),
  ]

  let lake: Lake
  let connection: Connection

  /// Adds figures, all with one time in microseconds since 1970.
  func append(_ figures: [MonitoringFigure], time: Int64) throws {
    guard !figures.isEmpty else { return }
    let table = try DeltaTable.create(
      at: lake.location(ofTable: Self.name),
      schema: Schema(columns: Self.columns.map { ($0.name, $0.type.description) }), name: Self.name,
      description: "Drift of models' inputs, answers and errors; one row per window, column and statistic",
      configuration: TableMaintenance.tableProperties)
    let values = figures.map { figure in
      let texts = [figure.pipeline, figure.model, figure.version, figure.kind, figure.column, figure.statistic]
        .map { SQL.quote(literal: $0) }
      let span = figure.span.map { ["make_timestamptz(\($0.lowerBound))", "make_timestamptz(\($0.upperBound))"] }
      let rest =
        [
          "\(figure.value)::DOUBLE", "\(figure.limit.isFinite ? "\(figure.limit)" : "NULL")::DOUBLE",
          "\(figure.isDrift)",
          "\(figure.rows)::BIGINT", "\(figure.window)::BIGINT",
        ] + (span ?? ["NULL::TIMESTAMPTZ", "NULL::TIMESTAMPTZ"])
      return "(" + (["make_timestamptz(\(time))"] + texts + rest).joined(separator: ", ") + ")"
    }
    let names = Self.columns.map { SQL.quote(identifier: $0.name) }.joined(separator: ", ")
    let files = try DeltaWriter(connection: connection).write(
      "SELECT * FROM (VALUES \(values.joined(separator: ", "))) AS figures(\(names))", into: table)
    _ = try table.append(files, operation: "MODEL MONITORING")
  }
}
