internal import DeltaLake
internal import DuckDB
internal import Models
internal import Pipelines

/// Scores live records with the version of a model that is in silent trial, into the table `silent_scores_PIPELINE`.
///
/// The trial follows the committed table before the scoring table. Its position is a Delta `txn` action per source
/// partition in the commit of the scores themselves, `PIPELINE/silent:MODEL:VERSION/PARTITION`, so that every record
/// from the beginning of the trial on is scored once, whatever crashes. The live tables do not wait for it.
final class SilentTrial {
  private let query: ScoringQuery
  private let pipeline: Pipeline
  private let lake: Lake
  private let registry: ModelRegistry
  private let live: LiveModels
  private let connection: Connection
  private let readings: FollowedReadings

  /// What the functions of the silent version are called after.
  static func slot(_ model: String) -> String { model + "_silent" }

  /// The table's name.
  static func table(_ pipeline: String) -> String { "silent_scores_\(pipeline)" }

  /// - Parameters:
  ///   - live: Holds the silent version in the slot `MODEL_silent`, whose functions are registered on the connection.
  init(_ query: ScoringQuery, pipeline: Pipeline, lake: Lake, live: LiveModels, connection: Connection) {
    self.query = query
    self.pipeline = pipeline
    self.lake = lake
    self.live = live
    registry = live.registry
    self.connection = connection
    readings = query.readings(follower: "of \(Self.slot(query.model.name))", connection: connection)
  }

  private static let columns: [Column] = [
    Column(name: "model", type: .varchar), Column(name: "model_version", type: .varchar),
    Column(name: "patient_id", type: .varchar), Column(name: "event_time", type: .timestampTZ),
    Column(name: "probability", type: .double), Column(name: "alert", type: .boolean),
  ]

  /// Scores what has come since the last round. A trial that begins now begins with the next record.
  /// - Returns: Rows scored; nil if no version is in silent trial.
  func round() throws -> Int64? {
    try live.refresh()
    guard let version = try live.model(Self.slot(query.model.name))?.card.version else { return nil }
    let identity = FlowIdentity(pipeline: pipeline.name, stream: "silent:\(query.model.name):\(version)")
    let table = try DeltaTable.create(
      at: lake.location(ofTable: Self.table(pipeline.name)),
      schema: Schema(columns: Self.columns.map { ($0.name, $0.type.description) }),
      name: Self.table(pipeline.name),
      description: "Answers of model versions in silent trial; nobody is alerted by them",
      configuration: TableMaintenance.tableProperties)
    let reached = try query.reached()
    let marks = try table.snapshot().transactions
    let start = identity.positions(in: marks)
    guard marks.keys.contains(Self.mark(identity)) else {
      let transactions = identity.transactions(reached) + [AppTransaction(appId: Self.mark(identity), version: 1)]
      _ = try table.append([], transactions: transactions, operation: "SILENT TRIAL")
      return 0
    }
    let span = OffsetSpan(from: start, to: reached)
    guard !span.isEmpty else { return 0 }
    try readings.prepare(span, rows: try query.inputRows(span))
    let scores = query.model.scores
    let select = """
      SELECT \(SQL.quote(literal: query.model.name)) AS model,
        \(SQL.quote(literal: version)) AS model_version,
        CAST(\(SQL.quote(identifier: scores.patient)) AS VARCHAR) AS patient_id,
        CAST(\(SQL.quote(identifier: scores.time)) AS TIMESTAMPTZ) AS event_time,
        CAST(\(SQL.quote(identifier: scores.probability)) AS DOUBLE) AS probability,
        CAST((\(scores.alert)) AS BOOLEAN) AS alert
      FROM \(try query.rows(span, asking: Self.slot(query.model.name), readings: readings))
      """
    let files = try DeltaWriter(connection: connection).write(select, into: table)
    let rows = files.reduce(Int64(0)) { $0 + ($1.rowCount ?? 0) }
    // Stale: another process has scored these records meanwhile.
    if case .stale = try table.append(
      files, transactions: identity.transactions(span.next), operation: "SILENT TRIAL",
      metrics: ["numOutputRows": String(rows)])
    {
      return 0
    }
    try readings.didTake()
    return rows
  }

  /// Says that the trial has begun, also where the source has no partition yet.
  private static func mark(_ identity: FlowIdentity) -> String { "\(identity.pipeline)/\(identity.stream)" }
}
