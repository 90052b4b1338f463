internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Observability
public import Streaming

/// What a call did with patients' data, as its handler notes it down.
public final class AuditTrail: @unchecked Sendable {
  // Safe to share: a call's handler runs on one thread, and the log reads it when the handler is done.
  private(set) var patients: [String] = []
  private(set) var detail: String?

  /// A trail without steps.
  public init() {}

  /// These patients' data were read or changed.
  public func touched(_ patients: some Sequence<String>) { self.patients += patients }

  /// What else belongs to the entry, such as the SQL or the reason.
  public func note(_ detail: String) { self.detail = String(detail.prefix(4_000)) }
}

/// The append-only Delta table of who read or changed which patient's data, when, and from where.
///
/// Entries are gathered and written together. Of reads, those of the last second may be lost with the machine; an entry
/// about a change is durable before the change is answered. The table lies beside the lake's tables, out of reach of
/// queries; admins see it as `audit_log`.
public final class AuditLog: @unchecked Sendable {
  // Safe to share: everything mutable is touched under the condition's lock, except what belongs to the writer's thread.

  /// One line of the log.
  struct Entry {
    var at: Int64
    var principal: Principal
    var action: String
    var patients: [String]
    var method: String
    var path: String
    var status: Int
    var address: String
    var detail: String?
  }

  /// The table's name for queries.
  public static let tableName = "audit_log"
  /// The most entries that may wait; when the disk does not take them, requests on patients are refused.
  private let limit: Int

  /// The folder of the table.
  public let location: String
  private let condition = NSCondition()
  private var waiting: [Entry] = []
  private var accepted = 0
  private var durable = 0
  private var urgent = false
  private var stopped = false
  private var isFailing = false
  private let logger: Logger
  private let connection: Connection
  private let done = DispatchSemaphore(value: 0)

  /// The folder of a lake's audit log.
  public static func location(in lake: Lake) -> String { "\(lake.root)/_audit/\(tableName)" }

  /// Opens the log of a lake, or makes it, and starts its writer.
  init(lake: Lake, limit: Int, logger: Logger) throws {
    self.limit = limit
    location = Self.location(in: lake)
    self.logger = logger
    connection = try Database(settings: ["threads": "1", "memory_limit": "256MB"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    try FileManager.default.createDirectory(
      atPath: "\(lake.root)/_audit", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let table = try DeltaTable.create(
      at: location,
      schema: DeltaLake.Schema([
        StructField("time", .timestamp), StructField("principal", .string), StructField("role", .string),
        StructField("action", .string), StructField("patients", .array(.string, containsNull: true)),
        StructField("method", .string), StructField("path", .string), StructField("status", .integer),
        StructField("address", .string), StructField("detail", .string),
      ]), name: Self.tableName, description: "Who read or changed which patient's data. Rows are only added.",
      configuration: ["delta.appendOnly": "true", "delta.dataSkippingStatsColumns": "time"])
    let thread = Thread { [self] in
      loop(table)
      done.signal()
    }
    thread.name = "audit log"
    thread.start()
  }

  /// Takes an entry. With `durably` it returns when the entry is on the disk.
  /// - Throws: ``AuditError`` if the writer is behind by too much or the entry must be durable.
  func add(_ entry: Entry, durably: Bool) throws {
    condition.lock()
    defer { condition.unlock() }
    if waiting.count >= limit { throw AuditError() }
    waiting.append(entry)
    accepted += 1
    let mine = accepted
    if durably { urgent = true }
    condition.broadcast()
    guard durably else { return }
    let end = Date(timeIntervalSinceNow: 15)
    while durable < mine, !stopped, condition.wait(until: end) {}
    if durable < mine { throw AuditError() }
  }

  /// Whether an entry can still be taken. For a change the last write must have worked: what cannot be noted down is better
  /// not done.
  func takes(change: Bool) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    return waiting.count < limit && !(change && isFailing)
  }

  /// Writes what waits; nothing is lost that was added before.
  func flush() {
    condition.lock()
    let mine = accepted
    urgent = true
    condition.broadcast()
    let end = Date(timeIntervalSinceNow: 15)
    while durable < mine, !stopped, condition.wait(until: end) {}
    condition.unlock()
  }

  /// Writes what waits and ends the writer.
  func close() {
    flush()
    condition.lock()
    stopped = true
    condition.broadcast()
    condition.unlock()
    done.wait()
  }

  private func loop(_ table: DeltaTable) {
    var commits = 0
    while true {
      condition.lock()
      while waiting.isEmpty, !stopped { condition.wait() }
      if stopped {
        condition.unlock()
        return
      }
      // Whoever comes within a second is written together, unless somebody waits for it.
      let end = Date(timeIntervalSinceNow: 1)
      while !urgent, !stopped, waiting.count < 2_000, condition.wait(until: end) {}
      urgent = false
      let batch = Array(waiting.prefix(5_000))
      condition.unlock()
      let error = write(batch, to: table)
      commits += 1
      condition.lock()
      isFailing = error != nil
      if error == nil {
        waiting.removeFirst(batch.count)
        durable += batch.count
      }
      condition.broadcast()
      if let error {
        logger.error(
          "audit_log_not_written", ["reason": .name("\(type(of: error))"), "waiting": .count(Int64(waiting.count))])
        _ = condition.wait(until: Date(timeIntervalSinceNow: 1))
      }
      condition.unlock()
      if commits.isMultiple(of: 200) { _ = try? DeltaEditor(connection: connection).optimize(table, minimumFiles: 100) }
    }
  }

  private func write(_ entries: [Entry], to table: DeltaTable) -> (any Error)? {
    // One text for all entries: a list of patients as SQL would cost a node of the query for each of them.
    let rows = SQL.quote(literal: AuditRows.json(entries))
    do {
      let files = try DeltaWriter(connection: connection).write(
        """
        SELECT make_timestamptz(e.at) AS "time", e.principal, e.role, e.action, e.patients, e.method, e.path, e.status,
          e.address, e.detail
        FROM (SELECT unnest(from_json(\(rows), \(SQL.quote(literal: AuditRows.structure)))) AS e)
        """, into: table)
      _ = try table.append(files, operation: "AUDIT", metrics: ["numOutputRows": String(entries.count)])
      return nil
    } catch {
      return error
    }
  }
}

/// The audit log cannot be written.
struct AuditError: Error, CustomStringConvertible {
  var description: String { "the audit log cannot be written: is the disk full?" }
}
