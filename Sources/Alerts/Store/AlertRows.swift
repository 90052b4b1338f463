internal import DeltaLake

/// Alerts as rows of `alerts`.
enum AlertRows {
  static let columns: [RowColumn<Alert>] = [
    RowColumn("alert_id", .string) { .text($0.id) },
    RowColumn("pipeline", .string) { .text($0.policy.pipeline) },
    RowColumn("policy", .string) { .text($0.policy.policy) },
    RowColumn("severity", .string) { .text($0.severity.rawValue) },
    RowColumn("patient_id", .string) { .text($0.patient) },
    RowColumn("ward", .string) { .text($0.ward) },
    RowColumn("title", .string) { .text($0.title) },
    RowColumn("message", .string) { .text($0.message) },
    RowColumn("facts", .string) { .text($0.facts) },
    RowColumn("state", .string) { .text($0.state.rawValue) },
    RowColumn("is_active", .boolean) { .flag($0.isActive) },
    RowColumn("is_retrospective", .boolean) { .flag($0.isRetrospective) },
    RowColumn("is_latching", .boolean) { .flag($0.isLatching) },
    RowColumn("covered_by", .string) { .text($0.coveredBy) },
    RowColumn("level", .long) { .number(Int64($0.level)) },
    RowColumn("episodes", .long) { .number(Int64($0.episodes)) },
    RowColumn("since", .timestamp) { .time($0.since) },
    RowColumn("event_time", .timestamp) { .time($0.eventTime) },
    RowColumn("ended_at", .timestamp) { .time($0.endedAt) },
    RowColumn("opened_at", .timestamp) { .time($0.openedAt) },
    RowColumn("silent_until", .timestamp) { .time($0.silentUntil) },
    RowColumn("silent_reason", .string) { .text($0.silentReason) },
    RowColumn("acknowledged_at", .timestamp) { .time($0.acknowledgedAt) },
    RowColumn("acknowledged_by", .string) { .text($0.acknowledgedBy) },
    RowColumn("snoozed_until", .timestamp) { .time($0.snoozedUntil) },
    RowColumn("closed_at", .timestamp) { .time($0.closedAt) },
    RowColumn("closed_by", .string) { .text($0.closedBy) },
    RowColumn("close_reason", .string) { .text($0.closeReason) },
    RowColumn("escalates_from", .timestamp) { .time($0.escalatesFrom) },
    RowColumn("told", .string) { .text($0.told.isEmpty ? nil : $0.told.sorted().joined(separator: " ")) },
    RowColumn("changed_at", .timestamp) { .time($0.changedAt) },
    RowColumn("sequence", .long) { .number($0.sequence) },
  ]

  static func alert(_ row: RowReader) -> Alert? {
    guard let id = row.text("alert_id"), let pipeline = row.text("pipeline"), let policy = row.text("policy"),
      let severity = row.text("severity").flatMap(AlertSeverity.init), let patient = row.text("patient_id"),
      let state = row.text("state").flatMap(Alert.State.init), let since = row.number("since"),
      let eventTime = row.number("event_time"), let openedAt = row.number("opened_at"),
      let changedAt = row.number("changed_at"), let sequence = row.number("sequence")
    else { return nil }
    var alert = Alert(
      id: id, policy: PolicyID(pipeline: pipeline, policy: policy), severity: severity, patient: patient,
      ward: row.text("ward"), title: row.text("title") ?? "", message: row.text("message") ?? "", since: since,
      eventTime: eventTime, openedAt: openedAt, escalatesFrom: row.number("escalates_from") ?? openedAt,
      changedAt: changedAt, sequence: sequence)
    alert.facts = row.text("facts")
    alert.state = state
    alert.isActive = row.flag("is_active")
    alert.isRetrospective = row.flag("is_retrospective")
    alert.isLatching = row.flag("is_latching")
    alert.coveredBy = row.text("covered_by")
    alert.level = Int(row.number("level") ?? 0)
    alert.episodes = Int(row.number("episodes") ?? 1)
    alert.endedAt = row.number("ended_at")
    alert.silentUntil = row.number("silent_until")
    alert.silentReason = row.text("silent_reason")
    alert.acknowledgedAt = row.number("acknowledged_at")
    alert.acknowledgedBy = row.text("acknowledged_by")
    alert.snoozedUntil = row.number("snoozed_until")
    alert.closedAt = row.number("closed_at")
    alert.closedBy = row.text("closed_by")
    alert.closeReason = row.text("close_reason")
    alert.told = Set(row.text("told")?.split(separator: " ").map(String.init) ?? [])
    return alert
  }
}
