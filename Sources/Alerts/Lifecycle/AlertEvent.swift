internal import JSON
internal import DeltaLake

/// One change of an alert, or of a policy: who, when, what and why. Events are never changed or deleted; the table
/// `alert_events` is the audit, and everything else follows from it.
public struct AlertEvent: Sendable, Hashable {
  /// What happened.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A policy is evaluated from here on.
    case policyStarted = "policy_started"
    /// The alert was raised.
    case opened
    /// Its condition came back within the hold-off.
    case reopened
    /// Its condition is over.
    case ended
    /// Somebody took it.
    case acknowledged
    /// Nobody is to be reminded for a while.
    case snoozed
    /// The snooze is over.
    case woke
    /// The next level is told.
    case escalated
    /// Somebody wrote something.
    case commented
    /// The alert that spoke for this one is closed.
    case uncovered
    /// It is over.
    case resolved
    /// Somebody says that it needs nothing.
    case dismissed
  }

  /// Its place in the order of all events of the lake, from 1, without gaps.
  public var sequence: Int64 = 0
  /// What happened.
  public var kind: Kind
  /// The alert; nil for an event of a policy.
  public var alert: String?
  /// The clock, microseconds since 1970.
  public var at: Int64
  /// Who: a person's or a token's name, or ``AlertEvent/program``.
  public var by: String
  /// Why, in that person's words, or the program's.
  public var reason: String?
  /// The policy.
  public var policy: PolicyID
  /// The patient.
  public var patient: String?
  /// The ward.
  public var ward: String?
  /// The alert's severity.
  public var severity: AlertSeverity?
  /// Event time of the row that caused it, microseconds since 1970.
  public var eventTime: Int64?
  /// The alert's state afterwards.
  public var state: Alert.State?
  /// The escalation level that is told.
  public var level: Int?
  /// The end of a snooze.
  public var until: Int64?
  /// Notifiers to be told.
  public var notify: [String] = []
  /// They are not told before this.
  public var notifyAt: Int64?
  /// What else belongs to it, by kind: title, message, values, positions.
  var detail: JSONObject = [:]

  /// The name under which the program itself changes alerts.
  public static let program = "lakeward"

  /// An event of a policy or an alert; the sequence number is given when it is stored.
  init(_ kind: Kind, at: Int64, by: String, policy: PolicyID) {
    self.kind = kind
    self.at = at
    self.by = by
    self.policy = policy
  }

  /// An event of an alert that is there.
  init(_ kind: Kind, of alert: Alert, at: Int64, by: String, reason: String? = nil) {
    self.init(kind, at: at, by: by, policy: alert.policy)
    self.alert = alert.id
    self.reason = reason
    patient = alert.patient
    ward = alert.ward
    severity = alert.severity
    state = alert.state
    level = alert.level
  }
}

extension AlertEvent {
  /// The alert that an opening makes; nil for other kinds.
  var opening: Alert? {
    guard kind == .opened, let alert, let patient, let severity, let eventTime else { return nil }
    var result = Alert(
      id: alert, policy: policy, severity: severity, patient: patient, ward: ward,
      title: detail["title"]?.string ?? policy.policy, message: detail["message"]?.string ?? "",
      since: detail["since"]?.int ?? eventTime, eventTime: eventTime, openedAt: at,
      escalatesFrom: max(at, notifyAt ?? at), changedAt: at, sequence: sequence)
    result.facts = detail["facts"]?.string
    result.isRetrospective = detail["retrospective"]?.bool ?? false
    result.isLatching = detail["latching"]?.bool ?? false
    result.coveredBy = detail["covered_by"]?.string
    result.silentUntil = detail["silent_until"]?.int
    result.silentReason = detail["silent_reason"]?.string
    result.told = Set(notify)
    return result
  }

  /// What the event makes of its alert.
  func applied(to before: Alert) -> Alert {
    var alert = before
    alert.changedAt = at
    alert.sequence = sequence
    alert.told.formUnion(notify)
    if let state { alert.state = state }
    switch kind {
    case .policyStarted, .opened, .commented: break
    case .reopened:
      alert.isActive = true
      alert.episodes += 1
      alert.endedAt = nil
      alert.closedAt = nil
      alert.closedBy = nil
      alert.closeReason = nil
      alert.escalatesFrom = at
    case .ended:
      alert.isActive = false
      alert.endedAt = eventTime
    case .acknowledged:
      alert.acknowledgedAt = at
      alert.acknowledgedBy = by
      alert.snoozedUntil = nil
    case .snoozed: alert.snoozedUntil = until
    case .woke:
      alert.snoozedUntil = nil
      alert.escalatesFrom = at
    case .escalated: alert.level = level ?? alert.level
    case .uncovered:
      alert.coveredBy = nil
      alert.escalatesFrom = at
    case .resolved, .dismissed:
      alert.closedAt = at
      alert.closedBy = by
      alert.closeReason = reason
      alert.snoozedUntil = nil
    }
    return alert
  }
}
