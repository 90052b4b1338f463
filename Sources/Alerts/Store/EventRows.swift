internal import JSON
internal import DeltaLake

/// Events as rows of `alert_events`.
enum EventRows {
  static let columns: [RowColumn<AlertEvent>] = [
    RowColumn("sequence", .long) { .number($0.sequence) },
    RowColumn("alert_id", .string) { .text($0.alert) },
    RowColumn("kind", .string) { .text($0.kind.rawValue) },
    RowColumn("at", .timestamp) { .time($0.at) },
    RowColumn("by", .string) { .text($0.by) },
    RowColumn("reason", .string) { .text($0.reason) },
    RowColumn("pipeline", .string) { .text($0.policy.pipeline) },
    RowColumn("policy", .string) { .text($0.policy.policy) },
    RowColumn("patient_id", .string) { .text($0.patient) },
    RowColumn("ward", .string) { .text($0.ward) },
    RowColumn("severity", .string) { .text($0.severity?.rawValue) },
    RowColumn("event_time", .timestamp) { .time($0.eventTime) },
    RowColumn("state", .string) { .text($0.state?.rawValue) },
    RowColumn("level", .long) { .number($0.level.map(Int64.init)) },
    RowColumn("until", .timestamp) { .time($0.until) },
    // Names of notifiers, separated by spaces.
    RowColumn("notify", .string) { .text($0.notify.isEmpty ? nil : $0.notify.joined(separator: " ")) },
    RowColumn("notify_at", .timestamp) { .time($0.notifyAt) },
    RowColumn("detail", .string) { .text($0.detail.members.isEmpty ? nil : JSONValue.object($0.detail).text) },
  ]

  static func event(_ row: RowReader) -> AlertEvent? {
    guard let kind = row.text("kind").flatMap(AlertEvent.Kind.init), let sequence = row.number("sequence"),
      let at = row.number("at"), let pipeline = row.text("pipeline"), let policy = row.text("policy")
    else { return nil }
    var event = AlertEvent(
      kind, at: at, by: row.text("by") ?? "", policy: PolicyID(pipeline: pipeline, policy: policy))
    event.sequence = sequence
    event.alert = row.text("alert_id")
    event.reason = row.text("reason")
    event.patient = row.text("patient_id")
    event.ward = row.text("ward")
    event.severity = row.text("severity").flatMap(AlertSeverity.init)
    event.eventTime = row.number("event_time")
    event.state = row.text("state").flatMap(Alert.State.init)
    event.level = row.number("level").map(Int.init)
    event.until = row.number("until")
    event.notify = row.text("notify")?.split(separator: " ").map(String.init) ?? []
    event.notifyAt = row.number("notify_at")
    event.detail = row.text("detail").flatMap { JSONValue(parsing: $0)?.object } ?? [:]
    return event
  }
}
