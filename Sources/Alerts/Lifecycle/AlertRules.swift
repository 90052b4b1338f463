internal import JSON
internal import DeltaLake

/// What the stream says about a patient's condition under one policy.
struct Transition: Sendable, Hashable {
  /// Whether the condition begins to hold, or is over.
  var begins: Bool
  var policy: PolicyID
  var patient: String
  var ward: String?
  /// Event time of the row, microseconds since 1970.
  var eventTime: Int64
  /// Event time of the first row of the span that led here.
  var since: Int64
  /// The row was older than the policy takes for live when it arrived.
  var isRetrospective = false
  /// Values of the policy's `show` columns as a JSON object.
  var facts: String?
}

/// The alert state machine: state and event in, events out. Pure; the clock is a parameter.
///
/// | state | acknowledge | snooze | escalate | comment | resolve, dismiss | condition over |
/// |---|---|---|---|---|---|---|
/// | open | acknowledged | open | open | open | closed | resolved, or open if latching |
/// | acknowledged | no change | refused | acknowledged | acknowledged | closed | resolved |
/// | resolved, dismissed | refused | refused | refused | stays | refused | stays |
public enum AlertRules {
  /// The longest reason or comment, characters.
  public static let longestReason = 2_000

  // MARK: People

  /// The events that an action makes; none if it changes nothing.
  static func events(
    _ action: AlertAction, on alert: Alert, by: String, reason: String?, now: Int64, policy: AlertPolicy?
  ) throws(AlertRefusal) -> [AlertEvent] {
    let reason = reason.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
    if by.allSatisfy(\.isWhitespace) { throw .nobody }
    if let reason, reason.count > longestReason { throw .reasonTooLong }
    if action != .comment, alert.state.isClosed { throw .closed(alert.state) }
    switch action {
    case .acknowledge:
      guard alert.state != .acknowledged else { return [] }
      return acknowledged(alert, by: by, reason: reason, now: now)
    case .snooze(let seconds):
      guard alert.state == .open else { throw .nothingToSnooze }
      let longest = alert.severity.longestSnoozeSeconds
      guard seconds > 0, seconds <= longest else {
        throw .snoozeOutOfRange(severity: alert.severity, longestSeconds: longest)
      }
      var event = AlertEvent(.snoozed, of: alert, at: now, by: by, reason: reason)
      event.until = now + seconds * 1_000_000
      return [event]
    case .escalate:
      let next = alert.level + 1
      guard let policy, policy.levels.indices.contains(next) else { throw .lastLevel }
      return [escalated(alert, to: next, policy, by: by, reason: reason, now: now)]
    case .comment:
      guard reason != nil else { throw .noReason(action: action.word) }
      return [AlertEvent(.commented, of: alert, at: now, by: by, reason: reason)]
    case .resolve:
      return [closed(alert, .resolved, by: by, reason: reason, now: now)]
    case .dismiss:
      guard reason != nil else { throw .noReason(action: action.word) }
      return [closed(alert, .dismissed, by: by, reason: reason, now: now)]
    }
  }

  private static func acknowledged(_ alert: Alert, by: String, reason: String?, now: Int64) -> [AlertEvent] {
    var event = AlertEvent(.acknowledged, of: alert, at: now, by: by, reason: reason)
    event.state = .acknowledged
    event.notify = alert.told.sorted()
    guard !alert.isActive else { return [event] }
    // A latching alert whose condition was over only waited for this.
    var after = alert
    after.state = .acknowledged
    return [event, closed(after, .resolved, by: AlertEvent.program, reason: conditionIsOver, now: now)]
  }

  private static func closed(
    _ alert: Alert, _ state: Alert.State, by: String, reason: String?, now: Int64
  ) -> AlertEvent {
    var event = AlertEvent(state == .resolved ? .resolved : .dismissed, of: alert, at: now, by: by, reason: reason)
    event.state = state
    event.notify = alert.told.sorted()
    return event
  }

  private static func escalated(
    _ alert: Alert, to level: Int, _ policy: AlertPolicy, by: String, reason: String?, now: Int64
  ) -> AlertEvent {
    var event = AlertEvent(.escalated, of: alert, at: now, by: by, reason: reason)
    event.level = level
    event.notify = policy.levels[level].notify
    return event
  }

  static let conditionIsOver = "the condition is over"

  // MARK: The stream

  /// The events that a transition makes.
  /// - Parameters:
  ///   - last: The newest alert of the same policy and patient, if there is one.
  ///   - cover: The open alert of the patient that speaks for this policy, if there is one.
  static func events(
    _ transition: Transition, last: Alert?, cover: Alert?, policy: AlertPolicy, now: Int64
  ) -> [AlertEvent] {
    guard transition.begins else {
      guard let last, last.isActive else { return [] }
      return ended(transition, last, now: now)
    }
    guard let last else { return [opened(transition, cover: cover, policy, now: now)] }
    if last.isActive { return [] }
    let holdOff = Int64(policy.holdOffSeconds * 1e6)
    // A row whose time lies before that end came from another clock: what it says is news.
    let isSoon = last.endedAt.map { ($0..<$0 + max(holdOff, 0)).contains(transition.eventTime) } ?? false
    let closedItself = last.state == .resolved && last.closedBy == AlertEvent.program
    guard !last.state.isClosed || (isSoon && closedItself) else {
      return [opened(transition, cover: cover, policy, now: now)]
    }
    var event = AlertEvent(.reopened, of: last, at: now, by: AlertEvent.program)
    event.eventTime = transition.eventTime
    if last.state.isClosed { event.state = last.acknowledgedAt == nil ? .open : .acknowledged }
    return [event]
  }

  private static func ended(_ transition: Transition, _ alert: Alert, now: Int64) -> [AlertEvent] {
    var event = AlertEvent(.ended, of: alert, at: now, by: AlertEvent.program)
    event.eventTime = transition.eventTime
    let waits = alert.state == .open && alert.isLatching
    guard !waits, !alert.state.isClosed else { return [event] }
    var over = closed(alert, .resolved, by: AlertEvent.program, reason: conditionIsOver, now: now)
    over.eventTime = transition.eventTime
    return [event, over]
  }

  private static func opened(
    _ transition: Transition, cover: Alert?, _ policy: AlertPolicy, now: Int64
  ) -> AlertEvent {
    let id = AlertIdentity.id(of: transition)
    var values = [
      "patient": transition.patient, "ward": transition.ward ?? "unknown", "policy": policy.name,
      "severity": policy.severity.rawValue, "pipeline": policy.pipeline, "id": id,
    ]
    values["time"] = CalendarTimeText.iso(transition.eventTime)
    var event = AlertEvent(.opened, at: now, by: AlertEvent.program, policy: transition.policy)
    event.alert = id
    event.patient = transition.patient
    event.ward = transition.ward
    event.severity = policy.severity
    event.eventTime = transition.eventTime
    event.state = .open
    event.level = 0
    event.detail["title"] = .string(PolicyText.filled(policy.title, values))
    event.detail["message"] = .string(PolicyText.filled(policy.message, values))
    event.detail["since"] = .int(transition.since)
    if policy.isLatching { event.detail["latching"] = .bool(true) }
    if let facts = transition.facts { event.detail["facts"] = .string(facts) }
    if transition.isRetrospective { event.detail["retrospective"] = .bool(true) }
    if let cover { event.detail["covered_by"] = .string(cover.id) }
    if let silence = policy.silence(ward: transition.ward, at: now) {
      event.detail["silent_until"] = .int(silence.until)
      event.detail["silent_reason"] = .string(silence.reason)
      event.notifyAt = silence.until
    }
    if !transition.isRetrospective, cover == nil { event.notify = policy.levels.first?.notify ?? [] }
    return event
  }

  // MARK: The clock

  /// The events that the passing of time makes.
  /// - Parameter cover: The alert that spoke for this one when it was raised, as it is now.
  static func events(_ alert: Alert, cover: Alert?, policy: AlertPolicy?, now: Int64) -> [AlertEvent] {
    guard alert.state == .open, !alert.isRetrospective else { return [] }
    if let until = alert.snoozedUntil {
      guard until <= now else { return [] }
      var event = AlertEvent(.woke, of: alert, at: now, by: AlertEvent.program)
      if let policy, policy.levels.indices.contains(alert.level) {
        event.notify = policy.levels[alert.level].notify
      }
      return [event]
    }
    if alert.coveredBy != nil {
      guard cover?.state.isClosed ?? true else { return [] }
      var event = AlertEvent(.uncovered, of: alert, at: now, by: AlertEvent.program)
      event.notify = policy?.levels.first?.notify ?? []
      return [event]
    }
    guard let policy else { return [] }
    let next = alert.level + 1
    guard policy.levels.indices.contains(next) else { return [] }
    let due = alert.escalatesFrom + Int64(policy.levels[next].afterSeconds * 1e6)
    guard due <= now else { return [] }
    return [escalated(alert, to: next, policy, by: AlertEvent.program, reason: "not acknowledged in time", now: now)]
  }

  // MARK: Many at once

  /// The events that transitions make one after the other, each from what those before it have made.
  /// - Parameter covers: For each policy, the policies that speak for it.
  static func events(
    _ transitions: [Transition], in book: AlertBook, policies: [PolicyID: AlertPolicy],
    covers: [PolicyID: Set<PolicyID>], now: Int64
  ) -> [AlertEvent] {
    var working = book
    var made: [AlertEvent] = []
    for transition in transitions {
      guard let policy = policies[transition.policy] else { continue }
      let key = AlertKey(policy: transition.policy, patient: transition.patient)
      // A row that came again raises nothing: its alert has been raised, and people may have closed it.
      if transition.begins, working.hasClosed(AlertIdentity.id(of: transition)) { continue }
      let cover = working.cover(of: transition.patient, by: covers[transition.policy] ?? [])
      for var event in events(transition, last: working.newest(key), cover: cover, policy: policy, now: now) {
        event.sequence = working.sequence + 1
        working.apply(event)
        made.append(event)
      }
    }
    return made
  }
}

extension AlertPolicy {
  /// For each policy, the policies that speak for it.
  static func covers(_ policies: [PolicyID: AlertPolicy]) -> [PolicyID: Set<PolicyID>] {
    var result: [PolicyID: Set<PolicyID>] = [:]
    for policy in policies.values {
      for name in policy.covers {
        result[PolicyID(pipeline: policy.pipeline, policy: name), default: []].insert(policy.id)
      }
    }
    return result
  }
}
