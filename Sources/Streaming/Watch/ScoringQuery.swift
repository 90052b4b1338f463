internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// A model's scoring table computed again for some offsets, with the functions of another version in place of the live
/// one's: what a silent trial and the watch over drift read.
///
/// It reads the committed table before the scoring table, so it needs nothing of a running micro-batch and can be
/// repeated after a crash.
struct ScoringQuery {
  let model: ModelDefinition
  /// The table that the scoring table reads as a stream.
  let input: String
  private let definition: TableDefinition
  private let graph: GraphSQL
  private let sourceIdentity: FlowIdentity
  private let recents: [RecentDefinition]
  private let latenessSeconds: Double
  private let lake: Lake

  /// nil if no streaming table asks the model, or if that table reads the source itself or its own recent readings.
  init?(_ model: ModelDefinition, of pipeline: Pipeline, lake: Lake) {
    guard let source = pipeline.source, let definition = pipeline.scoringTable(of: model.name) else { return nil }
    let graph = GraphSQL(pipeline, source: source)
    let streams = definition.references.filter(\.isStream)
    guard streams.count == 1, !graph.isSource(streams[0]), let input = pipeline.table(named: streams[0].name),
      input.kind == .streaming
    else { return nil }
    recents = pipeline.recents(neededBy: definition)
    guard recents.allSatisfy({ $0.table.lowercased() == input.name.lowercased() }) else { return nil }
    latenessSeconds = pipeline.eventTime?.allowedLatenessSeconds ?? 0
    self.model = model
    self.input = input.name
    self.definition = definition
    self.graph = graph
    sourceIdentity = FlowIdentity(pipeline: pipeline.name, stream: source.stream)
    self.lake = lake
  }

  /// The scoring table's name.
  var table: String { definition.name }

  /// The next offsets that the input table holds, by partition; empty if there is no table yet.
  func reached() throws -> Positions {
    guard try lake.tableNames().contains(input) else { return [:] }
    return sourceIdentity.positions(in: try lake.table(named: input).snapshot().transactions)
  }

  /// The input's rows of a span, as SQL that can stand in FROM.
  /// - Parameter share: One row in so many, chosen by its coordinate.
  func inputRows(_ span: OffsetSpan, oneIn share: Int = 1) throws -> String {
    let scan = try DeltaReader.scanSQL(
      lake.table(named: input).snapshot(), filters: GraphExecutor.pruning(span))
    let sample = share > 1 ? " AND hash(\"partition\", \"offset\") % \(share) = 0" : ""
    return "(SELECT * FROM \(scan) WHERE \(RowSelection.condition(span))\(sample))"
  }

  /// Whether the scoring table looks at recent readings.
  var looksBack: Bool { !recents.isEmpty }

  /// What holds the recent readings for somebody who follows the input table.
  func readings(follower: String, connection: Connection) -> FollowedReadings {
    FollowedReadings(
      recents, of: input, identity: sourceIdentity, latenessSeconds: latenessSeconds, follower: follower, lake: lake,
      connection: connection)
  }

  /// The scoring table's rows for a span, the functions `predict_OTHER` and so on in place of the model's own.
  func rows(_ span: OffsetSpan, asking other: String, readings: FollowedReadings) throws -> String {
    try rows(of: try inputRows(span), asking: other, readings: readings)
  }

  /// The same for rows of the input table that stand in FROM, and of which the readings are prepared.
  func rows(of input: String, asking other: String, readings: FollowedReadings) throws -> String {
    let select = try graph.rows(of: definition.asking(other, insteadOf: model.name)) { reference in
      if reference.isStream { return input }
      if let relation = readings.relation(reference.name) { return relation }
      return try DeltaReader.scanSQL(lake.table(named: reference.name).snapshot())
    }
    return
      "(SELECT * EXCLUDE (\(RowSelection.violationColumn)) FROM (\(select)) WHERE \(RowSelection.violationColumn) IS NULL)"
  }
}
