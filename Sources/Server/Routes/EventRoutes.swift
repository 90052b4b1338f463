internal import HTTP

/// What happens, as it happens.
enum EventRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    [
      Endpoint(
        .get, "/events", group: "Events", "Server-sent events: commits, scores, alerts", needs: .catalog,
        answers: [.init(200, "A stream without end", [("text/event-stream", .text())])]
      ) { call in
        let head = call.request.head
        // Whoever may not see patients hears of commits alone.
        var names: Set<String>? = call.principal.may(.patients) ? nil : ["commit"]
        if let wanted = call.words("names") { names = names.map { $0.intersection(wanted) } ?? Set(wanted) }
        let (principal, heard) = (call.principal, context.heard)
        return context.events.response(
          names: names, lastEventID: head.headers["last-event-id"], isWelcome: call.isStillKnown
        ) { patients in heard.note(patients, by: principal, from: head.remoteAddress, at: head.path) }
      }.with {
        $0.details =
          "commit: {table, version}; scores: {pipeline, table, readings} with patients; alert: the alert as it is "
          + "now. Last-Event-ID gives what was missed, as far as it is still held; an event lost tells how many were not. "
          + "Whose data a stream carried goes to the audit log within a minute. A stream ends with its token."
        $0.parameters = [.init("names", .words(["commit", "scores", "alert"]), "Only these")]
        $0.isQuick = true
        $0.audit = .read("events")
      }
    ]
  }
}
