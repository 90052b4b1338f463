internal import Alerts
internal import HTTP
internal import JSON

/// Alerts and what people do about them.
enum AlertRoutes {
  private static let group = "Alerts"

  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    [
      Endpoint(
        .get, "/alerts", group: group, "Alerts, the most urgent first", needs: .patients,
        answers: [.init(200, "Alerts", .object(["alerts": .list(of: alert)], required: ["alerts"]))]
      ) { call in try list(call, context) }
      .with {
        $0.parameters = [
          .init(
            "state", .words(["open", "acknowledged", "snoozed", "resolved", "dismissed"]), "In one of these states",
            default: "open,acknowledged,snoozed"),
          .init("severity", .words(AlertSeverity.allCases.map(\.rawValue)), "Of these severities"),
          .init("ward", .text(longest: 200), "On this ward"),
          .init("patient", .text(longest: 200), "Of this patient"),
          .init("limit", .integer(1...10_000), "At most so many", default: "1000"),
        ]
        $0.audit = .read("list alerts")
      },
      Endpoint(
        .get, "/alerts/{id}", group: group, "One alert with everything that happened to it", needs: .patients,
        answers: [.init(200, "The alert", alert)]
      ) { call in try show(call, context) }
      .with {
        $0.parameters = [identifier]
        $0.audit = .read("read alert")
      },
    ] + actions(context)
  }

  private static let identifier = Endpoint.Parameter("id", .text(longest: 200), "The alert's id")

  private static let alert = Schema.object(
    [
      "id": .text(), "severity": .text(), "state": .text(),
      "about": .text(words: AlertSubject.allCases.map(\.rawValue)),
      "patient_id": .text("The patient, or the model or ward that the alert is about"), "ward": .text(),
      "policy": .text(),
      "pipeline": .text(), "title": .text(), "message": .text(), "opened_at": .text(format: "date-time"),
      "snoozed_until": .text(format: "date-time"), "events": .list(of: .any),
    ], required: ["id", "severity", "state", "patient_id", "policy", "title", "opened_at"])

  private static func actions(_ context: ServerContext) -> [Endpoint] {
    let reason = Schema.text("Why", longest: AlertRules.longestReason)
    let minutes = Schema.integer("For how long; the severity bounds it", in: 1...10_080)
    let kinds:
      [(word: String, summary: String, body: Schema, make: @Sendable (inout BodyReader) -> (AlertAction, String?))] = [
        (
          "acknowledge", "Takes an alert", .object(["reason": reason], isOpen: false),
          { (.acknowledge, why(&$0, "reason")) }
        ),
        (
          "snooze", "Silences reminders and escalation for a while",
          .object(["minutes": minutes, "reason": reason], required: ["minutes"], isOpen: false),
          { body in
            let minutes = body.integer("minutes", required: true, in: 1...10_080) ?? 1
            return (.snooze(seconds: Int64(minutes) * 60), why(&body, "reason"))
          }
        ),
        (
          "escalate", "Tells the next level now", .object(["reason": reason], isOpen: false),
          { (.escalate, why(&$0, "reason")) }
        ),
        (
          "comment", "Writes something to an alert", .object(["comment": reason], required: ["comment"], isOpen: false),
          { (.comment, why(&$0, "comment", required: true)) }
        ),
        (
          "resolve", "Closes an alert: it is done", .object(["reason": reason], isOpen: false),
          { (.resolve, why(&$0, "reason")) }
        ),
        (
          "dismiss", "Closes an alert that needed nothing",
          .object(["reason": reason], required: ["reason"], isOpen: false),
          { (.dismiss, why(&$0, "reason", required: true)) }
        ),
      ]
    return kinds.map { kind in
      Endpoint(
        .post, "/alerts/{id}/\(kind.word)", group: group, kind.summary, needs: .alerts,
        answers: [.init(200, "The alert afterwards", alert)]
      ) { call in
        var body = BodyReader(call.request.body.isEmpty ? [:] : try BodyReader.object(call.request.body))
        let (action, reason) = kind.make(&body)
        try body.finish()
        if let reason { call.trail.note(reason) }
        let desk = try desk(context)
        if let before = try desk.get(call.path["id"] ?? "") { call.trail.touched(patients(before, desk)) }
        let changed = try desk.apply(action, to: call.path["id"] ?? "", by: call.principal.name, reason: reason)
        return try answer(changed, desk)
      }.with {
        $0.parameters = [identifier]
        $0.body = .json(kind.body, limit: 64 << 10, isRequired: ["snooze", "comment", "dismiss"].contains(kind.word))
        $0.problems = [409]
        $0.audit = .change("\(kind.word) alert")
      }
    }
  }

  private static func why(_ body: inout BodyReader, _ name: String, required: Bool = false) -> String? {
    body.text(name, required: required, longest: AlertRules.longestReason)
  }

  private static func desk(_ context: ServerContext) throws -> AlertDesk {
    guard let desk = context.desk else {
      throw Problem.busy("the tables of alerts cannot be opened", retryAfterSeconds: 30)
    }
    return desk
  }

  private static func list(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    var filter = AlertFilter()
    let states = call.words("state") ?? []
    filter.states = Set(states.compactMap { $0 == "snoozed" ? .open : Alert.State(rawValue: $0) })
    filter.severities = Set((call.words("severity") ?? []).compactMap(AlertSeverity.init))
    filter.ward = call.query["ward"]
    filter.patient = call.query["patient"]
    filter.limit = call.integer("limit") ?? 1_000
    let desk = try desk(context)
    let found = try desk.list(filter)
    call.trail.touched(found.flatMap { patients($0, desk) })
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("alerts")
    writer.beginArray()
    for alert in found { AlertJSON.write(alert, about: desk.subject(of: alert), to: &writer) }
    writer.endArray()
    writer.endObject()
    return .json(writer.bytes)
  }

  private static func show(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    let desk = try desk(context)
    guard let alert = try desk.get(call.path["id"] ?? "") else { throw Problem.notFound("there is no such alert") }
    call.trail.touched(patients(alert, desk))
    return try answer(alert, desk)
  }

  private static func answer(_ alert: Alert, _ desk: AlertDesk) throws -> ServerResponse {
    var writer = JSONWriter()
    AlertJSON.write(alert, about: desk.subject(of: alert), to: &writer, events: try desk.history(of: alert.id))
    return .json(writer.bytes)
  }

  /// The patient that an alert is about; none if it is about a model or a ward.
  private static func patients(_ alert: Alert, _ desk: AlertDesk) -> [String] {
    desk.subject(of: alert) == .patient ? [alert.patient] : []
  }
}
