internal import DuckDB

/// The SQL that finds patients of whom no row came for too long. Pure text.
///
/// A partition's clock is the newest event time that `confirmations` rows running have reached: one device whose clock
/// is ahead makes nobody absent. A row that is older than the longest of the policies' times when it comes is history
/// and says nothing about who is here now, so that an archive that is read patient by patient raises no alerts. A row that
/// is as far ahead of the clock, and did not come live, counts at the clock's time: nobody is taken for present until then.
///
/// State between two batches: `heard`, the newest row of each patient that was no history; `clocks`, each partition's
/// clock and the times of its last rows.
struct AbsenceSQL {
  /// A policy, and what it waits for.
  struct Wait {
    var policy: String
    var microseconds: Int64
    /// An absence noticed this much later tells nobody; nil: always live.
    var retrospectiveMicroseconds: Int64?
  }

  /// A time counts once so many rows of the partition on end are not before it.
  static let confirmations = 5

  let schema: String
  let waits: [Wait]
  /// SELECT of the batch's rows with `_patient`, `_time`, `_ward`, `partition`.
  let base: (_ relation: String) -> String
  /// The order of a batch's rows.
  let order: String
  let hasIngestTime: Bool

  /// When a row's patient was there, by the row and the clock of its partition.
  private var placed: String {
    // Without a time of arrival `came` is NULL, and no row is live.
    let isLive = CountedRows.isLive(time: "p.time", came: "p.came")
    return "CASE WHEN p.time > p.newest + \(longest) AND NOT coalesce(\(isLive), false) THEN p.newest ELSE p.time END"
  }
  private var longest: Int64 { waits.map(\.microseconds).max() ?? 0 }

  /// Makes empty tables of state.
  static func reset(_ schema: String) -> String {
    """
    CREATE OR REPLACE TABLE \(schema).heard (patient VARCHAR, last BIGINT, ward VARCHAR, part INTEGER);
    CREATE OR REPLACE TABLE \(schema).clocks (part INTEGER, newest BIGINT, tail BIGINT[])
    """
  }

  /// Who is absent by the state alone, as rows of `state`.
  var latches: String {
    waits.map { wait in
      """
      ; INSERT INTO \(schema).state SELECT \(SQL.quote(literal: wait.policy)), patient, NULL, 0, NULL, 0, true
      FROM \(schema).heard JOIN \(schema).clocks USING (part) WHERE last + \(wait.microseconds) <= newest
      """
    }.joined()
  }

  /// Places a batch's rows on the clocks of their partitions, and works out the state after them beside the one before.
  func place(_ relation: String) -> String {
    """
    CREATE OR REPLACE TABLE \(schema).line AS
    SELECT *, CASE WHEN count(*) OVER run = \(Self.confirmations) THEN min(time) OVER run END AS reached FROM (
      SELECT "partition" AS part, row_number() OVER (ORDER BY \(order)) AS o, _time AS time, _patient AS patient,
        _ward AS ward, \(hasIngestTime ? "epoch_us(ingest_time)" : "CAST(NULL AS BIGINT)") AS came
      FROM (\(base(relation))) AS b
      UNION ALL
      SELECT part, place - len(tail), tail[place], NULL, NULL, NULL
      FROM (SELECT part, tail, unnest(range(1, len(tail) + 1)) AS place FROM \(schema).clocks) AS t
    ) AS l WINDOW run AS (PARTITION BY part ORDER BY o ROWS BETWEEN \(Self.confirmations - 1) PRECEDING AND CURRENT ROW);
    CREATE OR REPLACE TABLE \(schema).counted AS
    SELECT *, row_number() OVER (PARTITION BY patient ORDER BY o) AS place FROM (
      SELECT p.* REPLACE (\(placed) AS time), greatest(h.last, max(\(placed)) OVER (
        PARTITION BY p.patient ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS before
      FROM (
        SELECT l.*, greatest(c.newest, max(reached) OVER (
          PARTITION BY l.part ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS newest
        FROM \(schema).line AS l LEFT JOIN \(schema).clocks AS c ON c.part = l.part
      ) AS p LEFT JOIN \(schema).heard AS h ON h.patient = p.patient
      WHERE p.o > 0 AND (newest IS NULL OR time + \(longest) > newest)
    ) AS b WHERE before IS NULL OR time > before;
    CREATE OR REPLACE TABLE \(schema).next_heard AS
    SELECT patient, max(last) AS last, arg_max(ward, last) AS ward, arg_max(part, last) AS part FROM (
      SELECT patient, last, ward, part FROM \(schema).heard
      UNION ALL SELECT patient, time, ward, part FROM \(schema).counted
    ) AS u GROUP BY patient;
    CREATE OR REPLACE TABLE \(schema).next_clocks AS
    SELECT l.part, greatest(max(l.reached), max(c.newest)) AS newest,
      list_reverse(arg_max(l.time, l.o, \(Self.confirmations - 1))) AS tail
    FROM \(schema).line AS l LEFT JOIN \(schema).clocks AS c ON c.part = l.part GROUP BY l.part
    """
  }

  /// Makes the state after the batch the one that counts.
  var accept: String {
    """
    DROP TABLE \(schema).heard; ALTER TABLE \(schema).next_heard RENAME TO heard;
    DROP TABLE \(schema).clocks; ALTER TABLE \(schema).next_clocks RENAME TO clocks;
    DROP TABLE \(schema).line; DROP TABLE \(schema).counted
    """
  }

  /// Gaps between a patient's rows, and patients who have been silent up to the clock of their partition, as the columns
  /// of a transition. The batch must have been placed.
  func transitions(_ wait: Wait) -> String {
    let name = SQL.quote(literal: wait.policy)
    func old(_ came: String, _ clock: String) -> String {
      guard hasIngestTime, let limit = wait.retrospectiveMicroseconds else { return "false" }
      return "coalesce(\(came) - \(clock) > \(limit), false)"
    }
    return """
      SELECT \(name) AS policy, patient, ward, time, since, begins, o, old, CAST(NULL AS VARCHAR) AS facts FROM (
        WITH latched AS (SELECT patient FROM \(schema).state WHERE policy = \(name) AND latch),
        gaps AS (
          SELECT c.*, k.patient IS NOT NULL AND place = 1 AS was_on,
            before IS NOT NULL AND newest >= before + \(wait.microseconds) AS is_gap
          FROM \(schema).counted AS c LEFT JOIN latched AS k ON k.patient = c.patient)
        SELECT patient, ward, before + \(wait.microseconds) AS time, before AS since, true AS begins, o,
          \(old("came", "newest")) AS old
        FROM gaps WHERE is_gap AND NOT was_on
        UNION ALL
        SELECT patient, ward, time, time, false, o, false FROM gaps WHERE is_gap OR was_on
        UNION ALL
        SELECT n.patient, n.ward, n.last + \(wait.microseconds), n.last, true, CAST(9223372036854775807 AS BIGINT),
          \(old("a.came", "c.newest"))
        FROM \(schema).next_heard AS n JOIN \(schema).next_clocks AS c ON c.part = n.part
        LEFT JOIN (SELECT part, max(came) AS came FROM \(schema).line GROUP BY part) AS a ON a.part = n.part
        LEFT JOIN latched AS k ON k.patient = n.patient
        LEFT JOIN (SELECT DISTINCT patient FROM \(schema).counted) AS here ON here.patient = n.patient
        WHERE n.last + \(wait.microseconds) <= c.newest AND (here.patient IS NOT NULL OR k.patient IS NULL)
      )
      """
  }
}
