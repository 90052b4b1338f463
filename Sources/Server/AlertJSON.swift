internal import Alerts
internal import JSON
internal import Query

/// Alerts and their events as JSON.
enum AlertJSON {
  /// - Parameters:
  ///   - subject: What it is about.
  ///   - events: What happened to it, if that is to be told.
  static func write(
    _ alert: Alert, about subject: AlertSubject, to writer: inout JSONWriter, events: [AlertEvent]? = nil
  ) {
    writer.beginObject()
    writer.member("id", alert.id)
    writer.member("pipeline", alert.policy.pipeline)
    writer.member("policy", alert.policy.policy)
    writer.member("severity", alert.severity.rawValue)
    writer.member("about", subject.rawValue)
    writer.member("patient_id", alert.patient)
    writer.member("ward", alert.ward)
    writer.member("title", alert.title)
    writer.member("message", alert.message)
    writer.member("state", alert.state.rawValue)
    writer.member("active", alert.isActive)
    writer.member("level", Int64(alert.level))
    writer.member("episodes", Int64(alert.episodes))
    for (name, time) in [
      ("since", alert.since), ("event_time", alert.eventTime), ("ended_at", alert.endedAt),
      ("opened_at", alert.openedAt),
      ("acknowledged_at", alert.acknowledgedAt), ("snoozed_until", alert.snoozedUntil), ("closed_at", alert.closedAt),
      ("changed_at", alert.changedAt),
    ] {
      writer.member(name, time.map { InstantText.timestamp(microseconds: $0, suffix: "Z") })
    }
    writer.member("acknowledged_by", alert.acknowledgedBy)
    writer.member("closed_by", alert.closedBy)
    writer.member("close_reason", alert.closeReason)
    if let facts = alert.facts.flatMap({ JSONValue(parsing: $0) }) {
      writer.key("facts")
      writer.write(facts)
    }
    if let events {
      writer.key("events")
      writer.beginArray()
      for event in events { write(event, to: &writer) }
      writer.endArray()
    }
    writer.endObject()
  }

  private static func write(_ event: AlertEvent, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("sequence", event.sequence)
    writer.member("kind", event.kind.rawValue)
    writer.member("at", InstantText.timestamp(microseconds: event.at, suffix: "Z"))
    writer.member("by", event.by)
    writer.member("reason", event.reason)
    writer.member("level", event.level.map(Int64.init))
    writer.endObject()
  }
}
