/// One alert: an episode in which a policy's condition held for a patient, and what people did about it.
///
/// It is the sum of its events: ``AlertEvent`` is what is stored first, and this follows from it. Times are
/// microseconds since 1970: event time for what happened to the patient, the clock for what people and the program did.
public struct Alert: Sendable, Hashable, Identifiable {
  /// Where an alert is in its life.
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// Nobody has taken it.
    case open
    /// Somebody has taken it; it stays until its condition is over or somebody closes it.
    case acknowledged
    /// Over, by itself or by a person.
    case resolved
    /// Closed by a person who gave a reason why it needed nothing.
    case dismissed

    /// Whether it needs nobody any more.
    public var isClosed: Bool { self == .resolved || self == .dismissed }
  }

  /// Follows from pipeline, policy, patient and the beginning: the same in every process and in every replay.
  public var id: String
  /// The policy that raised it.
  public var policy: PolicyID
  /// How urgent it is.
  public var severity: AlertSeverity
  /// The patient, as the table names him or her: a pseudonym where the records have one.
  public var patient: String
  /// The ward at the opening.
  public var ward: String?
  /// The policy's title, placeholders filled.
  public var title: String
  /// The policy's message, placeholders filled.
  public var message: String
  /// Values of the policy's `show` columns at the opening, as JSON. Patient data: never logged, never sent.
  public var facts: String?
  /// Where it is in its life.
  public var state: State = .open
  /// Whether its condition holds.
  public var isActive = true
  /// Its row was old when it arrived: it tells nobody.
  public var isRetrospective = false
  /// While nobody has acknowledged it, it stays open even when its condition is over.
  public var isLatching = false
  /// The open alert of the same patient that speaks for this one.
  public var coveredBy: String?
  /// The escalation level that was reached; 0 is the first.
  public var level = 0
  /// How often the condition held: 1, and one more for each time it came back within the hold-off.
  public var episodes = 1
  /// Event time at which the condition began to hold.
  public var since: Int64
  /// Event time of the row that raised it.
  public var eventTime: Int64
  /// Event time at which the condition was over; nil while it holds.
  public var endedAt: Int64?
  /// The clock when it was raised.
  public var openedAt: Int64
  /// Nobody is told before this, because of quiet hours or a suppression window.
  public var silentUntil: Int64?
  /// Why nobody is told before then.
  public var silentReason: String?
  /// When and by whom it was acknowledged last.
  public var acknowledgedAt: Int64?
  /// Who acknowledged it.
  public var acknowledgedBy: String?
  /// Nobody is reminded before this.
  public var snoozedUntil: Int64?
  /// When it was closed.
  public var closedAt: Int64?
  /// Who closed it; the program's own name if its condition was over.
  public var closedBy: String?
  /// Why it was closed.
  public var closeReason: String?
  /// From when the minutes of escalation count.
  public var escalatesFrom: Int64
  /// Notifiers that were to be told of it, so that they also learn of its end.
  public var told: Set<String> = []
  /// The clock of its last event.
  public var changedAt: Int64
  /// Number of its last event.
  public var sequence: Int64
}

/// The key of deduplication: there is one open alert for it.
struct AlertKey: Sendable, Hashable {
  var policy: PolicyID
  var patient: String
}

extension Alert {
  var key: AlertKey { AlertKey(policy: policy, patient: patient) }

  /// Whether another alert of the same policy and patient is the newer one. Of those that one commit has opened, only the
  /// last can still be open or active.
  func wasOpened(before other: Alert) -> Bool {
    func isOver(_ alert: Alert) -> Int { alert.state.isClosed && !alert.isActive ? 0 : 1 }
    return (openedAt, isOver(self), sequence) < (other.openedAt, isOver(other), other.sequence)
  }

  /// Whether a later row of the stream, the clock or a person may still change it without asking for it by name.
  func isLive(newestEnd: Int64) -> Bool {
    if !state.isClosed || isActive { return true }
    return endedAt.map { $0 >= newestEnd - Self.memory } ?? false
  }

  /// How long closed alerts are remembered after their end, in event time, microseconds: the longest hold-off, a day, and an
  /// hour for rows that come in another order.
  static let memory: Int64 = 90_000_000_000
}
