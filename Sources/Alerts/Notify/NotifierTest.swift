internal import Observability

/// Tries a notifier with an invented alert.
public enum NotifierTest {
  /// What the other side said.
  public struct Answer: Sendable, Hashable {
    /// Whether it has taken the message.
    public var isDelivered: Bool
    /// In words.
    public var text: String
  }

  /// Sends one message, and for a notifier that follows up a second one that ends the alert.
  /// - Throws: ``AlertError/unknownNotifier(name:known:)``.
  public static func send(to name: String, settings: AlertSettings) throws -> Answer {
    guard let notifier = settings.notifiers[name] else {
      throw AlertError.unknownNotifier(name: name, known: settings.notifiers.keys.sorted())
    }
    let now = Logger.systemClock()
    let id = AlertIdentity.digest("test \(now)")
    var alert = Alert(
      id: id, policy: PolicyID(pipeline: "test", policy: "test"), severity: .low, patient: "invented-patient",
      ward: "test ward", title: "Test of the notifier \(name)",
      message: "This is a test. There is no patient and nothing to do.", since: now, eventTime: now, openedAt: now,
      escalatesFrom: now, changedAt: now, sequence: 0)
    var kinds = [Notice.Kind.trigger]
    if notifier.followsUp { kinds.append(.resolve) }
    for recipient in 0..<notifier.recipients {
      for kind in kinds {
        if kind == .resolve { alert.state = .resolved }
        var notice = Notice(
          id: AlertIdentity.digest("\(id) \(kind) \(recipient)"), kind: kind,
          alerts: [Notice.shown(alert, patient: notifier.showsPatient)], at: now)
        if let link = settings.link { notice.links[id] = PolicyText.filled(link, ["id": id]) }
        switch Sender(notifier: notifier, recipient: recipient, now: now).send(notice) {
        case .delivered: break
        case .failed(let reason, _, _): return Answer(isDelivered: false, text: "not delivered: \(reason)")
        case .refused(let reason): return Answer(isDelivered: false, text: "refused: \(reason)")
        }
      }
    }
    return Answer(isDelivered: true, text: "delivered")
  }
}
