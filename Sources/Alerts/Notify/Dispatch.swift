internal import Foundation

/// Sends the messages that a process has taken.
struct Dispatch: Sendable {
  /// The deliveries of one message, and what it says.
  struct Message: Sendable {
    var deliveries: [Delivery]
    var notice: Notice
  }

  /// How a message ended.
  enum End: Sendable, Hashable {
    /// It was sent.
    case tried(Sender.Outcome)
    /// It was not sent: its notifier is away, as an earlier message has shown.
    case away(String)
    /// It was not sent: the time for which it is taken would not have lasted.
    case outOfTime
  }

  /// Microseconds since 1970.
  let clock: @Sendable () -> Int64

  /// Sends messages: one thread for each notifier, so that one that hangs does not keep the others waiting.
  /// - Returns: the ends by delivery.
  func send(_ jobs: [(notifier: Notifier, messages: [Message])]) -> [String: End] {
    let ends = Ends()
    DispatchQueue.concurrentPerform(iterations: jobs.count) { index in
      let (notifier, messages) = jobs[index]
      var isAway: String?
      for message in messages {
        let end = isAway.map { End.away($0) } ?? send(message, to: notifier)
        if case .tried(.failed(let reason, _, isAway: true)) = end { isAway = reason }
        ends.set(end, message.deliveries.map(\.id))
      }
    }
    return ends.all
  }

  private func send(_ message: Message, to notifier: Notifier) -> End {
    let now = clock()
    // Another process may take the message as soon as the lease is over: an attempt must end before.
    guard now + Int64(notifier.timeoutSeconds) * 1_000_000 <= message.deliveries[0].dueAt else { return .outOfTime }
    let recipient = message.deliveries[0].recipient
    return .tried(Sender(notifier: notifier, recipient: recipient, now: now).send(message.notice))
  }
}

/// What several threads found out.
private final class Ends: @unchecked Sendable {
  // Safe to share: under the lock only.
  private let lock = NSLock()
  private var ends: [String: Dispatch.End] = [:]

  func set(_ end: Dispatch.End, _ ids: [String]) {
    lock.withLock { for id in ids { ends[id] = end } }
  }

  var all: [String: Dispatch.End] { lock.withLock { ends } }
}
