internal import DuckDB
internal import Pipelines

/// Decides which records come too late or from a clock that runs ahead.
///
/// A record is late if its event time lies before its partition's watermark: the newest event time of the records with
/// lower offsets in the same partition, less the allowed lateness. Only records that can be read and do not lie in the
/// future move the watermark. So the decision follows from coordinates and times of arrival alone.
struct EventTimeJudge {
  /// What a look at some records found.
  struct Outcome {
    /// The newest event time of each partition so far, microseconds since 1970.
    var newest: [Int32: Int64]
    /// Records that are late.
    var late: Int64
  }

  private let rule: EventTime
  private let connection: Connection
  private var time: String { "epoch_us(\(SQL.quote(identifier: rule.column)))" }
  private var isGood: String {
    "\(RecordParser.reasonColumn) IS NULL AND \(SQL.quote(identifier: rule.column)) IS NOT NULL"
  }

  init(rule: EventTime, connection: Connection) {
    self.rule = rule
    self.connection = connection
  }

  /// Why a record from the future goes to quarantine.
  static func futureReason(_ rule: EventTime) -> String { "\(rule.column): in the future" }

  /// Why a late record goes to quarantine.
  static func lateReason(_ rule: EventTime) -> String { "\(rule.column): too late" }

  /// Parsed records, with a reason for those that lie in the future.
  static func withoutFuture(_ parsed: String, rule: EventTime) -> String {
    guard let tolerance = rule.futureToleranceSeconds else { return parsed }
    let reason = RecordParser.reasonColumn
    let ahead = "epoch_us(\(SQL.quote(identifier: rule.column))) - epoch_us(_ingest_time) > \(Int64(tolerance * 1e6))"
    return """
      SELECT * REPLACE (CASE WHEN \(reason) IS NULL AND \(ahead) THEN \(SQL.quote(literal: futureReason(rule)))
        ELSE \(reason) END AS \(reason))
      FROM (\(parsed))
      """
  }

  /// Finds the late records of a table of parsed records, lists their coordinates, and gives them a reason if they
  /// belong into quarantine.
  /// - Parameters:
  ///   - records: A table with the columns that `RecordParser` gives.
  ///   - before: The newest event time of each partition before these records.
  ///   - lateTable: The table to make, with the columns `partition` and `offset`.
  func judge(_ records: String, newest before: [Int32: Int64], lateTable: String) throws -> Outcome {
    try connection.execute("CREATE OR REPLACE TABLE \(lateTable) (\"partition\" INTEGER, \"offset\" BIGINT)")
    var outcome = Outcome(newest: before, late: 0)
    let bounds = try connection.query(
      "SELECT _partition, min(\(time)), max(\(time)) FROM \(records) WHERE \(isGood) GROUP BY _partition"
    ).rows()
    var suspects: [Int32] = []
    for row in bounds {
      guard let partition = row[0].integer.flatMap({ Int32(exactly: $0) }), let oldest = row[1].integer,
        let newest = row[2].integer
      else { continue }
      outcome.newest[partition] = max(before[partition] ?? newest, newest)
      guard let lateness, let top = outcome.newest[partition] else { continue }
      // Without a record as old as this, none of the partition can be late: no need to put them in order.
      if oldest < top - lateness { suspects.append(partition) }
    }
    if !suspects.isEmpty { outcome.late = try list(records, suspects.sorted(), before, into: lateTable) }
    if outcome.late > 0, rule.late == .quarantine {
      let reason = SQL.quote(literal: Self.lateReason(rule))
      try connection.execute(
        """
        UPDATE \(records) AS r SET \(RecordParser.reasonColumn) = \(reason) FROM \(lateTable) AS l
        WHERE r._partition = l."partition" AND r._offset = l."offset"
        """)
    }
    return outcome
  }

  private var lateness: Int64? { rule.allowedLatenessSeconds.map { Int64($0 * 1e6) } }

  private func list(
    _ records: String, _ partitions: [Int32], _ before: [Int32: Int64], into table: String
  ) throws -> Int64 {
    let known = partitions.compactMap { partition in before[partition].map { "WHEN \(partition) THEN \($0)" } }
    let start = known.isEmpty ? "CAST(NULL AS BIGINT)" : "CASE _partition \(known.joined(separator: " ")) END"
    try connection.execute(
      """
      INSERT INTO \(table)
      SELECT _partition, _offset FROM (
        SELECT _partition, _offset, _time, \(start) AS _start,
          max(_time) OVER (PARTITION BY _partition ORDER BY _offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            AS _newest
        FROM (SELECT _partition, _offset, \(time) AS _time FROM \(records) WHERE \(isGood))
        WHERE _partition IN (\(partitions.map(String.init).joined(separator: ", ")))
      ) WHERE _time < greatest(_start, _newest) - \(lateness ?? 0)
      """)
    return try connection.query("SELECT count(*) FROM \(table)").scalar().integer ?? 0
  }
}
