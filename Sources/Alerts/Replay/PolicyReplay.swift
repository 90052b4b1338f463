internal import DeltaLake
internal import DuckDB
public import Pipelines
public import Streaming

/// Runs policies over the history in a table, by the same SQL and the same rules as the live stream.
public final class PolicyReplay {
  /// The alerts that policies would have raised, and over how much they watched.
  public struct Result: Sendable {
    /// The alerts in the order in which they would have been raised.
    public var alerts: [Alert] = []
    /// Time under observation, seconds, over all patients; a pause of more than an hour counts as an hour.
    public var patientSeconds = 0.0
    /// Time in which a ward had readings, seconds, over all wards.
    public var wardSeconds = 0.0
    /// Rows that were judged.
    public var rows: Int64 = 0
    /// Patients.
    public var patients: Int64 = 0
    /// First and last event time, microseconds since 1970; nil without rows.
    public var span: ClosedRange<Int64>?
    /// Truth about what was judged, if there is one.
    public var truth: ReplayTruth?

    /// A result of nothing.
    public init() {}
  }

  private let lake: Lake
  private let pipeline: Pipeline
  private let connection: Connection
  private let since: Int64?
  private let truthFolder: String?

  /// A replay.
  /// - Parameters:
  ///   - pipeline: The pipeline whose policies are replayed.
  ///   - since: Event time of the first row to judge, microseconds since 1970; nil: the whole history.
  ///   - truthFolder: Where the labelled deteriorations lie, if there are any.
  public init(
    lake: Lake, pipeline: Pipeline, engine: QueryEngine, since: Int64? = nil, truthFolder: String? = nil
  ) throws {
    self.lake = lake
    self.pipeline = pipeline
    self.since = since
    self.truthFolder = truthFolder
    connection = try engine.connect(scratch: "alerts replay")
  }

  private var run: PolicyEvaluator.Run { { [connection] in try connection.query($0).rows() } }

  /// Replays policies of the pipeline.
  /// - Parameter answers: Every alert is acknowledged at once, so that a latching one ends with its condition; false:
  ///   nobody does anything.
  public func replay(_ policies: [AlertPolicy], answers: Bool = true) throws -> Result {
    var result = Result()
    var transitions: [Transition] = []
    let groups = Dictionary(grouping: policies) { [$0.table, $0.patient, $0.time, $0.ward ?? ""] }
    for (_, group) in groups.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let snapshot = try lake.table(named: group[0].table).snapshot()
      let lender = RowLender(to: group[0], in: pipeline)
      let relation = try rows(group, snapshot, lender)
      let evaluator = PolicyEvaluator(
        group.sorted { $0.name < $1.name }, schema: "alerts_replay",
        hasIngestTime: snapshot.schema["ingest_time"] != nil || lender?.columns.contains("ingest_time") ?? false)
      try evaluator.reset(run)
      transitions += try evaluator.evaluate(relation, run)
      if result.rows == 0 { try measure(relation, group[0], &result) }
    }
    result.alerts = Self.alerts(transitions, policies, answers: answers).filter { $0.eventTime >= since ?? .min }
    if let truthFolder, var truth = try ReplayTruth.read(truthFolder, run) {
      // What happened outside the history could not be found in it.
      truth.episodes.removeAll { episode in
        guard let span = result.span else { return true }
        return episode.onset < span.lowerBound || episode.peak > span.upperBound
      }
      result.truth = truth
    }
    return result
  }

  /// The rows to judge, with the columns that the policies name. A day before `since` settles what was pending then.
  private func rows(_ policies: [AlertPolicy], _ snapshot: Snapshot, _ lender: RowLender?) throws -> String {
    let list = PolicyEvaluator.columns(policies, of: snapshot.schema.names + (lender?.columns ?? []))
    let own = try DeltaReader.scanSQL(snapshot)
    let relation = try lender.map {
      $0.relation(own, try DeltaReader.scanSQL(lake.table(named: $0.table).snapshot()))
    }
    let condition = since.map { "epoch_us(\(SQL.quote(identifier: policies[0].time))) >= \($0 - 86_400_000_000)" }
    return "(SELECT \(list) FROM \(relation ?? own) AS h WHERE \(condition ?? "true"))"
  }

  private func measure(_ relation: String, _ policy: AlertPolicy, _ result: inout Result) throws {
    let time = "epoch_us(\(SQL.quote(identifier: policy.time)))"
    let patient = SQL.quote(identifier: policy.patient)
    let ward = policy.ward.map { "coalesce(CAST(\(SQL.quote(identifier: $0)) AS VARCHAR), '')" } ?? "''"
    let row = try run(
      """
      WITH r AS (
        SELECT \(patient) AS p, \(time) AS t, \(ward) AS w, count(*) OVER run AS rows, min(\(time)) OVER run AS reached
        FROM \(relation) AS h
        WHERE \(time) >= \(since.map(String.init) ?? "-9223372036854775807")
        WINDOW run AS (PARTITION BY "partition" ORDER BY "offset"
          ROWS BETWEEN \(AbsenceSQL.confirmations - 1) PRECEDING AND CURRENT ROW)),
      gaps AS (SELECT p, t, CASE WHEN rows = \(AbsenceSQL.confirmations) THEN reached END AS reached, t - lag(t) OVER (PARTITION BY p ORDER BY t) AS gap FROM r)
      SELECT count(*), count(DISTINCT p), min(t), coalesce(max(reached), max(t)), coalesce(sum(least(gap, 3600000000)), 0) / 1e6,
        (SELECT count(*) * 60 FROM (SELECT DISTINCT w, t // 60000000 FROM r))
      FROM gaps
      """)[0]
    result.rows = Int64(row[0].intValue ?? 0)
    result.patients = Int64(row[1].intValue ?? 0)
    if let first = row[2].intValue, let last = row[3].intValue { result.span = Int64(first)...Int64(last) }
    result.patientSeconds = row[4].doubleValue ?? 0
    result.wardSeconds = row[5].doubleValue ?? 0
  }

  /// What the state machine makes of transitions when time passes as the events say.
  static func alerts(_ transitions: [Transition], _ policies: [AlertPolicy], answers: Bool) -> [Alert] {
    let known = Dictionary(policies.map { ($0.id, $0) }) { first, _ in first }
    var covers: [PolicyID: Set<PolicyID>] = [:]
    for policy in policies {
      for name in policy.covers {
        covers[PolicyID(pipeline: policy.pipeline, policy: name), default: []].insert(policy.id)
      }
    }
    var book = AlertBook()
    var order: [String] = []
    var finished: [String: Alert] = [:]
    func note(_ events: [AlertEvent]) {
      for var event in events {
        event.sequence = book.sequence + 1
        book.apply(event)
        if event.kind == .opened, let id = event.alert { order.append(id) }
      }
    }
    for transition in transitions {
      guard let policy = known[transition.policy] else { continue }
      let key = AlertKey(policy: transition.policy, patient: transition.patient)
      if transition.begins, book.hasClosed(AlertIdentity.id(of: transition)) { continue }
      let events = AlertRules.events(
        transition, last: book.newest(key),
        cover: book.cover(of: transition.patient, by: covers[transition.policy] ?? []), policy: policy,
        now: transition.eventTime)
      note(events)
      guard answers, let id = events.first?.alert, let alert = book.alerts[id], alert.state == .open else { continue }
      let answer = try? AlertRules.events(
        .acknowledge, on: alert, by: "replay", reason: nil, now: transition.eventTime, policy: policy)
      note(answer ?? [])
    }
    for (id, alert) in book.alerts { finished[id] = alert }
    return order.compactMap { finished[$0] }
  }
}
