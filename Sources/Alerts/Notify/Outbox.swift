internal import Foundation
internal import Streaming

/// Tells notifiers what happened, as often as it takes and not more often.
///
/// A delivery is taken by a commit before it is sent, and its end is committed afterwards. Between the two lies the
/// network: a process that is killed there leaves a delivery that may have arrived, and another process sends it again
/// once the lease is over, with the same id. So everything arrives at least once, and the id tells a repetition.
/// Used on one thread.
final class Outbox {
  /// What a round did, by notifier.
  struct Round {
    /// Attempts: notifier and how each ended.
    var attempts: [(notifier: String, status: Delivery.Status)] = []
    /// Deliveries that will not be tried again, because the other side does not want them or too much time has passed.
    var lost: [Delivery] = []
    /// Deliveries that wait.
    var waiting = 0
  }

  private let desk: AlertDesk
  private let settings: AlertSettings
  private let table: OutboxTable
  private let clock: @Sendable () -> Int64
  private let didSend: () throws -> Void

  /// - Parameter didSend: Called between the network and the note of what became of it, where a crash is worst.
  init(
    lake: Lake, desk: AlertDesk, settings: AlertSettings,
    didSend: @escaping () throws -> Void = { CrashPoint.alertsSent.reached() }
  ) throws {
    self.didSend = didSend
    self.desk = desk
    self.settings = settings
    table = try OutboxTable(lake: lake)
    clock = desk.clock
  }

  /// Plans what new events ask for, and sends what is due.
  func deliver() throws -> Round {
    guard !settings.notifiers.isEmpty else { return Round() }
    try table.refresh()
    try plan()
    var round = Round()
    let (messages, finals) = try sort()
    let now = clock()
    let taken = messages.map { OutboxRules.taken($0, until: now + lease($0[0])) }
    if !taken.isEmpty || !finals.isEmpty {
      // Somebody else was faster: the next round sees what is left.
      guard try table.append(taken.joined() + finals, now: now) else { return round }
    }
    round.lost = finals.filter { $0.status == .expired }
    if !taken.isEmpty {
      let ends = Dispatch(clock: clock).send(jobs(taken))
      try didSend()
      let settled = settle(messages.joined(), taken.joined(), ends, now: clock())
      try store(settled, of: Array(taken.joined()))
      round.attempts = settled.filter { if case .tried = ends[$0.id] { true } else { false } }
        .map { ($0.notifier, $0.status) }
      round.lost += settled.filter { $0.status == .refused }
    }
    round.waiting = table.open.count
    try table.clean()
    return round
  }

  private func lease(_ delivery: Delivery) -> Int64 {
    Int64((settings.notifiers[delivery.notifier]?.timeoutSeconds ?? 20) * 2 + 60) * 1_000_000
  }

  private func plan() throws {
    while true {
      let events = try desk.events(after: table.planned, limit: 1_000)
      guard let last = events.last else { return }
      let new = events.flatMap { event in
        OutboxRules.plan(event, settings.notifiers, groupSeconds: desk.policies[event.policy]?.groupSeconds)
      }
      _ = try table.append(new, planned: last.sequence, now: clock())
    }
  }

  /// Due messages, and deliveries that come to an end without being sent.
  private func sort() throws -> (messages: [[Delivery]], finals: [Delivery]) {
    let now = clock()
    var finals: [Delivery] = []
    var messages: [[Delivery]] = []
    for message in OutboxRules.due(table.open.values, now: now) {
      var wanted: [Delivery] = []
      for var delivery in message {
        if let reason = try reasonToEnd(delivery, now: now) {
          delivery.status = reason.status
          delivery.outcome = reason.text
          finals.append(delivery)
        } else {
          wanted.append(delivery)
        }
      }
      if !wanted.isEmpty { messages.append(wanted) }
    }
    return (messages, finals)
  }

  private func reasonToEnd(_ delivery: Delivery, now: Int64) throws -> (status: Delivery.Status, text: String)? {
    guard let notifier = settings.notifiers[delivery.notifier] else {
      return (.dropped, "the notifier is not configured any more")
    }
    guard let alert = try desk.get(delivery.alert) else { return (.dropped, "there is no such alert any more") }
    if let reason = OutboxRules.obsolete(delivery, alert, wasTold: table.wasTold(delivery)) {
      return (.dropped, reason)
    }
    if Double(now - delivery.plannedAt) > notifier.giveUpSeconds * 1e6,
      delivery.attempts > 0 || delivery.dueAt < now - Int64(notifier.giveUpSeconds * 1e6)
    {
      return (.expired, delivery.outcome ?? "too late")
    }
    return nil
  }

  // MARK: Sending

  private func jobs(_ messages: [[Delivery]]) -> [(notifier: Notifier, messages: [Dispatch.Message])] {
    Dictionary(grouping: messages, by: { $0[0].notifier }).sorted { $0.key < $1.key }.compactMap { name, group in
      guard let notifier = settings.notifiers[name] else { return nil }
      return (notifier, group.compactMap { message(of: $0, notifier) })
    }
  }

  private func message(of deliveries: [Delivery], _ notifier: Notifier) -> Dispatch.Message? {
    let alerts = deliveries.compactMap { try? desk.get($0.alert) }.map {
      Notice.shown($0, patient: notifier.showsPatient)
    }
    guard !alerts.isEmpty else { return nil }
    let first = deliveries[0]
    var notice = Notice(id: first.message, kind: first.kind, alerts: alerts, at: first.plannedAt)
    if let link = settings.link {
      for alert in alerts { notice.links[alert.id] = PolicyText.filled(link, ["id": alert.id]) }
    }
    return Dispatch.Message(deliveries: deliveries, notice: notice)
  }

  // MARK: Afterwards

  /// What became of deliveries. Those that were not tried are as they were before.
  private func settle(
    _ before: some Sequence<Delivery>, _ taken: some Sequence<Delivery>, _ ends: [String: Dispatch.End], now: Int64
  ) -> [Delivery] {
    zip(before, taken).map { before, taken in
      var after = taken
      switch ends[taken.id] ?? .outOfTime {
      case .tried(.delivered):
        after.status = .delivered
        after.outcome = nil
      case .tried(.refused(let reason)):
        after.status = .refused
        after.outcome = reason
      case .tried(.failed(let reason, let retryAfter, _)):
        after.status = .failed
        after.outcome = reason
        after.dueAt = now + pause(taken, retryAfter)
      case .away(let reason):
        after = before
        after.outcome = reason
        after.dueAt = now + pause(taken, nil)
      case .outOfTime: after = before
      }
      return after
    }
  }

  private func pause(_ delivery: Delivery, _ retryAfterSeconds: Double?) -> Int64 {
    let seconds = OutboxRules.pause(
      afterAttempts: delivery.attempts, id: delivery.message, retryAfterSeconds: retryAfterSeconds)
    return Int64(seconds * 1e6)
  }

  /// Notes what became of deliveries that this process had taken. If it was suspended for longer than the lease, another
  /// may have taken them since: then only that one of them has arrived is still news.
  private func store(_ ends: [Delivery], of taken: [Delivery]) throws {
    for _ in 0..<50 {
      let news = zip(ends, taken).filter { end, taken in
        guard let known = table.open[taken.id] else { return false }
        return end.status == .delivered || (known.status == .sending && known.dueAt == taken.dueAt)
      }.map(\.0)
      if try news.isEmpty || table.append(news, now: clock()) { return }
    }
  }
}
