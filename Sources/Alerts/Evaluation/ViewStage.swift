internal import DeltaLake
internal import DuckDB
internal import Streaming

/// Policies on materialized views, and on what is known about models: each new version is judged as a whole.
///
/// A version of a view is one batch, at the time of its commit: each patient has one row, and a patient who is not in
/// the view any more no longer meets the condition. The events of a version and its number are one commit, as for a
/// stream. Runs of readings are counted from the start of the process on. Used on one thread.
final class ViewStage {
  private let lake: Lake
  private let desk: AlertDesk
  private let groups: [(view: String, evaluator: PolicyEvaluator)]
  private var connection: Connection?
  private var judged: [String: Int64] = [:]

  /// The columns that a version's rows get.
  private static let time = "_view_time"

  /// A stage, or nil if no policy is on a view.
  /// - Parameters:
  ///   - policies: The policies of this process; those on `views` are judged.
  ///   - watched: The pipelines whose models this process watches.
  init?(_ policies: [AlertPolicy], views: Set<String>, watched: Set<String> = [], lake: Lake, desk: AlertDesk) {
    let own = policies.filter {
      $0.isAboutModels ? watched.contains($0.pipeline) : views.contains($0.table)
    }.map { policy in
      var policy = policy
      policy.time = Self.time
      policy.retrospectiveSeconds = nil
      return policy
    }
    guard !own.isEmpty else { return nil }
    self.lake = lake
    self.desk = desk
    groups = Dictionary(grouping: own) {
      [$0.table, $0.patient, $0.ward ?? "", $0.isAboutModels ? $0.pipeline : ""]
    }
    .sorted { $0.key.lexicographicallyPrecedes($1.key) }.enumerated()
    .map { number, group in
      (
        group.key[0],
        PolicyEvaluator(
          group.value.sorted { $0.name < $1.name }, schema: "alerts_view_\(number)", hasIngestTime: false)
      )
    }
  }

  /// Judges the views that have changed.
  /// - Returns: the events that were stored.
  func round() throws -> [AlertEvent] {
    var events: [AlertEvent] = []
    for (view, evaluator) in groups {
      guard DeltaTable.exists(at: lake.location(ofTable: view)) else { continue }
      let snapshot = try lake.table(named: view).snapshot()
      let key = evaluator.policies[0].id
      guard snapshot.version > judged["\(key)"] ?? -1 else { continue }
      events += try judge(snapshot, evaluator)
      judged["\(key)"] = snapshot.version
    }
    return events
  }

  private func judge(_ snapshot: Snapshot, _ evaluator: PolicyEvaluator) throws -> [AlertEvent] {
    let connection = try connection ?? Database(settings: ["threads": "1", "memory_limit": "1GB"]).connect()
    let isFirst = judged["\(evaluator.policies[0].id)"] == nil
    if self.connection == nil {
      try connection.execute("SET TimeZone = 'UTC'")
      self.connection = connection
    }
    let run: PolicyEvaluator.Run = { try connection.query($0).rows() }
    if isFirst { try evaluator.reset(run) }
    let moment = snapshot.timestamp * 1_000
    let first = evaluator.policies[0]
    let scan = try DeltaReader.scanSQL(snapshot)
    let rows = first.isAboutModels ? ModelPolicies.relation(scan, pipeline: first.pipeline) : scan
    let relation = """
      (SELECT v.*, make_timestamptz(\(moment)) AS \(Self.time), 0 AS "partition", \(snapshot.version) AS "offset"
      FROM \(rows) AS v)
      """
    let names = Set(evaluator.policies.map(\.id))
    let active = try desk.store.read { book, _ in
      book.alerts.values.filter { $0.isActive && names.contains($0.policy) }
    }
    if isFirst { try evaluator.latch(active.map { ($0.policy.policy, $0.patient) }, run) }
    var transitions = try evaluator.evaluate(relation, run)
    let patient = SQL.quote(identifier: evaluator.policies[0].patient)
    let present = Set(
      try run("SELECT DISTINCT CAST(\(patient) AS VARCHAR) FROM \(relation) AS r").compactMap { $0[0].stringValue })
    let gone = active.filter { !present.contains($0.patient) }
    transitions += gone.map {
      Transition(
        begins: false, policy: $0.policy, patient: $0.patient, ward: $0.ward, eventTime: moment, since: moment)
    }
    let events = try store(transitions, evaluator.policies, version: snapshot.version)
    try evaluator.accept(run)
    if !gone.isEmpty { try evaluator.forget(gone.map { ($0.policy.policy, $0.patient) }, run) }
    return events
  }

  private func store(_ transitions: [Transition], _ policies: [AlertPolicy], version: Int64) throws -> [AlertEvent] {
    let known = Dictionary(policies.map { ($0.id, $0) }) { first, _ in first }
    let now = desk.clock()
    let covers = AlertPolicy.covers(desk.policies)
    return try desk.store.commit(transitions, policies: known, covers: covers, now: now) { stored in
      let moved = policies.compactMap { policy -> AppTransaction? in
        let appId = "alerts/\(policy.pipeline)/\(policy.name)/view"
        return version + 1 > stored[appId] ?? 0 ? AppTransaction(appId: appId, version: version + 1) : nil
      }
      // Another process has judged this version.
      return transitions.isEmpty || moved.isEmpty ? nil : moved
    }
  }
}
