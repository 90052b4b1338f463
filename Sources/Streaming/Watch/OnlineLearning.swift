internal import DeltaLake
internal import DuckDB
internal import Models
internal import Pipelines

/// Lets a model learn from outcomes as they arrive: every so many updates a version, in silent trial first.
///
/// Learner and position are one file of the registry, replaced after each round, so that an outcome is learned from
/// once. Features are the columns of the table before the scoring table.
final class OnlineLearning {
  let model: String
  private let definition: ModelDefinition
  private let rule: OnlineRule
  private let query: ScoringQuery
  private let lake: Lake
  private let registry: ModelRegistry
  private let connection: Connection
  private var checkpoint: OnlineLogistic.Checkpoint

  /// nil if the model does not ask for it.
  init?(_ query: ScoringQuery, lake: Lake, registry: ModelRegistry, connection: Connection) throws {
    guard let rule = query.model.online else { return nil }
    self.rule = rule
    self.query = query
    self.lake = lake
    self.registry = registry
    self.connection = connection
    definition = query.model
    model = definition.name
    let saved = try registry.onlineCheckpoint(of: model)
    checkpoint =
      if let saved, saved.learner.features == definition.features { saved } else {
        OnlineLogistic.Checkpoint(
          learner: OnlineLogistic(features: definition.features, rate: rule.rate), arrived: .min)
      }
  }

  /// Learns from the outcomes that have come since the last round, in the order of the records' times.
  func round() throws -> (rows: Int, version: String?) {
    let scores = definition.scores
    let existing = Set(try lake.tableNames())
    guard existing.contains(scores.outcomes), existing.contains(query.input) else { return (0, nil) }
    let outcomes = try DeltaReader.scanSQL(lake.table(named: scores.outcomes).snapshot())
    let newest = try connection.query("SELECT epoch_us(max(arrived_at)) FROM \(outcomes)").scalar().intValue
    guard let newest = newest.map(Int64.init), newest > checkpoint.arrived else { return (0, nil) }
    let since = checkpoint.arrived == .min ? "true" : "o.arrived_at > make_timestamptz(\(checkpoint.arrived))"
    let features = definition.features.map { "CAST(r.\(SQL.quote(identifier: $0)) AS FLOAT)" }
    var result = try connection.stream(
      """
      SELECT CAST(o.outcome = \(SQL.quote(literal: scores.positive)) AS FLOAT), \(features.joined(separator: ", "))
      FROM \(outcomes) AS o JOIN \(try DeltaReader.scanSQL(lake.table(named: query.input).snapshot())) AS r
      ON CAST(r.\(SQL.quote(identifier: scores.patient)) AS VARCHAR) = o.patient_id
      AND r.\(SQL.quote(identifier: scores.time)) = o."time"
      WHERE \(since) ORDER BY o."time", o.patient_id
      """)
    let width = features.count + 1
    var rows = 0
    var version: String?
    while let chunk = try result.nextChunk() {
      var matrix = [Float](repeating: 0, count: chunk.rowCount * width)
      try matrix.withUnsafeMutableBufferPointer { matrix in
        for column in 0..<width { try chunk.column(column).gather(into: matrix, stride: width, offset: column) }
      }
      for start in stride(from: 0, to: matrix.count, by: width) {
        checkpoint.learner.learn(matrix[start + 1..<start + width], label: matrix[start] == 1)
        rows += 1
      }
    }
    if checkpoint.learner.updates - checkpoint.registered >= rule.versionEvery { version = try register() }
    checkpoint.arrived = newest
    try registry.save(checkpoint, of: model)
    return (rows, version)
  }

  /// A version in silent trial, unless another one than a learner's is there.
  private func register() throws -> String? {
    guard
      let trained = try checkpoint.learner.trained(
        name: model, label: definition.label, group: definition.group, seed: definition.seed)
    else { return nil }
    let entry = try registry.register(trained, promote: false)
    checkpoint.registered = checkpoint.learner.updates
    let isFree: Bool
    if let silent = try registry.silentVersion(of: model) {
      isFree = try registry.version(silent, of: model).card.data.source?.hasPrefix("outcomes, one") ?? false
    } else {
      isFree = true
    }
    if isFree {
      try registry.setStage(.silent, of: model, version: entry.card.version, reason: "learned online")
    }
    return entry.card.version
  }
}
