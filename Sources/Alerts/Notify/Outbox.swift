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

  init(lake: Lake, desk: AlertDesk, settings: AlertSettings) throws {
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
    let taken = messages.flatMap { message in
      message.map { delivery in
        var delivery = delivery
        delivery.status = .sending
        delivery.attempts += 1
        delivery.dueAt = now + lease(delivery)
        return delivery
      }
    }
    if !taken.isEmpty || !finals.isEmpty {
      // Somebody else was faster: the next round sees what is left.
      guard try table.append(taken + finals, now: now) else { return round }
    }
    round.lost = finals.filter { $0.status == .expired }
    if !messages.isEmpty {
      let outcomes = send(messages, now: now)
      var ends = taken
      for index in ends.indices {
        settle(&ends[index], outcomes[ends[index].id] ?? .failed("not tried", retryAfterSeconds: nil))
      }
      // Nobody else changes what this process has taken; only the numbering may have gone on.
      for _ in 0..<50 where try table.append(ends, now: clock()) { break }
      round.attempts = ends.map { ($0.notifier, $0.status) }
      round.lost += ends.filter { $0.status == .refused }
    }
    round.waiting = table.open.count
    try table.clean()
    return round
  }

  /// Whether nothing waits that could be sent now.
  var isIdle: Bool { OutboxRules.due(table.open.values, now: clock()).isEmpty }

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
    if Double(now - delivery.plannedAt) > notifier.giveUpSeconds * 1e6,
      delivery.attempts > 0 || delivery.dueAt < now - Int64(notifier.giveUpSeconds * 1e6)
    {
      return (.expired, delivery.outcome ?? "too late")
    }
    guard let alert = try desk.get(delivery.alert) else { return (.dropped, "there is no such alert any more") }
    return OutboxRules.obsolete(delivery, alert, wasTold: table.wasTold(delivery)).map { (.dropped, $0) }
  }

  /// Sends messages: one thread for each notifier, so that one that hangs does not keep the others waiting.
  private func send(_ messages: [[Delivery]], now: Int64) -> [String: Sender.Outcome] {
    var jobs: [(Notifier, [(deliveries: [Delivery], notice: Notice)])] = []
    for (name, group) in Dictionary(grouping: messages, by: { $0[0].notifier }).sorted(by: { $0.key < $1.key }) {
      guard let notifier = settings.notifiers[name] else { continue }
      jobs.append((notifier, group.compactMap { message in notice(message, notifier).map { (message, $0) } }))
    }
    let prepared = jobs
    let results = Results()
    DispatchQueue.concurrentPerform(iterations: prepared.count) { index in
      let (notifier, messages) = prepared[index]
      var isAway: String?
      for message in messages {
        var outcome = Sender.Outcome.failed(isAway ?? "", retryAfterSeconds: nil)
        if isAway == nil {
          outcome = Sender(notifier: notifier, recipient: message.deliveries[0].recipient, now: now).send(
            message.notice)
          if case .failed(let reason, _) = outcome { isAway = reason }
        }
        results.set(outcome, message.deliveries.map(\.id))
      }
    }
    return results.all
  }

  private func notice(_ deliveries: [Delivery], _ notifier: Notifier) -> Notice? {
    let alerts = deliveries.compactMap { try? desk.get($0.alert) }.map {
      Notice.shown($0, patient: notifier.showsPatient)
    }
    guard !alerts.isEmpty else { return nil }
    let id =
      deliveries.count == 1 ? deliveries[0].id : AlertIdentity.digest(deliveries.map(\.id).joined(separator: "\u{0}"))
    var notice = Notice(id: id, kind: deliveries[0].kind, alerts: alerts, at: deliveries[0].plannedAt)
    if let link = settings.link {
      for alert in alerts { notice.links[alert.id] = PolicyText.filled(link, ["id": alert.id]) }
    }
    return notice
  }

  private func settle(_ delivery: inout Delivery, _ outcome: Sender.Outcome) {
    switch outcome {
    case .delivered:
      delivery.status = .delivered
      delivery.outcome = nil
    case .refused(let reason):
      delivery.status = .refused
      delivery.outcome = reason
    case .failed(let reason, let retryAfter):
      delivery.status = .failed
      delivery.outcome = reason
      let pause = OutboxRules.pause(
        afterAttempts: delivery.attempts, id: delivery.id, retryAfterSeconds: retryAfter)
      delivery.dueAt = clock() + Int64(pause * 1e6)
    }
  }
}

/// What several threads found out.
private final class Results: @unchecked Sendable {
  // Safe to share: under the lock only.
  private let lock = NSLock()
  private var outcomes: [String: Sender.Outcome] = [:]

  func set(_ outcome: Sender.Outcome, _ ids: [String]) {
    lock.withLock { for id in ids { outcomes[id] = outcome } }
  }

  var all: [String: Sender.Outcome] { lock.withLock { outcomes } }
}
