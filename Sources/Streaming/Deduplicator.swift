internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// Drops repeats of a streaming table's records, across micro-batches and restarts.
///
/// The keys of recent rows are held in memory, back to `floor` in event time. A record older than that is looked up
/// in the table itself, whose file statistics make that a look at few files. After a restart the keys are read from
/// the table again, so there is nothing else to save. A row with a NULL in one of its keys repeats nothing, as with
/// SQL's UNIQUE.
final class Deduplicator {
  /// What became of a staged table's good rows.
  struct Outcome {
    /// A condition on staged rows that holds for the rows that stay; nil: all of them.
    var condition: String?
    /// Rows that repeat an earlier one.
    var duplicates: Int64
  }

  private let rule: Deduplication
  private let connection: Connection
  private let known: String
  private let fresh: String
  private let keys: [String]
  private let eventTime: String
  /// Keys of rows with earlier event times than this are not in memory. Microseconds since 1970; nil: all are.
  private var floor: Int64?
  private var newest: Int64?
  private var knownRows: Int64 = 0
  private let evictionThreshold: Int64 = 100_000

  init(table: String, rule: Deduplication, connection: Connection) {
    self.rule = rule
    self.connection = connection
    known = "state.\(SQL.quote(identifier: table))"
    fresh = "stage.\(SQL.quote(identifier: table + "_fresh"))"
    keys = rule.keys.map { SQL.quote(identifier: $0) }
    eventTime = SQL.quote(identifier: rule.eventTime)
  }

  /// Reads the keys of recent rows from the table. `staged` gives the columns' types.
  func rebuild(from snapshot: Snapshot, staged: String) throws {
    let list = keys.joined(separator: ", ")
    try connection.execute(
      "CREATE OR REPLACE TABLE \(known) AS SELECT \(list), \(eventTime) AS _event_time FROM \(staged) WHERE false")
    floor = nil
    newest = nil
    let scan = try DeltaReader.scanSQL(snapshot, columns: rule.keys)
    guard case .timestampTZ(let last) = try connection.query("SELECT max(\(eventTime)) FROM \(scan)").scalar() else {
      knownRows = 0
      return
    }
    newest = last
    let start = last - Int64(rule.withinSeconds * 1e6)
    floor = start
    let recent = try DeltaReader.scanSQL(
      snapshot, columns: rule.keys,
      filters: [ColumnFilter(rule.eventTime, .greaterOrEqual(.timestamp(microseconds: start)))])
    try connection.execute(
      """
      INSERT INTO \(known) SELECT \(list), \(eventTime) FROM \(recent)
      WHERE \(eventTime) >= make_timestamptz(\(start))
      """)
    knownRows = try connection.query("SELECT count(*) FROM \(known)").scalar().integer ?? 0
  }

  /// Finds the repeats among the staged rows that broke no rule.
  /// - Parameters:
  ///   - staged: The staged table, with `_violation`.
  ///   - snapshot: The table's snapshot before this micro-batch, for records older than the keys in memory.
  func inspect(staged: String, snapshot: Snapshot) throws -> Outcome {
    let list = keys.joined(separator: ", ")
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

  private func removeLateRepeats(snapshot: Snapshot) throws {
    guard let floor else { return }
    let bounds = try connection.query(
      """
      SELECT min(\(eventTime)), max(\(eventTime)) FROM \(fresh) WHERE \(eventTime) < make_timestamptz(\(floor))
      """
    ).rows()[0]
    guard case .timestampTZ(let first) = bounds[0], case .timestampTZ(let last) = bounds[1] else { return }
    let scan = try DeltaReader.scanSQL(
      snapshot, columns: rule.keys,
      filters: [
        ColumnFilter(rule.eventTime, .greaterOrEqual(.timestamp(microseconds: first))),
        ColumnFilter(rule.eventTime, .lessOrEqual(.timestamp(microseconds: last))),
      ])
    let matches = keys.map { "\(fresh).\($0) = k.\($0)" }.joined(separator: " AND ")
    try connection.execute(
      "DELETE FROM \(fresh) WHERE EXISTS (SELECT 1 FROM \(scan) AS k WHERE \(matches))")
  }

  /// Remembers the rows that `inspect` let through, once they are durable.
  func didCommit() throws {
    let list = keys.joined(separator: ", ")
    try connection.execute("INSERT INTO \(known) SELECT \(list), \(eventTime) FROM \(fresh)")
    let counts = try connection.query("SELECT count(*), max(\(eventTime)) FROM \(fresh)").rows()[0]
    knownRows += counts[0].integer ?? 0
    if case .timestampTZ(let last) = counts[1] { newest = max(newest ?? last, last) }
    try evict()
  }

  /// Forgets keys that are older than the rule's span, once they are a fair share of all.
  private func evict() throws {
    guard let newest, knownRows > evictionThreshold else { return }
    let start = newest - Int64(rule.withinSeconds * 1e6)
    guard start > (floor ?? .min) else { return }
    let old = "_event_time < make_timestamptz(\(start))"
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
