/// One message to one notifier because of one event, as it stands now. A row of `alert_deliveries` is one change of it.
struct Delivery: Sendable, Hashable {
  enum Status: String, Sendable, Hashable, CaseIterable {
    /// To be sent when it is due.
    case planned
    /// A process has taken it and is sending.
    case sending
    /// The other side has taken it.
    case delivered
    /// An attempt did not work; there will be another.
    case failed
    /// The other side does not want it.
    case refused
    /// Too much time has passed.
    case expired
    /// There was no more reason to send it.
    case dropped

    /// Whether nothing will happen any more.
    var isFinal: Bool { self != .planned && self != .sending && self != .failed }
  }

  /// Follows from event, alert, notifier and recipient; the other side sees it with every attempt.
  var id: String
  /// Number of the change, in the order of all changes.
  var sequence: Int64 = 0
  /// The event that it tells.
  var event: Int64
  var alert: String
  var notifier: String
  /// Which of several numbers or addresses.
  var recipient: Int
  var kind: Notice.Kind
  /// Deliveries with the same key may go out as one message. Once they were taken together it is that message's id behind
  /// `=`, and they stay together, so that a repetition is the same message under the same id.
  var group: String?
  var status: Status = .planned
  /// Attempts so far.
  var attempts = 0
  /// The clock of the change.
  var at: Int64
  /// The clock of the event.
  var plannedAt: Int64
  /// Not sent before this; while sending: another process may take it after this.
  var dueAt: Int64
  /// Status code or reason of the last attempt; never what was sent.
  var outcome: String?

  /// The id of the message that it goes out in.
  var message: String {
    guard let group, group.hasPrefix("=") else { return id }
    return String(group.dropFirst())
  }
}

/// Decides what becomes of deliveries. Pure.
enum OutboxRules {
  /// The deliveries that an event asks for.
  static func plan(
    _ event: AlertEvent, _ notifiers: [String: Notifier], groupSeconds: Double?
  ) -> [Delivery] {
    guard let alert = event.alert else { return [] }
    let kind = Notice.Kind(event.kind)
    return event.notify.compactMap { notifiers[$0] }.filter { kind == .trigger || $0.followsUp }.flatMap { notifier in
      let isGrouped = groupSeconds != nil && event.kind == .opened && notifier.takesGroups
      let wait = isGrouped ? Int64((groupSeconds ?? 0) * 1e6) : 0
      return (0..<notifier.recipients).map { recipient in
        let name = notifier.recipients > 1 ? "\(notifier.name)/\(recipient)" : notifier.name
        return Delivery(
          id: AlertIdentity.delivery(sequence: event.sequence, alert: alert, notifier: name), event: event.sequence,
          alert: alert, notifier: notifier.name, recipient: recipient, kind: kind,
          group: isGrouped ? "\(event.policy.pipeline)/\(event.ward ?? "")" : nil, at: event.at,
          plannedAt: event.at, dueAt: max(event.at, event.notifyAt ?? event.at) + wait)
      }
    }
  }

  /// Why a delivery need not be sent any more; nil if it must.
  /// - Parameters:
  ///   - wasTold: Whether the notifier has taken an earlier message about the alert.
  static func obsolete(_ delivery: Delivery, _ alert: Alert, wasTold: Bool) -> String? {
    switch delivery.kind {
    case .trigger:
      if alert.state.isClosed { return "the alert was closed before" }
      if alert.state == .acknowledged, wasTold { return "somebody has taken the alert" }
      return nil
    case .acknowledge, .resolve: return wasTold ? nil : "the notifier never heard of the alert"
    }
  }

  /// Seconds to the next attempt: 2, 4, 8 … up to 15 minutes, and up to a quarter more by the delivery's id, so that
  /// messages that failed together do not come back together.
  static func pause(afterAttempts attempts: Int, id: String, retryAfterSeconds: Double?) -> Double {
    let base = min(900, Double(1 << min(attempts, 12)))
    let spread = Double(id.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF }) / 65_536
    return max(min(retryAfterSeconds ?? 0, 3_600), base * (1 + spread / 4))
  }

  /// Deliveries of one message, as a process takes them.
  static func taken(_ message: [Delivery], until lease: Int64) -> [Delivery] {
    let group = message.count > 1 ? "=" + AlertIdentity.digest(message.map(\.id).joined(separator: "\u{0}")) : nil
    return message.map { delivery in
      var delivery = delivery
      if delivery.message == delivery.id { delivery.group = group ?? delivery.group }
      delivery.status = .sending
      delivery.attempts += 1
      delivery.dueAt = lease
      return delivery
    }
  }

  /// The deliveries that may be sent now, for each message those that go together.
  static func due(_ deliveries: some Collection<Delivery>, now: Int64) -> [[Delivery]] {
    // Messages to one notifier about one alert keep their order.
    var firstOpen: [String: Int64] = [:]
    for delivery in deliveries where !delivery.status.isFinal {
      let key = "\(delivery.notifier)/\(delivery.recipient)/\(delivery.alert)"
      firstOpen[key] = min(firstOpen[key] ?? .max, delivery.event)
    }
    let ready = deliveries.filter { delivery in
      !delivery.status.isFinal && delivery.dueAt <= now
        && firstOpen["\(delivery.notifier)/\(delivery.recipient)/\(delivery.alert)"] == delivery.event
    }.sorted { ($0.event, $0.id) < ($1.event, $1.id) }
    var messages: [[Delivery]] = []
    var places: [String: Int] = [:]
    for delivery in ready {
      // A message that was tried already is repeated as it was.
      guard let group = delivery.group, delivery.attempts == 0 || group.hasPrefix("=") else {
        messages.append([delivery])
        continue
      }
      let key = "\(delivery.notifier)/\(delivery.recipient)/\(group)"
      if let place = places[key] {
        messages[place].append(delivery)
      } else {
        places[key] = messages.count
        messages.append([delivery])
      }
    }
    return messages
  }
}
