internal import DeltaLake

/// What a notifier is told: one or several alerts of one kind of event. Pure.
struct Notice: Sendable, Hashable {
  /// What it is about.
  enum Kind: String, Sendable, Hashable {
    /// The alert is raised, escalated, or comes to mind again.
    case trigger
    /// Somebody has taken it.
    case acknowledge
    /// It is over.
    case resolve

    init(_ event: AlertEvent.Kind) {
      switch event {
      case .acknowledged: self = .acknowledge
      case .resolved, .dismissed: self = .resolve
      default: self = .trigger
      }
    }
  }

  /// Names the message: the same for every attempt.
  var id: String
  var kind: Kind
  /// At least one.
  var alerts: [Alert]
  /// When it happened, microseconds since 1970.
  var at: Int64
  /// Where the alerts can be seen, by id.
  var links: [String: String] = [:]

  /// An alert as a notifier may see it.
  static func shown(_ alert: Alert, patient: Bool) -> Alert {
    guard !patient, !alert.patient.isEmpty else { return alert }
    var hidden = alert
    hidden.title = alert.title.replacing(alert.patient, with: "a patient")
    hidden.message = alert.message.replacing(alert.patient, with: "a patient")
    hidden.patient = ""
    return hidden
  }

  /// One line for a subject, a summary or an SMS.
  var headline: String {
    let first = alerts[0]
    let state =
      switch kind {
      case .trigger: first.severity.rawValue.uppercased()
      case .acknowledge: "TAKEN"
      case .resolve: "OVER"
      }
    if alerts.count > 1 {
      let place = first.ward.map { " on ward \($0)" } ?? ""
      return "\(state): \(alerts.count) alerts\(place)"
    }
    return "\(state): \(first.title)"
  }

  /// Lines about one alert, the title left out.
  func lines(_ alert: Alert) -> [String] {
    var lines: [String] = []
    if !alert.message.isEmpty { lines.append(alert.message) }
    var place = alert.ward.map { ["ward \($0)"] } ?? []
    if !alert.patient.isEmpty { place.append("patient \(alert.patient)") }
    place.append("since \(CalendarTimeText.iso(alert.since))")
    if alert.level > 0 { place.append("escalation level \(alert.level)") }
    if let by = alert.acknowledgedBy, kind == .acknowledge { place.append("taken by \(by)") }
    lines.append(place.joined(separator: ", "))
    if let link = links[alert.id] { lines.append(link) }
    return lines
  }

  /// The whole message as plain text.
  var text: String {
    var parts = [headline]
    for alert in alerts {
      let lines = lines(alert)
      parts.append((alerts.count > 1 ? [alert.title] + lines : lines).joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n")
  }
}
