internal import DeltaLake
internal import DuckDB
internal import Foundation
public import Streaming
internal import Synchronization

/// The Delta table `schedule_history`: one row for each attempt of a job, and for each time that passed without one.
public final class ScheduleHistory: Sendable {
  /// What became of an attempt.
  public enum Outcome: String, Sendable, Hashable {
    /// It ended with exit code 0.
    case succeeded
    /// It ended with another exit code.
    case failed
    /// It took too long and was ended.
    case timedOut = "timed out"
    /// The scheduler was stopped, and ended it.
    case stopped
    /// It did not begin.
    case skipped
  }

  /// One row. It holds no patient data: the error is the command's last line, which holds none.
  public struct Entry: Sendable, Hashable {
    /// The job's name.
    public var job: String
    /// The command's words.
    public var command: String
    /// The time that it was due at, seconds since 1970.
    public var due: Double
    /// 1 for the first attempt.
    public var attempt: Int
    /// When it began and ended; nil if it did not begin.
    public var span: ClosedRange<Double>?
    /// What became of it.
    public var outcome: Outcome
    /// The exit code, if it ended by itself.
    public var exitCode: Int?
    /// Why it failed or did not begin.
    public var error: String?

    /// A row from its parts.
    public init(
      job: String, command: String, due: Double, attempt: Int, span: ClosedRange<Double>?, outcome: Outcome,
      exitCode: Int?, error: String?
    ) {
      self.job = job
      self.command = command
      self.due = due
      self.attempt = attempt
      self.span = span
      self.outcome = outcome
      self.exitCode = exitCode
      self.error = error
    }
  }

  /// The table's name.
  public static let table = "schedule_history"
  private static let columns: [Column] = [
    Column(name: "job", type: .varchar), Column(name: "command", type: .varchar),
    Column(name: "due", type: .timestampTZ), Column(name: "attempt", type: .integer),
    Column(name: "started", type: .timestampTZ), Column(name: "ended", type: .timestampTZ),
    Column(name: "seconds", type: .double), Column(name: "outcome", type: .varchar),
    Column(name: "exit_code", type: .integer), Column(name: "error", type: .varchar),
  ]

  private let lake: Lake
  /// One for the life of the scheduler: a database must not end while a thread that used it does.
  private let connection: Mutex<Connection>

  /// The history of a lake; the table is made with the first row.
  public init(_ lake: Lake) throws {
    self.lake = lake
    let connection = try Database(settings: ["threads": "1", "memory_limit": "128MB"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    self.connection = Mutex(connection)
  }

  /// Adds a row.
  public func add(_ entry: Entry) throws {
    try lake.prepare()
    try connection.withLock { try add(entry, $0) }
  }

  private func add(_ entry: Entry, _ connection: Connection) throws {
    let table = try DeltaTable.create(
      at: lake.location(ofTable: Self.table),
      schema: Schema(columns: Self.columns.map { ($0.name, $0.type.description) }), name: Self.table,
      description: "Runs of scheduled jobs, one row per attempt")
    func instant(_ seconds: Double?) -> String {
      seconds.map { "make_timestamptz(\(Int64($0 * 1_000_000)))" } ?? "NULL::TIMESTAMPTZ"
    }
    func text(_ value: String?) -> String { value.map { SQL.quote(literal: $0) } ?? "NULL::VARCHAR" }
    let seconds = entry.span.map { "\($0.upperBound - $0.lowerBound)::DOUBLE" } ?? "NULL::DOUBLE"
    let values = [
      text(entry.job), text(entry.command), instant(entry.due), "\(entry.attempt)::INTEGER",
      instant(entry.span?.lowerBound), instant(entry.span?.upperBound), seconds, text(entry.outcome.rawValue),
      entry.exitCode.map { "\($0)::INTEGER" } ?? "NULL::INTEGER", text(entry.error),
    ]
    let names = Self.columns.map { SQL.quote(identifier: $0.name) }.joined(separator: ", ")
    let files = try DeltaWriter(connection: connection).write(
      "SELECT * FROM (VALUES (\(values.joined(separator: ", ")))) AS h(\(names))", into: table)
    _ = try table.append(files, operation: "SCHEDULE")
    // A row a minute makes half a million small files a year.
    if try table.snapshot().files.count >= 200 { _ = try DeltaEditor(connection: connection).optimize(table) }
  }

  /// What is known of each job from its rows.
  public func memories() throws -> [String: ScheduleBook.Memory] {
    guard DeltaTable.exists(at: lake.location(ofTable: Self.table)) else { return [:] }
    let scan = try DeltaReader.scanSQL(try lake.table(named: Self.table).snapshot())
    let rows = try connection.withLock {
      try $0.query(
        """
        SELECT job, epoch_us(max(due)), epoch_us(max(started) FILTER (attempt = 1)),
          epoch_us(max(ended) FILTER (outcome = 'succeeded'))
        FROM \(scan) WHERE outcome <> 'skipped' GROUP BY job
        """
      ).rows()
    }
    var memories: [String: ScheduleBook.Memory] = [:]
    for row in rows {
      guard let job = row[0].stringValue else { continue }
      var memory = ScheduleBook.Memory()
      memory.lastDue = row[1].intValue.map { Double($0) / 1_000_000 }
      memory.lastStart = row[2].intValue.map { Double($0) / 1_000_000 }
      memory.lastSuccess = row[3].intValue.map { Double($0) / 1_000_000 }
      memories[job] = memory
    }
    return memories
  }
}
