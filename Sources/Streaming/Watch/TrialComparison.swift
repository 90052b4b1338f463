internal import DeltaLake
internal import DuckDB
internal import Foundation
public import Models
public import Pipelines

/// What a version in silent trial and the live version said about the same records, and who was right.
public struct TrialComparison: Sendable {
  /// How one of the two fares on the records whose outcome has arrived.
  public struct Side: Sendable, Hashable {
    /// Share of the records that would have alerted somebody.
    public var alertRate: Double
    /// Figures against the outcomes, alerts being the decision; nil without outcomes.
    public var metrics: ClassificationMetrics?
    /// How far probabilities are from the shares that came true, over ten bins; nil without outcomes.
    public var calibrationError: Double?
    /// Events that an alert came before.
    public var eventsFound = 0
    /// Median hours from the first alert within the day before an event to the event; nil if none was found.
    public var leadTimeHours: Double?
  }

  /// The model.
  public var model: String
  /// The version in silent trial.
  public var silentVersion: String
  /// Versions that were live for these records.
  public var liveVersions: [String]
  /// Records that both have scored.
  public var rows: Int
  /// Share of these on which both would have alerted, or neither.
  public var agreement: Double
  /// Mean absolute difference of the two probabilities.
  public var meanDifference: Double
  /// Records whose outcome has arrived.
  public var labelled: Int
  /// Adverse events among these.
  public var events: Int
  /// The live version.
  public var live: Side
  /// The version in silent trial.
  public var silent: Side

  /// Whether the scores are probabilities; those of anomalies are not, and have no Brier score or calibration.
  public var givesProbabilities: Bool

  /// The figures that a promotion rule may ask for.
  public var figures: [String: Double] {
    var figures: [String: Double] = [
      "trial.rows": Double(rows), "trial.labelled": Double(labelled), "trial.agreement": agreement,
      "trial.events": Double(events),
    ]
    for (prefix, side) in [("trial.", silent), ("trial.live_", live)] {
      figures[prefix + "alert_rate"] = side.alertRate
      figures[prefix + "roc_auc"] = side.metrics?.rocAUC
      figures[prefix + "pr_auc"] = side.metrics?.averagePrecision
      if givesProbabilities { figures[prefix + "brier"] = side.metrics?.brier }
      figures[prefix + "precision"] = side.metrics?.precision
      figures[prefix + "recall"] = side.metrics?.recall
      figures[prefix + "f1"] = side.metrics?.f1
      figures[prefix + "calibration_error"] = side.calibrationError
      figures[prefix + "lead_time_hours"] = side.leadTimeHours
      figures[prefix + "events_found"] = Double(side.eventsFound)
    }
    return figures
  }

  /// Compares on everything that the trial of `version` has scored so far; nil if that is nothing.
  public init?(_ model: ModelDefinition, of pipeline: Pipeline, version: String, lake: Lake, engine: QueryEngine) throws
  {
    let table = SilentTrial.table(pipeline.name)
    let existing = Set(try lake.tableNames())
    guard let scoring = pipeline.scoringTable(of: model.name), existing.contains(table),
      existing.contains(scoring.name)
    else { return nil }
    let connection = try engine.connect(scratch: "trial")
    let scores = model.scores
    let positive = SQL.quote(literal: scores.positive)
    let hasOutcomes = existing.contains(scores.outcomes)
    let outcomes =
      hasOutcomes
      ? try DeltaReader.scanSQL(lake.table(named: scores.outcomes).snapshot())
      : """
      (SELECT NULL::VARCHAR AS patient_id, NULL::TIMESTAMPTZ AS "time", NULL::VARCHAR AS outcome,
        NULL::TIMESTAMPTZ AS event_at WHERE false)
      """
    try connection.execute(
      """
      CREATE OR REPLACE TABLE compared AS
      SELECT s.patient_id, s.event_time, s.probability AS silent, s.alert AS silent_alert, g._probability AS live,
        g._alert AS live_alert, g._version AS live_version, (o.outcome = \(positive)) AS truth, o.event_at
      FROM \(DeltaReader.scanSQL(lake.table(named: table).snapshot())) AS s
      JOIN (
        SELECT CAST(\(SQL.quote(identifier: scores.patient)) AS VARCHAR) AS _patient,
          \(SQL.quote(identifier: scores.time)) AS _time,
          CAST(\(SQL.quote(identifier: scores.probability)) AS DOUBLE) AS _probability,
          coalesce((\(scores.alert)), false) AS _alert, model_version AS _version
        FROM \(DeltaReader.scanSQL(lake.table(named: scoring.name).snapshot()))
      ) AS g ON g._patient = s.patient_id AND g._time = s.event_time
      LEFT JOIN \(outcomes) AS o ON o.patient_id = s.patient_id AND o."time" = s.event_time
      WHERE s.model = \(SQL.quote(literal: model.name)) AND s.model_version = \(SQL.quote(literal: version))
        AND g._probability IS NOT NULL AND s.probability IS NOT NULL
      """)
    let totals = try connection.query(
      """
      SELECT count(*), avg(CAST(silent_alert = live_alert AS DOUBLE)), avg(abs(silent - live)),
        avg(CAST(live_alert AS DOUBLE)), avg(CAST(silent_alert AS DOUBLE)), count(truth),
        string_agg(DISTINCT live_version, ',')
      FROM compared
      """
    ).rows()[0]
    rows = totals[0].intValue ?? 0
    guard rows > 0 else { return nil }
    self.model = model.name
    givesProbabilities = !model.algorithm.findsAnomalies
    silentVersion = version
    agreement = totals[1].doubleValue ?? 0
    meanDifference = totals[2].doubleValue ?? 0
    live = Side(alertRate: totals[3].doubleValue ?? 0)
    silent = Side(alertRate: totals[4].doubleValue ?? 0)
    labelled = totals[5].intValue ?? 0
    liveVersions = (totals[6].stringValue ?? "").split(separator: ",").map(String.init).sorted()
    events =
      try connection.query(
        "SELECT count(*) FROM (SELECT DISTINCT patient_id, event_at FROM compared WHERE event_at IS NOT NULL)"
      ).scalar().intValue ?? 0
    guard labelled > 0 else { return }
    let truth = try connection.query(
      "SELECT truth, live, silent, live_alert, silent_alert FROM compared WHERE truth IS NOT NULL"
    ).rows()
    let labels = truth.map { $0[0].boolValue ?? false }
    try Self.judge(&live, labels, truth, column: 1, named: "live", connection)
    try Self.judge(&silent, labels, truth, column: 2, named: "silent", connection)
    if !givesProbabilities {
      live.calibrationError = nil
      silent.calibrationError = nil
    }
  }

  private static func judge(
    _ side: inout Side, _ labels: [Bool], _ rows: [[Value]], column: Int, named name: String, _ connection: Connection
  ) throws {
    let probabilities = rows.map { $0[column].doubleValue ?? 0 }
    // Ranking and calibration by the probability; the decision is the alert, whatever rule makes it.
    var metrics = ClassificationMetrics(labels: labels, probabilities: probabilities, threshold: 0.5)
    let decided = ClassificationMetrics(
      labels: labels, probabilities: rows.map { $0[column + 2].boolValue == true ? 1 : 0 }, threshold: 0.5)
    metrics.confusion = decided.confusion
    metrics.accuracy = decided.accuracy
    metrics.precision = decided.precision
    metrics.recall = decided.recall
    metrics.specificity = decided.specificity
    metrics.f1 = decided.f1
    side.metrics = metrics
    side.calibrationError = Reliability(labels: labels, probabilities: probabilities).expectedError
    let lead = try connection.query(
      """
      WITH events AS (SELECT DISTINCT patient_id, event_at FROM compared WHERE event_at IS NOT NULL),
      found AS (
        SELECT e.patient_id, e.event_at, epoch_us(e.event_at) - epoch_us(min(c.event_time)) AS lead
        FROM events AS e JOIN compared AS c ON c.patient_id = e.patient_id AND c.\(name)_alert
          AND c.event_time <= e.event_at AND epoch_us(c.event_time) >= epoch_us(e.event_at) - 86400000000
        GROUP BY e.patient_id, e.event_at)
      SELECT count(*), median(lead) / 3.6e9 FROM found
      """
    ).rows()[0]
    side.eventsFound = lead[0].intValue ?? 0
    side.leadTimeHours = lead[1].doubleValue
  }
}
