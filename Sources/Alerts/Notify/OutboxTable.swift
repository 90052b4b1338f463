internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Streaming

/// The Delta table `alert_deliveries`: every change of every delivery.
///
/// The events themselves are the outbox: who is to be told stands in the same commit as what happened, so it cannot get
/// lost between the two. This table says how far the events were planned (`txn` `planned`) and what became of each
/// delivery. Commits are numbered like those of events, so that two processes never take the same delivery.
final class OutboxTable {
  static let name = "alert_deliveries"
  private static let numbering = "deliveries"
  private static let planning = "planned"

  private static let columns: [RowColumn<Delivery>] = [
    RowColumn("sequence", .long) { .number($0.sequence) },
    RowColumn("delivery_id", .string) { .text($0.id) },
    RowColumn("event", .long) { .number($0.event) },
    RowColumn("alert_id", .string) { .text($0.alert) },
    RowColumn("notifier", .string) { .text($0.notifier) },
    RowColumn("recipient", .long) { .number(Int64($0.recipient)) },
    RowColumn("kind", .string) { .text($0.kind.rawValue) },
    RowColumn("batch", .string) { .text($0.group) },
    RowColumn("status", .string) { .text($0.status.rawValue) },
    RowColumn("attempts", .long) { .number(Int64($0.attempts)) },
    RowColumn("at", .timestamp) { .time($0.at) },
    RowColumn("planned_at", .timestamp) { .time($0.plannedAt) },
    RowColumn("due_at", .timestamp) { .time($0.dueAt) },
    RowColumn("outcome", .string) { .text($0.outcome) },
  ]

  private let lake: Lake
  private let connection: Connection
  private var table: DeltaTable?
  private var readVersion: Int64 = -1
  private var sequence: Int64 = 0
  private var lastCleaning = ContinuousClock.now
  /// Events up to this number have their deliveries.
  private(set) var planned: Int64 = 0
  /// Deliveries that are not final, by id.
  private(set) var open: [String: Delivery] = [:]
  /// Notifiers that have, or may have, taken a message about an alert: `NOTIFIER/RECIPIENT/ALERT`.
  private var told: Set<String> = []

  init(lake: Lake) throws {
    self.lake = lake
    connection = try Database(settings: ["threads": "1", "memory_limit": "256MB"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
  }

  private static func key(_ delivery: Delivery) -> String {
    "\(delivery.notifier)/\(delivery.recipient)/\(delivery.alert)"
  }

  /// Whether the notifier of a delivery has taken, or may have taken, an earlier message about its alert.
  func wasTold(_ delivery: Delivery) -> Bool { told.contains(Self.key(delivery)) }

  /// Reads what other processes have added.
  func refresh() throws {
    if table == nil {
      guard DeltaTable.exists(at: lake.location(ofTable: Self.name)) else { return }
      table = try DeltaTable(at: lake.location(ofTable: Self.name))
    }
    guard let table else { return }
    let snapshot = try table.snapshot()
    guard snapshot.version != readVersion else { return }
    let scan = try DeltaReader.scanSQL(
      snapshot, filters: [ColumnFilter("sequence", .greaterOrEqual(.int(sequence + 1)))])
    let rows = try RowReader.rows(
      connection,
      "SELECT \(Self.columns.list()) FROM \(scan) AS s WHERE \"sequence\" > \(sequence) ORDER BY \"sequence\"")
    for delivery in rows.compactMap(Self.delivery) { note(delivery) }
    planned = max(planned, snapshot.transactions[Self.planning] ?? 0)
    readVersion = snapshot.version
  }

  private func note(_ delivery: Delivery) {
    sequence = max(sequence, delivery.sequence)
    open[delivery.id] = delivery.status.isFinal ? nil : delivery
    // An attempt whose answer was never seen may have arrived: the end must then be told too.
    let mayHaveArrived = delivery.attempts > 0 && [.dropped, .expired].contains(delivery.status)
    if delivery.status == .delivered || mayHaveArrived { told.insert(Self.key(delivery)) }
  }

  /// Adds changes. False if another process was faster: nothing was written; look again.
  func append(_ changes: [Delivery], planned newPlanned: Int64? = nil, now: Int64) throws -> Bool {
    try create()
    guard let table else { return false }
    var rows = changes
    for index in rows.indices {
      rows[index].sequence = sequence + Int64(index) + 1
      rows[index].at = now
    }
    var transactions: [AppTransaction] = []
    if let last = rows.last { transactions.append(AppTransaction(appId: Self.numbering, version: last.sequence)) }
    if let newPlanned, newPlanned > planned {
      transactions.append(AppTransaction(appId: Self.planning, version: newPlanned))
    }
    let files = try rows.slices.flatMap { slice in
      try Self.columns.staged(slice, on: connection) {
        try DeltaWriter(connection: connection).write($0, into: table)
      }
    }
    let outcome = try table.append(
      files, transactions: transactions, operation: "DELIVERIES", metrics: ["numOutputRows": String(rows.count)])
    guard case .committed = outcome else {
      try refresh()
      return false
    }
    // Read back, rather than noted here, so that nobody's rows in between are missed.
    try refresh()
    return true
  }

  private func create() throws {
    guard table == nil else { return }
    table = try DeltaTable.create(
      at: lake.location(ofTable: Self.name), schema: Self.columns.schema(), name: Self.name,
      description: "Every change of every message to a notifier. Rows are only added.",
      configuration: [
        "delta.appendOnly": "true", "delta.checkpointInterval": "100",
        "delta.dataSkippingStatsColumns": "sequence,event,at",
        "delta.deletedFileRetentionDuration": "interval 6 hours",
      ])
    try refresh()
  }

  /// Joins small files and drops old ones, now and then.
  func clean() throws {
    guard let table, ContinuousClock.now - lastCleaning > .seconds(60) else { return }
    lastCleaning = .now
    _ = try DeltaEditor(connection: connection).optimize(table, minimumFiles: 24)
    try table.cleanUpLog(keeping: 10_000)
    _ = try table.vacuum()
  }

  private static func delivery(_ row: RowReader) -> Delivery? {
    guard let id = row.text("delivery_id"), let event = row.number("event"), let alert = row.text("alert_id"),
      let notifier = row.text("notifier"), let kind = row.text("kind").flatMap(Notice.Kind.init),
      let status = row.text("status").flatMap(Delivery.Status.init), let at = row.number("at"),
      let due = row.number("due_at"), let sequence = row.number("sequence")
    else { return nil }
    return Delivery(
      id: id, sequence: sequence, event: event, alert: alert, notifier: notifier,
      recipient: Int(row.number("recipient") ?? 0), kind: kind, group: row.text("batch"), status: status,
      attempts: Int(row.number("attempts") ?? 0), at: at, plannedAt: row.number("planned_at") ?? at, dueAt: due,
      outcome: row.text("outcome"))
  }
}
