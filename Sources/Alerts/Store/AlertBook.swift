/// The alerts that may still change, as the sum of the events up to a number. Pure.
struct AlertBook: Sendable {
  /// Number of the last event that is in here.
  private(set) var sequence: Int64 = 0
  /// Alerts by id.
  private(set) var alerts: [String: Alert] = [:]
  /// The newest alert of each policy and patient.
  private var newest: [AlertKey: String] = [:]
  /// Alerts of each patient that are not closed.
  private var unclosed: [String: Set<String>] = [:]
  /// Latest end of an alert's condition, by pipeline: hold-offs are counted in its event time.
  private var newestEnd: [String: Int64] = [:]

  init() {}

  /// A book of stored alerts, which hold the events up to a number.
  init(_ stored: [Alert], sequence: Int64) {
    self.sequence = sequence
    for alert in stored { keep(alert) }
  }

  /// The newest alert of a policy for a patient.
  func newest(_ key: AlertKey) -> Alert? { newest[key].flatMap { alerts[$0] } }

  /// Whether an alert is known and closed.
  func hasClosed(_ id: String) -> Bool { alerts[id]?.state.isClosed ?? false }

  /// The unclosed alert of a patient by one of some policies of a pipeline, the most urgent first.
  func cover(of patient: String, by policies: Set<PolicyID>) -> Alert? {
    guard !policies.isEmpty, let ids = unclosed[patient] else { return nil }
    return ids.compactMap { alerts[$0] }
      .filter { policies.contains($0.policy) && $0.isActive }
      .max { ($0.severity, $1.openedAt, $0.id) < ($1.severity, $0.openedAt, $1.id) }
  }

  /// The transitions that alerts may concern which the book has forgotten: an episode begins so long before the newest end
  /// of one that the stored alerts have to be asked. In a stream in order there is none.
  /// - Parameter holdOff: The policy's hold-off, microseconds.
  func beyondMemory(_ transitions: [Transition], holdOff: (PolicyID) -> Int64) -> [Transition] {
    transitions.filter { transition in
      guard transition.begins, let end = newestEnd[transition.policy.pipeline] else { return false }
      return transition.eventTime - holdOff(transition.policy) < end - Alert.memory
    }
  }

  /// Adds an event. Events of alerts that are not in here are skipped: `adopt` them first.
  mutating func apply(_ event: AlertEvent) {
    sequence = max(sequence, event.sequence)
    if let opening = event.opening {
      keep(opening)
      newest[opening.key] = opening.id
    } else if let id = event.alert, let alert = alerts[id], alert.sequence < event.sequence {
      keep(event.applied(to: alert))
    }
  }

  /// Takes an alert in that was stored and forgotten.
  mutating func adopt(_ alert: Alert) { if alerts[alert.id] == nil { keep(alert) } }

  private mutating func keep(_ alert: Alert) {
    alerts[alert.id] = alert
    if let known = newest[alert.key].flatMap({ alerts[$0] }) {
      if known.wasOpened(before: alert) { newest[alert.key] = alert.id }
    } else {
      newest[alert.key] = alert.id
    }
    if alert.state.isClosed {
      unclosed[alert.patient]?.remove(alert.id)
      if unclosed[alert.patient]?.isEmpty == true { unclosed[alert.patient] = nil }
    } else {
      unclosed[alert.patient, default: []].insert(alert.id)
    }
    if let end = alert.endedAt { newestEnd[alert.policy.pipeline] = max(newestEnd[alert.policy.pipeline] ?? end, end) }
  }

  /// Forgets alerts that nothing but a person's comment can change, once they are stored up to that event number.
  mutating func forget(storedUpTo stored: Int64) {
    for (id, alert) in alerts where alert.sequence <= stored {
      guard !alert.isLive(newestEnd: newestEnd[alert.policy.pipeline] ?? .min) else { continue }
      alerts[id] = nil
      if newest[alert.key] == id { newest[alert.key] = nil }
    }
  }
}
