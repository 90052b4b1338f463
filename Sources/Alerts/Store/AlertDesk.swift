public import Observability
public import Streaming

/// Where alerts are looked at and worked with: by the command line, the API and the dashboard.
///
/// Every process may have its own desk on the same lake; they see each other's changes. Safe from any thread; calls
/// block for some milliseconds.
public final class AlertDesk: Sendable {
  let store: AlertStore
  let policies: [PolicyID: AlertPolicy]
  let clock: @Sendable () -> Int64

  /// A desk on a lake.
  /// - Parameters:
  ///   - policies: The policies in force, for escalation levels.
  ///   - clock: Microseconds since 1970.
  public init(
    lake: Lake, policies: [AlertPolicy] = [], clock: @escaping @Sendable () -> Int64 = Logger.systemClock
  ) throws {
    store = try AlertStore(lake: lake)
    self.policies = Dictionary(policies.map { ($0.id, $0) }) { first, _ in first }
    self.clock = clock
  }

  /// Alerts, the most urgent first and of those the newest.
  public func list(_ filter: AlertFilter = AlertFilter()) throws -> [Alert] {
    var found = try store.read { book, _ in book.alerts.values.filter(filter.matches) }
    if filter.wantsClosed {
      let known = Set(found.map(\.id))
      found += try store.alerts(where: filter.condition, limit: filter.limit)
        .filter { !known.contains($0.id) && filter.matches($0) }
    }
    found.sort { ($0.severity, $0.openedAt, $1.id) > ($1.severity, $1.openedAt, $0.id) }
    return Array(found.prefix(filter.limit))
  }

  /// What an alert is about. One whose policy is no longer in force is taken for a patient's.
  public func subject(of alert: Alert) -> AlertSubject { policies[alert.policy]?.subject ?? .patient }

  /// One alert; nil if there is none of that id.
  public func get(_ id: String) throws -> Alert? { try store.alert(id) }

  /// Everything that happened to an alert, in order.
  public func history(of id: String) throws -> [AlertEvent] {
    try store.events(where: "alert_id = \(AlertStore.literal(id))", limit: 10_000)
  }

  /// Events after a number, in order: for those who follow what happens. Number 0 is before the first.
  public func events(after sequence: Int64, limit: Int = 1_000) throws -> [AlertEvent] {
    let newest = try store.read { book, _ in book.sequence }
    return newest > sequence ? try store.events(where: "true", after: sequence, limit: limit) : []
  }

  /// Number of the newest event.
  public func newestSequence() throws -> Int64 { try store.read { book, _ in book.sequence } }

  /// Does something about an alert.
  /// - Parameters:
  ///   - by: Who acts: the name of a person or a token.
  ///   - reason: Why, or the comment.
  /// - Returns: the alert afterwards.
  /// - Throws: ``AlertRefusal`` if the action is not possible; errors of the tables.
  @discardableResult
  public func apply(_ action: AlertAction, to id: String, by: String, reason: String? = nil) throws -> Alert {
    guard try store.recall(id) else { throw AlertRefusal.unknownAlert }
    let now = clock()
    try store.commit { book, _ in
      guard let alert = book.alerts[id] else { throw AlertRefusal.unknownAlert }
      return AlertStore.Change(
        events: try AlertRules.events(
          action, on: alert, by: by, reason: reason, now: now, policy: policies[alert.policy]))
    }
    guard let alert = try get(id) else { throw AlertRefusal.unknownAlert }
    return alert
  }

  /// Lets the time that has passed take effect: escalations, the ends of snoozes. Any process may call it at any time.
  /// - Returns: the events that it made.
  @discardableResult
  public func passTime() throws -> [AlertEvent] {
    let now = clock()
    // Most of the time nothing is due: look before asking for a commit.
    let isDue = try store.read { book, _ in !due(book, now: now).isEmpty }
    guard isDue else { return [] }
    return try store.commit { book, _ in AlertStore.Change(events: due(book, now: now)) }
  }

  private func due(_ book: AlertBook, now: Int64) -> [AlertEvent] {
    book.alerts.values.filter { $0.state == .open }.sorted { $0.id < $1.id }.flatMap { alert in
      AlertRules.events(
        alert, cover: alert.coveredBy.flatMap { book.alerts[$0] }, policy: policies[alert.policy], now: now)
    }
  }

  /// Brings the table `alerts` level with the events, for queries.
  public func project() throws { try store.project() }
}
