internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// Drops repeats of a streaming table's records, across micro-batches and restarts.
///
/// The keys of recent rows are held in memory, back to `floor` in event time: by the rule's span, and never more than
/// `budget` of them. A record older than that is looked up in the table itself, in those files whose statistics say that
/// they may hold its time. After a restart the keys are read from the table again, so there is nothing else to save. A
/// row with a NULL in one of its keys repeats nothing, as with SQL's UNIQUE.
final class Deduplicator {
  /// What became of a staged table's good rows.
  struct Outcome {
    /// A condition on staged rows that holds for the rows that stay; nil: all of them.
    var condition: String?
    /// Rows that repeat an earlier one.
    var duplicates: Int64
  }

  /// The most keys in memory; an identifier and an instant take 54 bytes, measured, so 110 MB.
  static let defaultBudget: Int64 = 2_000_000
  /// Rows of other times are looked up in this many spans at most.
  private static let lookupSpans: Int64 = 64

  private let rule: Deduplication
  private let identity: FlowIdentity
  private let connection: Connection
  private let known: String
  private let fresh: String
  private let keys: [String]
  private let eventTime: String
  private let budget: Int64
  /// Keys of rows with earlier event times than this are not in memory. Microseconds since 1970; nil: all are.
  private(set) var floor: Int64?
  private var newest: Int64?
  private(set) var knownRows: Int64 = 0
  /// The rows of the table up to here are known or older than the floor.
  private var position: Positions = [:]
  private let evictionThreshold: Int64

  init(
    table: String, rule: Deduplication, identity: FlowIdentity, connection: Connection,
    budget: Int64 = Deduplicator.defaultBudget
  ) {
    self.rule = rule
    self.identity = identity
    self.connection = connection
    self.budget = max(2, budget)
    evictionThreshold = min(100_000, self.budget)
    known = "state.\(SQL.quote(identifier: table))"
    fresh = "stage.\(SQL.quote(identifier: table + "_fresh"))"
    keys = rule.keys.map { SQL.quote(identifier: $0) }
    eventTime = SQL.quote(identifier: rule.eventTime)
  }

  private var list: String { keys.joined(separator: ", ") }
  private var time: String { "epoch_us(\(eventTime))" }

  /// Reads the keys of recent rows from the table. `staged` gives the columns' types.
  func rebuild(from snapshot: Snapshot, staged: String) throws {
    try connection.execute("CREATE OR REPLACE TABLE \(known) AS SELECT \(list) FROM \(staged) WHERE false")
    floor = nil
    newest = nil
    knownRows = 0
    position = identity.positions(in: snapshot.transactions)
    let scan = try DeltaReader.scanSQL(snapshot, columns: rule.keys)
    guard let last = try connection.query("SELECT max(\(time)) FROM \(scan)").scalar().integer else { return }
    newest = last
    var start = last - Int64(rule.withinSeconds * 1e6)
    let count = try connection.query("SELECT count(*) FROM \(try recent(snapshot, since: start))").scalar().integer ?? 0
    if count > budget {
      let share = 1 - Double(budget / 2) / Double(count)
      let sql = "SELECT quantile_disc(\(time), \(share)) + 1 FROM \(try recent(snapshot, since: start))"
      start = max(start, try connection.query(sql).scalar().integer ?? start)
    }
    floor = start
    try connection.execute("INSERT INTO \(known) SELECT \(list) FROM \(try recent(snapshot, since: start))")
    knownRows = try connection.query("SELECT count(*) FROM \(known)").scalar().integer ?? 0
  }

  private func recent(_ snapshot: Snapshot, since start: Int64) throws -> String {
    let scan = try DeltaReader.scanSQL(
      snapshot, columns: rule.keys,
      filters: [ColumnFilter(rule.eventTime, .greaterOrEqual(.timestamp(microseconds: start)))])
    return "(SELECT \(list) FROM \(scan) WHERE \(time) >= \(start))"
  }

  /// Finds the repeats among the staged rows that broke no rule.
  /// - Parameters:
  ///   - staged: The staged table, with `_violation`.
  ///   - snapshot: The table's snapshot before this micro-batch, for records older than the keys in memory.
  func inspect(staged: String, snapshot: Snapshot) throws -> Outcome {
    try learn(from: snapshot)
    let matches = keys.map { "f.\($0) = k.\($0)" }.joined(separator: " AND ")
    let complete = keys.map { "\($0) IS NOT NULL" }.joined(separator: " AND ")
    try connection.execute(
      """
      CREATE OR REPLACE TABLE \(fresh) AS
      SELECT f.* FROM (
        SELECT \(list), min(\(RowSelection.coordinate)) AS _coordinate
        FROM \(staged) WHERE \(RowSelection.violationColumn) IS NULL AND \(complete) GROUP BY \(list)
      ) AS f ANTI JOIN \(known) AS k ON \(matches)
      UNION ALL
      SELECT \(list), \(RowSelection.coordinate) AS _coordinate
      FROM \(staged) WHERE \(RowSelection.violationColumn) IS NULL AND NOT (\(complete))
      """)
    try removeLateRepeats(snapshot: snapshot)
    let counts = try connection.query(
      """
      SELECT (SELECT count(*) FROM \(staged) WHERE \(RowSelection.violationColumn) IS NULL),
        (SELECT count(*) FROM \(fresh))
      """
    ).rows()[0]
    let duplicates = (counts[0].integer ?? 0) - (counts[1].integer ?? 0)
    let condition = "\(RowSelection.coordinate) IN (SELECT _coordinate FROM \(fresh))"
    return Outcome(condition: duplicates == 0 ? nil : condition, duplicates: duplicates)
  }

  /// Reads the keys of rows that another process has committed since.
  private func learn(from snapshot: Snapshot) throws {
    let reached = identity.positions(in: snapshot.transactions)
    let span = OffsetSpan(from: position, to: reached)
    position.merge(reached) { max($0, $1) }
    guard !span.isEmpty else { return }
    let scan = try DeltaReader.scanSQL(
      snapshot, columns: rule.keys + ["partition", "offset"], filters: GraphExecutor.pruning(span))
    let isRecent = floor.map { " AND \(time) >= \($0)" } ?? ""
    try connection.execute(
      "INSERT INTO \(known) SELECT \(list) FROM \(scan) WHERE (\(RowSelection.condition(span)))\(isRecent)")
    knownRows = try connection.query("SELECT count(*) FROM \(known)").scalar().integer ?? 0
  }

  /// Looks rows up in the table that are older than the keys in memory.
  private func removeLateRepeats(snapshot: Snapshot) throws {
    guard let floor else { return }
    let old = "\(time) < \(floor)"
    let bounds = try connection.query("SELECT min(\(time)), max(\(time)) FROM \(fresh) WHERE \(old)").rows()[0]
    guard let first = bounds[0].integer, let last = bounds[1].integer else { return }
    // Old rows may lie far apart: only files near one of them are read.
    let width = max(1, (last - first) / Self.lookupSpans + 1)
    let spans = try connection.query(
      """
      SELECT min(\(time)), max(\(time)) FROM \(fresh) WHERE \(old) GROUP BY (\(time) - \(first)) // \(width)
      """
    ).rows()
    var files: [String: AddFile] = [:]
    for span in spans {
      guard let first = span[0].integer, let last = span[1].integer else { continue }
      let near = try snapshot.files(matching: [
        ColumnFilter(rule.eventTime, .greaterOrEqual(.timestamp(microseconds: first))),
        ColumnFilter(rule.eventTime, .lessOrEqual(.timestamp(microseconds: last))),
      ])
      for file in near { files[file.path] = file }
    }
    guard !files.isEmpty else { return }
    let scan = try DeltaReader.scanSQL(
      snapshot, columns: rule.keys, files: files.sorted { $0.key < $1.key }.map(\.value))
    let matches = keys.map { "\(fresh).\($0) = k.\($0)" }.joined(separator: " AND ")
    try connection.execute(
      """
      DELETE FROM \(fresh) WHERE \(old) AND EXISTS (
        SELECT 1 FROM \(scan) AS k WHERE \(matches) AND epoch_us(k.\(eventTime)) BETWEEN \(first) AND \(last))
      """)
  }

  /// Remembers the rows that `inspect` let through, once they are durable.
  func didCommit(span: OffsetSpan) throws {
    position.merge(span.next) { max($0, $1) }
    let isRecent = floor.map { "WHERE \(time) >= \($0)" } ?? ""
    try connection.execute("INSERT INTO \(known) SELECT \(list) FROM \(fresh) \(isRecent)")
    let counts = try connection.query("SELECT count(*), max(\(time)) FROM \(fresh) \(isRecent)").rows()[0]
    knownRows += counts[0].integer ?? 0
    if let last = counts[1].integer { newest = max(newest ?? last, last) }
    try evict()
  }

  /// Forgets keys that are older than the rule's span, once they are a fair share of all, and the older half of too
  /// many.
  private func evict() throws {
    guard let newest, knownRows > evictionThreshold else { return }
    var start = max(floor ?? .min, newest - Int64(rule.withinSeconds * 1e6))
    if knownRows > budget {
      let middle = try connection.query("SELECT quantile_disc(\(time), 0.5) + 1 FROM \(known)").scalar().integer
      start = max(start, middle ?? start)
    }
    guard start > (floor ?? .min) else { return }
    let old = "\(time) < \(start)"
    let oldRows = try connection.query("SELECT count(*) FROM \(known) WHERE \(old)").scalar().integer ?? 0
    guard oldRows * 4 > knownRows else { return }
    try connection.execute("CREATE OR REPLACE TABLE \(known) AS SELECT * FROM \(known) WHERE NOT (\(old))")
    knownRows -= oldRows
    floor = start
  }
}

extension Value {
  /// A whole number of any width as 64 bits, nil for anything else.
  var integer: Int64? {
    switch self {
    case .int(let value): value
    case .uint(let value): Int64(exactly: value)
    case .hugeint(let value): Int64(exactly: value)
    default: nil
    }
  }
}
