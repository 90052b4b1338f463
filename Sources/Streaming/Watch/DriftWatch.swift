internal import DuckDB
internal import Models
internal import Pipelines

/// Compares what the live version of a model is asked, and what it answers, with the fingerprint of its training.
///
/// It follows the committed table before the scoring table, asks the model again through a function that counts, and
/// keeps only counts. After a restart windows begin anew with the records that come then.
final class DriftWatch {
  private let query: ScoringQuery
  private let pipeline: Pipeline
  private let live: LiveModels
  private let connection: Connection
  private let policy: DriftPolicy
  private let readings: FollowedReadings
  private var position: Positions?
  private var watched: (version: String, window: SlidingWindow, observer: DistributionObserver)?
  private var span: ClosedRange<Int64>?

  /// What the functions that count are called after.
  static func slot(_ model: String) -> String { model + "_watch" }

  init(
    _ query: ScoringQuery, pipeline: Pipeline, live: LiveModels, connection: Connection, policy: DriftPolicy
  ) {
    self.query = query
    self.pipeline = pipeline
    self.live = live
    self.connection = connection
    self.policy = policy
    readings = query.readings(follower: "of \(Self.slot(query.model.name))", connection: connection)
  }

  /// The figures of the windows that have closed since the last round. The first round only notes where the table is.
  /// - Parameter closing: Close what there is, if it is at least a fifth of a window: for a stream that ends.
  func round(closing: Bool) throws -> [MonitoringFigure] {
    try live.refresh()
    guard let model = try live.model(Self.slot(query.model.name)), try prepare(model) else { return [] }
    let reached = try query.reached()
    guard let start = position else {
      position = reached
      return []
    }
    var figures: [MonitoringFigure] = []
    let span = OffsetSpan(from: start, to: reached)
    for slice in 0..<(span.isEmpty ? 0 : try take(span)) {
      let patients = try observe(slice)
      guard let counts = watched?.observer.take(), let closed = watched?.window.add(counts, patients: patients)
      else { continue }
      figures += judge(closed)
    }
    if !span.isEmpty { try readings.didTake() }
    position = reached
    if closing, let closed = watched?.window.close(atLeast: policy.windowRows / 5) { figures += judge(closed) }
    return figures
  }

  /// Begins anew with a new version. False if the version has no fingerprint.
  private func prepare(_ model: LiveModels.Model) throws -> Bool {
    guard let observer = model.observer else { return false }
    if watched?.version != model.card.version, let fingerprint = model.fingerprint {
      watched = (model.card.version, SlidingWindow(fingerprint, policy: policy), observer)
      span = nil
    }
    return watched != nil
  }

  /// Windows that one round closes at most; of more rows than they hold, a sample is looked at.
  private static let windowsPerRound = 20

  /// Takes the rows of a span, or a sample of them, into `watched_rows`, numbered by slices of `slideRows` rows in the
  /// order of coordinates.
  /// - Returns: The number of slices.
  private func take(_ span: OffsetSpan) throws -> Int {
    let rows = try connection.query("SELECT count(*) FROM \(query.inputRows(span))").scalar().intValue ?? 0
    let limit = policy.slideRows * Self.windowsPerRound
    // A sample has no earlier readings; where those count, the newest rows are looked at.
    let span = query.looksBack && rows > limit ? try newest(limit, of: span) : span
    try readings.prepare(span, rows: try query.inputRows(span))
    let share = query.looksBack ? 1 : max(1, rows / limit)
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE watched_rows AS
      SELECT *, (row_number() OVER (ORDER BY "partition", "offset") - 1) // \(policy.slideRows) AS _slice
      FROM \(query.inputRows(span, oneIn: share))
      """)
    return (try connection.query("SELECT max(_slice) FROM watched_rows").scalar().intValue ?? -1) + 1
  }

  /// The end of a span, so many rows long.
  private func newest(_ rows: Int, of span: OffsetSpan) throws -> OffsetSpan {
    let starts = try connection.query(
      """
      SELECT "partition", min("offset") FROM (
        SELECT "partition", "offset" FROM \(query.inputRows(span)) ORDER BY "offset" DESC LIMIT \(rows)
      ) GROUP BY "partition"
      """
    ).rows()
    var ranges: [Int32: Range<Int64>] = [:]
    for row in starts {
      guard let partition = row[0].intValue.map(Int32.init), let start = row[1].intValue.map(Int64.init),
        let range = span.ranges[partition]
      else { continue }
      ranges[partition] = start..<range.upperBound
    }
    return OffsetSpan(ranges)
  }

  /// Asks the model about a slice of the rows.
  /// - Returns: How many patients they are of.
  private func observe(_ slice: Int) throws -> Int? {
    let scores = query.model.scores
    let slice = "(SELECT * EXCLUDE (_slice) FROM watched_rows WHERE _slice = \(slice))"
    let time = SQL.quote(identifier: scores.time)
    let row = try connection.query(
      """
      SELECT count(\(SQL.quote(identifier: scores.probability))), count(DISTINCT \(SQL.quote(identifier: scores.patient))),
        epoch_us(min(CAST(\(time) AS TIMESTAMPTZ))), epoch_us(max(CAST(\(time) AS TIMESTAMPTZ)))
      FROM \(try query.rows(of: slice, asking: Self.slot(query.model.name), readings: readings))
      """
    ).rows()[0]
    let patients = row[1].intValue.flatMap { $0 > 0 ? $0 : nil }
    guard let first = row[2].intValue, let last = row[3].intValue else { return patients }
    span = min(span?.lowerBound ?? Int64(first), Int64(first))...max(span?.upperBound ?? Int64(last), Int64(last))
    return patients
  }

  private func judge(_ closed: SlidingWindow.Closed) -> [MonitoringFigure] {
    let version = watched?.version ?? ""
    return closed.columns.flatMap { column in
      policy.findings(column).map { finding in
        let isPrediction = column.name == DistributionFingerprint.predictionName
        return MonitoringFigure(
          pipeline: pipeline.name, model: query.model.name, version: version,
          kind: isPrediction ? "prediction" : "feature", column: column.name,
          statistic: finding.statistic.rawValue, value: finding.value, limit: finding.limit,
          isDrift: finding.isDrift, rows: closed.rows, window: closed.number, span: span)
      }
    }
  }
}
