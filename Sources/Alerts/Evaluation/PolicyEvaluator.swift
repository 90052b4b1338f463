internal import DuckDB
internal import Streaming

/// Judges batches of rows by policies, with the state that runs leave between batches.
///
/// The same object serves the live stream, the catch-up after a crash and a replay of history. Not thread-safe.
final class PolicyEvaluator {
  /// Runs SQL on one connection, in whose scratch database the state lies.
  typealias Run = (String) throws -> [[Value]]

  let policies: [AlertPolicy]
  /// Whether the table has the column `ingest_time`.
  var hasIngestTime: Bool { sql.hasIngestTime }
  /// The schema that holds the state.
  var schema: String { sql.schema }
  private let sql: EvaluationSQL
  private let identities: [String: PolicyID]
  private let covering: Set<String>

  /// - Parameter policies: At least one; all of one table, with the same columns for patient, time and ward.
  init(_ policies: [AlertPolicy], schema: String, hasIngestTime: Bool) {
    self.policies = policies
    sql = EvaluationSQL(policies: policies, schema: schema, hasIngestTime: hasIngestTime)
    identities = Dictionary(policies.map { ($0.name, $0.id) }) { first, _ in first }
    covering = Set(policies.filter { !$0.covers.isEmpty }.map(\.name))
  }

  /// Names what the state depends on: other policies have other state. The number is that of the state's own layout.
  var digest: String {
    let parts = policies.map { policy in
      "\(policy.name)|\(policy.table)|\(policy.patient)|\(policy.time)|\(policy.ward ?? "")|\(policy.trigger)"
        + "|\(policy.ignore ?? "")|\(policy.clear ?? "")|\(policy.delay)|\(policy.clearDelay)"
    }
    return AlertIdentity.digest("3\u{0}\(hasIngestTime)\u{0}" + parts.joined(separator: "\u{0}"))
  }

  /// The columns of a table that the policies may name, as a list for SELECT; wide tables are not copied whole.
  static func columns(_ policies: [AlertPolicy], of names: [String]) -> String {
    let texts = policies.flatMap { policy -> [String] in
      var texts =
        [policy.patient, policy.time, policy.ward ?? "", policy.ignore ?? "", policy.clear ?? ""] + policy.show
      if case .condition(let condition, _) = policy.trigger { texts.append(condition) }
      return texts
    }
    let words = Set(
      texts.flatMap { $0.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init) }
        + ["partition", "offset", "ingest_time"])
    return names.filter { name in
      // A name that is not one plain word may stand in quotes anywhere.
      words.contains(name.lowercased()) || !name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
    }.map { SQL.quote(identifier: $0) }.joined(separator: ", ")
  }

  /// Forgets everything.
  func reset(_ run: Run) throws { _ = try run(sql.reset) }

  /// Takes over which alerts' conditions hold.
  func latch(_ active: [(policy: String, patient: String)], _ run: Run) throws { _ = try run(sql.latches(active)) }

  /// Takes rows into account that came before the policies began.
  func remember(_ relation: String, _ run: Run) throws { _ = try run(sql.remember(relation)) }

  /// The transitions of a batch, in order. The state is as before until `accept`.
  func evaluate(_ relation: String, _ run: Run) throws -> [Transition] {
    _ = try run(sql.touched(relation))
    let isTouched = try run("SELECT count(*) FROM \(sql.schema).touched")[0][0].intValue ?? 0 > 0
    guard isTouched || sql.watchesAbsence else {
      _ = try run(sql.nextUnchanged(relation))
      return []
    }
    return try all(relation, run)
  }

  private func all(_ relation: String, _ run: Run) throws -> [Transition] {
    _ = try run(sql.rows(relation))
    if let placing = sql.place(relation) { _ = try run(placing) }
    if policies.contains(where: { if case .condition = $0.trigger { true } else { false } }) { _ = try run(sql.marks) }
    var found: [(order: Int, transition: Transition)] = []
    for row in try run(sql.transitions) {
      guard let name = row[0].stringValue, let policy = identities[name], let patient = row[1].stringValue,
        let time = row[3].intValue, let begins = row[5].boolValue
      else { continue }
      var transition = Transition(
        begins: begins, policy: policy, patient: patient, ward: row[2].stringValue, eventTime: Int64(time),
        since: Int64(row[4].intValue ?? time))
      transition.isRetrospective = row[7].boolValue ?? false
      transition.facts = row[8].stringValue
      found.append((row[6].intValue ?? 0, transition))
    }
    let transitions = found.enumerated().sorted { left, right in
      if left.element.order != right.element.order { return left.element.order < right.element.order }
      // An alert that speaks for others is raised before them.
      let first = covering.contains(left.element.transition.policy.policy) ? 0 : 1
      let second = covering.contains(right.element.transition.policy.policy) ? 0 : 1
      return (first, left.offset) < (second, right.offset)
    }.map(\.element.transition)
    _ = try run(sql.next(relation, absent: absences(transitions)))
    return transitions
  }

  /// Where the absences of a batch's end stand, from its transitions in order.
  private func absences(_ transitions: [Transition]) -> [(policy: String, patient: String, isOn: Bool)] {
    let names = Set(
      policies.filter { if case .missing = $0.trigger { true } else { false } }.map(\.name))
    var last: [AlertKey: Bool] = [:]
    for transition in transitions where names.contains(transition.policy.policy) {
      last[AlertKey(policy: transition.policy, patient: transition.patient)] = transition.begins
    }
    return last.map { ($0.key.policy.policy, $0.key.patient, $0.value) }
  }

  /// The batch is durable: its state counts from now on.
  func accept(_ run: Run) throws { _ = try run(sql.accept) }

  /// Drops what is pending about patients, by policy.
  func forget(_ gone: [(policy: String, patient: String)], _ run: Run) throws {
    _ = try run(sql.forget(gone))
  }
}
