internal import DeltaLake
internal import DuckDB
internal import Models
internal import Pipelines

/// Watches the share of wrong answers where outcomes arrive, by ADWIN and Page and Hinkley's test.
///
/// An answer is wrong if it would have alerted somebody for whom nothing came, or the reverse. Outcomes that were there
/// when the watch began are not looked at.
final class ErrorWatch {
  private let model: ModelDefinition
  private let table: String
  private let pipeline: Pipeline
  private let lake: Lake
  private let connection: Connection
  private var arrived: Int64?
  private var adwin = ADWIN()
  private var pageHinkley = PageHinkley()
  private var windows = 0

  init(_ model: ModelDefinition, table: String, pipeline: Pipeline, lake: Lake, connection: Connection) {
    self.model = model
    self.table = table
    self.pipeline = pipeline
    self.lake = lake
    self.connection = connection
  }

  /// Figures for the answers whose outcomes have come since the last round; none without new outcomes.
  func round() throws -> [MonitoringFigure] {
    let existing = Set(try lake.tableNames())
    let scores = model.scores
    guard existing.contains(scores.outcomes), existing.contains(table) else {
      arrived = arrived ?? .min
      return []
    }
    let outcomes = try DeltaReader.scanSQL(lake.table(named: scores.outcomes).snapshot())
    let newest = try connection.query("SELECT epoch_us(max(arrived_at)) FROM \(outcomes)").scalar().intValue
    guard let newest = newest.map(Int64.init) else { return [] }
    guard let before = arrived else {
      arrived = newest
      return []
    }
    guard newest > before else { return [] }
    arrived = newest
    let since = before == .min ? "true" : "o.arrived_at > make_timestamptz(\(before))"
    let gold = try DeltaReader.scanSQL(lake.table(named: table).snapshot())
    let rows = try connection.query(
      """
      SELECT coalesce(g._alert, false) <> (o.outcome = \(SQL.quote(literal: scores.positive))), g._version,
        epoch_us(o."time")
      FROM \(outcomes) AS o JOIN (
        SELECT CAST(\(SQL.quote(identifier: scores.patient)) AS VARCHAR) AS _patient,
          \(SQL.quote(identifier: scores.time)) AS _time, (\(scores.alert)) AS _alert, model_version AS _version
        FROM \(gold) WHERE \(SQL.quote(identifier: scores.probability)) IS NOT NULL
      ) AS g ON g._patient = o.patient_id AND g._time = o."time"
      WHERE \(since)
      ORDER BY o."time"
      """
    ).rows()
    return judge(rows)
  }

  private func judge(_ rows: [[Value]]) -> [MonitoringFigure] {
    guard let first = rows.first?[2].intValue, let last = rows.last?[2].intValue else { return [] }
    let before = adwin.mean
    var changed = false
    var rang = false
    for row in rows {
      let error = row[0].boolValue == true ? 1.0 : 0
      // The window forgets what was before a change, in either direction; only a rise is a reason to worry.
      if adwin.add(error) { changed = changed || adwin.mean > before }
      if pageHinkley.add(error) { rang = true }
    }
    defer { windows += 1 }
    let version = rows.last?[1].stringValue ?? ""
    return [("adwin", changed), ("page_hinkley", rang)].map { statistic, isDrift in
      MonitoringFigure(
        pipeline: pipeline.name, model: model.name, version: version, kind: "error", column: "error",
        statistic: statistic, value: adwin.mean, limit: before, isDrift: isDrift, rows: rows.count, window: windows,
        span: Int64(first)...Int64(last))
    }
  }
}
