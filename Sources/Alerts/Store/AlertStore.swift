internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Streaming

/// The Delta tables of alerts: `alert_events` is what is true, `alerts` is its sum for people and queries.
///
/// Several processes may change alerts at once. Every commit of events carries the `txn` action `alerts` with the number
/// of its last event. A writer decides from the events up to number n and commits n + 1 and following; if another was
/// faster, Delta refuses the commit as stale, and the writer reads what is new and decides again. So decisions are made
/// one after the other in the whole lake, and no two contradict each other.
///
/// Safe from any thread: one lock guards everything.
final class AlertStore: @unchecked Sendable {
  /// What is to be committed together.
  struct Change {
    var events: [AlertEvent] = []
    /// Positions of evaluations that these events, or their absence, cover.
    var transactions: [AppTransaction] = []
    var isEmpty: Bool { events.isEmpty && transactions.isEmpty }
  }

  static let eventsTable = "alert_events"
  static let alertsTable = "alerts"
  /// The `txn` application that numbers events.
  static let application = "alerts"

  private let lake: Lake
  private let lock = NSLock()
  private let connection: Connection
  private var events: DeltaTable?
  private var alerts: DeltaTable?
  private var book = AlertBook()
  private var readVersion: Int64 = -1
  private var lastCleaning = ContinuousClock.now

  /// A store on a lake. Tables are made with the first change.
  init(lake: Lake) throws {
    self.lake = lake
    // Its own small engine: it is used between and beside a pipeline's statements.
    connection = try Database(settings: ["threads": "1", "memory_limit": "256MB"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
  }

  // MARK: Reading

  /// The live alerts, brought up to date, and the positions of evaluations.
  func read<R>(_ body: (AlertBook, [String: Int64]) throws -> R) throws -> R {
    try lock.withLock {
      try refresh()
      return try body(book, try positions())
    }
  }

  /// An alert, live or not.
  func alert(_ id: String) throws -> Alert? {
    try lock.withLock {
      try refresh()
      return try book.alerts[id] ?? stored("alert_id = \(SQL.quote(literal: id))").first
    }
  }

  /// Stored alerts that meet a condition, the newest first, at most so many; live ones as they are now.
  func alerts(where condition: String, limit: Int) throws -> [Alert] {
    try lock.withLock {
      try refresh()
      return try stored(condition, limit: limit).map { book.alerts[$0.id] ?? $0 }
    }
  }

  /// Events that meet a condition, in order, at most so many.
  func events(where condition: String, after sequence: Int64 = 0, limit: Int) throws -> [AlertEvent] {
    try lock.withLock {
      try open()
      guard let events else { return [] }
      return try read(events, after: sequence, condition: condition, limit: limit)
    }
  }

  // MARK: Changing

  /// Commits what transitions make of the alerts.
  /// - Parameters:
  ///   - policies: The policies that the transitions are about, and all that are in force.
  ///   - covers: For each policy, the policies that speak for it.
  ///   - transactions: The positions that the transitions cover; called with the positions of evaluations. Nil: somebody else
  ///     has judged them.
  func commit(
    _ transitions: [Transition], policies: [PolicyID: AlertPolicy], covers: [PolicyID: Set<PolicyID>], now: Int64,
    transactions: ([String: Int64]) throws -> [AppTransaction]?
  ) throws -> [AlertEvent] {
    try commit { book, stored in
      guard let moves = try transactions(stored) else { return Change() }
      var book = book
      for alert in try forgotten(by: book, transitions, policies) { book.adopt(alert) }
      return Change(
        events: AlertRules.events(transitions, in: book, policies: policies, covers: covers, now: now),
        transactions: moves)
    }
  }

  /// The stored alerts that transitions concern and the book has forgotten: the newest of each policy and patient, and
  /// those that the transitions would raise again.
  private func forgotten(
    by book: AlertBook, _ transitions: [Transition], _ policies: [PolicyID: AlertPolicy]
  ) throws -> [Alert] {
    let asked = book.beyondMemory(transitions) { Int64((policies[$0]?.holdOffSeconds ?? 0) * 1e6) }
    guard !asked.isEmpty else { return [] }
    func list(_ texts: some Sequence<String>) -> String {
      Set(texts).sorted().map { SQL.quote(literal: $0) }.joined(separator: ", ")
    }
    let ids = "alert_id IN (\(list(asked.map { AlertIdentity.id(of: $0) })))"
    let patients = "patient_id IN (\(list(asked.map(\.patient))))"
    return try stored(
      """
      \(ids) OR (policy IN (\(list(asked.map(\.policy.policy))))
          AND row_number() OVER (PARTITION BY pipeline, policy, patient_id ORDER BY opened_at DESC,
            state IN ('open', 'acknowledged') OR is_active DESC, "sequence" DESC) = 1)
      """, among: "\(ids) OR \(patients)")
  }

  /// Commits a change that is worked out from the newest state, again whenever another writer was faster.
  /// - Parameter make: Pure; called with the live alerts and the positions of evaluations.
  /// - Returns: the events as they were stored.
  @discardableResult
  func commit(_ make: (AlertBook, [String: Int64]) throws -> Change) throws -> [AlertEvent] {
    try lock.withLock {
      while true {
        try refresh()
        var change = try make(book, try positions())
        guard !change.isEmpty else { return [] }
        try create()
        guard let events else { return [] }
        for index in change.events.indices { change.events[index].sequence = book.sequence + Int64(index) + 1 }
        var transactions = change.transactions
        var files: [AddFile] = []
        if let last = change.events.last {
          transactions.append(AppTransaction(appId: Self.application, version: last.sequence))
          files = try change.events.slices.flatMap { slice in
            try EventRows.columns.staged(slice, on: connection) {
              try DeltaWriter(connection: connection).write($0, into: events)
            }
          }
        }
        let outcome = try events.append(
          files, transactions: transactions, operation: "ALERTS",
          metrics: ["numOutputRows": String(change.events.count)])
        guard case .committed = outcome else { continue }
        try refresh()
        return change.events
      }
    }
  }

  /// Puts an alert that was forgotten back among the live ones, so that a change can be worked out from it.
  func recall(_ id: String) throws -> Bool {
    try lock.withLock {
      try refresh()
      if book.alerts[id] != nil { return true }
      guard let alert = try stored("alert_id = \(SQL.quote(literal: id))").first else { return false }
      book.adopt(alert)
      return true
    }
  }

  /// Brings the table `alerts` level with the events. Any process may do it, at any time.
  func project() throws {
    try lock.withLock {
      try refresh()
      guard book.sequence > 0 else { return }
      try create()
      guard let alerts else { return }
      let applied = try alerts.snapshot().transactions[Self.application] ?? 0
      guard book.sequence > applied else { return }
      // In order, so that every slice says how far the table has come.
      let changed = book.alerts.values.filter { $0.sequence > applied }.sorted { $0.sequence < $1.sequence }
      do {
        for slice in changed.slices { try merge(slice, into: alerts) }
        if changed.last?.sequence ?? applied < book.sequence {
          _ = try alerts.append([], transactions: [Self.reached(book.sequence)], operation: "ALERTS")
        }
        book.forget(storedUpTo: book.sequence)
      } catch let error as DeltaError {
        // Somebody else is storing the same alerts.
        guard error.code == .conflict else { throw error }
      }
      try clean()
    }
  }

  private static func reached(_ sequence: Int64) -> AppTransaction {
    AppTransaction(appId: application, version: sequence)
  }

  private func merge(_ changed: ArraySlice<Alert>, into alerts: DeltaTable) throws {
    guard let last = changed.last else { return }
    _ = try AlertRows.columns.staged(changed, on: connection) { rows in
      try DeltaEditor(connection: connection).merge(
        into: alerts, using: rows, on: "target.alert_id = source.alert_id",
        [
          .updateMatched(set: Self.assignments, condition: "source.\"sequence\" > target.\"sequence\""),
          .insertNotMatched(values: Self.assignments),
        ], transactions: [Self.reached(last.sequence)])
    }
  }

  private static let assignments = Dictionary(
    uniqueKeysWithValues: AlertRows.columns.map { ($0.name, "source.\(SQL.quote(identifier: $0.name))") })

  /// Joins small files and drops old ones, now and then.
  private func clean() throws {
    guard ContinuousClock.now - lastCleaning > .seconds(60) else { return }
    lastCleaning = .now
    for table in [events, alerts].compactMap({ $0 }) {
      _ = try DeltaEditor(connection: connection).optimize(table, minimumFiles: 24)
      try table.cleanUpLog(keeping: 10_000)
      _ = try table.vacuum()
    }
  }

  // MARK: Inside the lock

  private func positions() throws -> [String: Int64] { try events?.snapshot().transactions ?? [:] }

  private func open() throws {
    if events == nil, DeltaTable.exists(at: lake.location(ofTable: Self.eventsTable)) {
      events = try DeltaTable(at: lake.location(ofTable: Self.eventsTable))
    }
    if alerts == nil, DeltaTable.exists(at: lake.location(ofTable: Self.alertsTable)) {
      alerts = try DeltaTable(at: lake.location(ofTable: Self.alertsTable))
    }
  }

  private func create() throws {
    guard events == nil || alerts == nil else { return }
    // Bounds of columns stand in the log in clear text: only of columns that name no patient.
    let common = ["delta.checkpointInterval": "100", "delta.deletedFileRetentionDuration": "interval 6 hours"]
    events = try DeltaTable.create(
      at: lake.location(ofTable: Self.eventsTable), schema: EventRows.columns.schema(), name: Self.eventsTable,
      description: "Every change of an alert: who, when, what and why. Rows are only added.",
      configuration: common.merging([
        "delta.appendOnly": "true", "delta.dataSkippingStatsColumns": "sequence,alert_id,at",
      ]) { $1 })
    alerts = try DeltaTable.create(
      at: lake.location(ofTable: Self.alertsTable), schema: AlertRows.columns.schema(), name: Self.alertsTable,
      description: "Alerts as they are now; follows from alert_events.",
      configuration: common.merging(["delta.dataSkippingStatsColumns": "alert_id,sequence,opened_at"]) { $1 })
  }

  /// Reads the events that are new.
  private func refresh() throws {
    try open()
    guard let events else { return }
    let version = try events.snapshot().version
    guard version != readVersion else { return }
    if readVersion < 0, let alerts {
      let applied = try alerts.snapshot().transactions[Self.application] ?? 0
      book = AlertBook(try stored(Self.isLive), sequence: applied)
    }
    let new = try read(events, after: book.sequence)
    let missing = Set(new.filter { $0.kind != .opened }.compactMap(\.alert)).subtracting(book.alerts.keys)
      .subtracting(new.filter { $0.kind == .opened }.compactMap(\.alert))
    if !missing.isEmpty {
      let ids = missing.sorted().map { SQL.quote(literal: $0) }.joined(separator: ", ")
      for alert in try stored("alert_id IN (\(ids))") { book.adopt(alert) }
    }
    for event in new { book.apply(event) }
    readVersion = version
  }

  /// What may still change, in SQL: as `Alert.isLive`.
  private static let isLive = """
    state IN ('open', 'acknowledged') OR is_active
      OR epoch_us(ended_at) >= (max(epoch_us(ended_at)) OVER (PARTITION BY pipeline)) - \(Alert.memory)
    """

  /// - Parameter rows: Which rows are looked at; a window function of the condition sees no others.
  private func stored(_ condition: String, among rows: String = "true", limit: Int? = nil) throws -> [Alert] {
    guard let alerts else { return [] }
    let scan = try DeltaReader.scanSQL(alerts.snapshot())
    let order = limit.map { "ORDER BY opened_at DESC, alert_id LIMIT \($0)" } ?? ""
    // QUALIFY, because the condition may hold a window function.
    return try RowReader.rows(
      connection,
      """
      SELECT \(AlertRows.columns.list()) FROM
      (SELECT * FROM \(scan) AS s WHERE \(rows) QUALIFY \(condition) OR count(*) OVER () < 0) AS rows \(order)
      """
    ).compactMap(AlertRows.alert)
  }

  private func read(
    _ table: DeltaTable, after sequence: Int64, condition: String = "true", limit: Int? = nil
  ) throws -> [AlertEvent] {
    let scan = try DeltaReader.scanSQL(
      table.snapshot(), filters: [ColumnFilter("sequence", .greaterOrEqual(.int(sequence + 1)))])
    return try RowReader.rows(
      connection,
      """
      SELECT \(EventRows.columns.list()) FROM (SELECT * FROM \(scan) AS s
      WHERE "sequence" > \(sequence) AND (\(condition)) ORDER BY "sequence" \(limit.map { "LIMIT \($0)" } ?? "")) AS rows
      ORDER BY "sequence"
      """
    ).compactMap(EventRows.event)
  }
}

extension AlertStore {
  /// A string as a SQL literal.
  static func literal(_ text: String) -> String { SQL.quote(literal: text) }
}
