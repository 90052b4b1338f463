internal import JSON
internal import DeltaLake
internal import DuckDB
public import Pipelines
public import Streaming

/// What one pipeline's policies do while the pipeline runs: the last step of a micro-batch.
///
/// The events of a batch and the position that they cover are one commit of `alert_events`, so that an alert is raised
/// once, whatever is killed when. After a crash the rows that were not judged are read from the table itself. Used on
/// the runner's thread alone.
public final class AlertStage {
  /// What a batch did.
  public struct Report: Sendable {
    /// Events that were stored.
    public var events: [AlertEvent] = []
    /// How long the judging took.
    public var seconds = 0.0
    /// Policies whose SQL does not fit their table; they are left out of this run.
    public var problems: [AlertError] = []
  }

  private let pipeline: Pipeline
  private let lake: Lake
  private let desk: AlertDesk
  private var groups: [PolicyGroup] = []
  private let identity: FlowIdentity
  private var policies: [AlertPolicy]
  private var isLevel = false

  /// A stage, or nil if there is no policy on a streaming table of the pipeline.
  public init?(pipeline: Pipeline, policies: [AlertPolicy], lake: Lake, desk: AlertDesk) {
    self.pipeline = pipeline
    self.lake = lake
    self.desk = desk
    let streaming = Set(pipeline.streamingTables.map(\.name))
    self.policies = policies.filter { $0.pipeline == pipeline.name && streaming.contains($0.table) }
    guard !self.policies.isEmpty, let source = pipeline.source else { return nil }
    identity = FlowIdentity(pipeline: pipeline.name, stream: source.stream)
  }

  /// Takes an event of the runner: judges what came, and after a start what was left.
  /// - Throws: what went wrong. The stream is not concerned; the next event begins from the tables again.
  public func observe(_ event: PipelineRunner.Event, _ view: PipelineRunner.BatchView) throws -> Report {
    let start = ContinuousClock.now
    var report = Report()
    let wasLevel = isLevel
    isLevel = false
    switch event {
    case .started:
      report.problems = try prepare(view)
      report.events = try level(view)
    case .committed(let batch) where !batch.isCatchUp:
      do {
        if wasLevel {
          for group in groups { report.events += try judge(group, view) }
        } else {
          report.events = try level(view)
        }
      } catch AlertError.overtaken {
        report.events = try level(view)
      }
    default:
      isLevel = wasLevel
      return report
    }
    isLevel = true
    report.seconds = (ContinuousClock.now - start) / .seconds(1)
    return report
  }

  /// Leaves out the policies whose SQL does not bind, and groups the others.
  private func prepare(_ view: PipelineRunner.BatchView) throws -> [AlertError] {
    var problems: [AlertError] = []
    policies = try policies.filter { policy in
      do {
        let own = Self.staged(policy.table)
        let lender = RowLender(to: policy, in: pipeline)
        let relation = lender.map { $0.relation(own, Self.staged($0.table)) } ?? own
        _ = try view.query(EvaluationSQL.probe(policy, relation))
        return true
      } catch let error as DuckDBError {
        problems.append(
          .wrongSQL(place: "\(policy.location)", policy: policy.name, reason: error.description))
        return false
      }
    }
    groups = try PolicyGroup.groups(policies, of: pipeline, identity: identity) { name in
      try lake.table(named: name).snapshot().schema.names
    }
    return problems
  }

  /// A table's rows of the micro-batch.
  private static func staged(_ table: String) -> String { "stage.\(SQL.quote(identifier: table))" }

  /// Stores how far the tables were judged, where no event has said so.
  public func flush() throws {
    guard isLevel else { return }
    for group in groups { try store([], group, from: group.positions, to: group.positions) }
  }

  // MARK: Live

  private func judge(_ group: PolicyGroup, _ view: PipelineRunner.BatchView) throws -> [AlertEvent] {
    let relation = group.relation(Self.staged)
    var positions = group.positions
    for row in try view.query("SELECT \"partition\", max(\"offset\") + 1 FROM \(relation) AS r GROUP BY ALL") {
      guard let partition = row[0].intValue, let next = row[1].intValue else { continue }
      positions[Int32(partition)] = Int64(next)
    }
    // Rows of earlier positions were judged already.
    let transitions = try group.evaluator.evaluate(group.beyond(relation, group.positions), view.query)
    let events = transitions.isEmpty ? [] : try store(transitions, group, from: group.positions, to: positions)
    try group.evaluator.accept(view.query)
    group.positions = positions
    if isCheckpointDue(group) { try save(group, view) }
    return events
  }

  // MARK: Checkpoints

  private func checkpoint(_ group: PolicyGroup) -> StateCheckpoint {
    StateCheckpoint(lake: lake, pipeline: pipeline.name, schema: group.evaluator.schema)
  }

  private func isCheckpointDue(_ group: PolicyGroup) -> Bool {
    let rows = group.positions.reduce(0) { $0 + $1.value - (group.saved[$1.key] ?? 0) }
    return rows >= 50_000 || ContinuousClock.now - group.savedAt > .seconds(30)
  }

  private func save(_ group: PolicyGroup, _ view: PipelineRunner.BatchView) throws {
    try checkpoint(group).save(group.evaluator, group.positions, view.query)
    group.saved = group.positions
    group.savedAt = .now
  }

  /// Goes on from a checkpoint; nil if there is none that fits.
  private func resume(
    _ group: PolicyGroup, stored: [String: Positions], end: Positions, scan: String, _ view: PipelineRunner.BatchView
  ) throws -> [AlertEvent]? {
    try group.evaluator.reset(view.query)
    // Policies that stand apart are brought together from the rows.
    guard Set(group.evaluator.policies.map { stored[$0.name] ?? [:] }).count == 1,
      let saved = checkpoint(group).load(into: group.evaluator, view.query),
      saved.allSatisfy({ $0.value <= end[$0.key] ?? 0 })
    else { return nil }
    let position = saved.merging(stored[group.evaluator.policies[0].name] ?? [:]) { max($0, $1) }
    if position != saved {
      _ = try group.evaluator.evaluate(group.between(scan, saved, position), view.query)
      try group.evaluator.accept(view.query)
    }
    let events = try finish(group, from: position, end: end, scan: scan, view)
    group.positions = end
    try save(group, view)
    return events
  }

  // MARK: After a start

  /// Builds up the state from the tables, and judges what was not judged yet.
  private func level(_ view: PipelineRunner.BatchView) throws -> [AlertEvent] {
    var events: [AlertEvent] = []
    for group in groups {
      let table = try lake.table(named: group.table)
      let snapshot = try table.snapshot()
      // Whoever lends coordinates is committed first, so that its newest version has those of every row.
      let scan = try group.relation { name in
        try DeltaReader.scanSQL(name == group.table ? snapshot : lake.table(named: name).snapshot())
      }
      let end = group.identity.positions(in: snapshot.transactions)
      let starts = try register(group, at: end)
      let stored = try desk.store.read { _, transactions in group.stored(transactions) }
      if let made = try resume(group, stored: stored, end: end, scan: scan, view) {
        events += made
        continue
      }
      // Policies that began together, or stand together, are taken together.
      let parts = Dictionary(grouping: group.evaluator.policies) { policy in
        PolicyGroup.Place(start: starts[policy.name] ?? [:], position: stored[policy.name] ?? [:])
      }
      for (place, policies) in parts.sorted(by: { $0.value[0].name < $1.value[0].name }) {
        let part = parts.count == 1 ? group : group.part(policies)
        events += try level(part, place, end: end, scan: scan, view)
      }
      if parts.count > 1 { try settle(group, end: end, starts: starts, scan: scan, view) }
      group.positions = end
      try save(group, view)
    }
    return events
  }

  private func level(
    _ group: PolicyGroup, _ place: PolicyGroup.Place, end: Positions, scan: String, _ view: PipelineRunner.BatchView
  ) throws -> [AlertEvent] {
    let position = place.start.merging(place.position) { max($0, $1) }
    try rebuild(group, start: place.start, position: position, scan: scan, view)
    return try finish(group, from: position, end: end, scan: scan, view)
  }

  /// Judges the rows from a position on, from the state before it.
  private func finish(
    _ group: PolicyGroup, from position: Positions, end: Positions, scan: String, _ view: PipelineRunner.BatchView
  ) throws -> [AlertEvent] {
    try latch(group, view)
    let transitions = try group.evaluator.evaluate(group.between(scan, position, end), view.query)
    let events = try store(transitions, group, from: position, to: end)
    try group.evaluator.accept(view.query)
    return events
  }

  /// The state after the rows before a position, as the stream left it.
  private func rebuild(
    _ group: PolicyGroup, start: Positions, position: Positions, scan: String, _ view: PipelineRunner.BatchView
  ) throws {
    try group.evaluator.reset(view.query)
    try group.evaluator.remember(group.between(scan, [:], start), view.query)
    _ = try group.evaluator.evaluate(group.between(scan, start, position), view.query)
    try group.evaluator.accept(view.query)
  }

  /// Which conditions hold is what the alerts say.
  private func latch(_ group: PolicyGroup, _ view: PipelineRunner.BatchView) throws {
    let names = Set(group.evaluator.policies.map(\.id))
    let active = try desk.store.read { book, _ in
      book.alerts.values.filter { $0.isActive && names.contains($0.policy) }
        .map { (policy: $0.policy.policy, patient: $0.patient) }
    }
    try group.evaluator.latch(active, view.query)
  }

  /// Brings policies that were levelled apart into one state.
  private func settle(
    _ group: PolicyGroup, end: Positions, starts: [String: Positions], scan: String, _ view: PipelineRunner.BatchView
  ) throws {
    let start = starts.values.reduce(end) { least, other in
      least.merging(other) { min($0, $1) }.filter { other[$0.key] != nil }
    }
    try rebuild(group, start: start, position: end, scan: scan, view)
    try latch(group, view)
  }

  /// Notes where each policy begins. A new one begins at the table's end: history is for `lakeward alerts replay`.
  private func register(_ group: PolicyGroup, at end: Positions) throws -> [String: Positions] {
    var starts: [String: Positions] = [:]
    for policy in group.evaluator.policies {
      let known = try desk.store.events(
        where: "kind = 'policy_started' AND pipeline = \(AlertStore.literal(policy.pipeline)) "
          + "AND policy = \(AlertStore.literal(policy.name))", limit: 1_000)
      if let last = known.last {
        starts[policy.name] = group.positions(last.detail["positions"]?.object)
      } else {
        starts[policy.name] = end
        var event = AlertEvent(.policyStarted, at: desk.clock(), by: AlertEvent.program, policy: policy.id)
        event.severity = policy.severity
        event.detail["positions"] = .object(
          JSONObject(end.sorted { $0.key < $1.key }.map { (String($0.key), .int($0.value)) }))
        try desk.store.commit { _, _ in AlertStore.Change(events: [event]) }
      }
    }
    return starts
  }

  // MARK: Storing

  /// Commits what transitions make of the alerts, with the position that they cover.
  @discardableResult
  private func store(
    _ transitions: [Transition], _ group: PolicyGroup, from: Positions, to positions: Positions
  ) throws -> [AlertEvent] {
    let now = desk.clock()
    let policies = Dictionary(group.evaluator.policies.map { ($0.id, $0) }) { first, _ in first }
    let covers = AlertPolicy.covers(desk.policies)
    return try desk.store.commit(transitions, policies: policies, covers: covers, now: now) { stored in
      guard !group.isBeyond(from, positions, stored) else { throw AlertError.overtaken(pipeline: pipeline.name) }
      return group.moves(to: positions, from: stored)
    }
  }
}
