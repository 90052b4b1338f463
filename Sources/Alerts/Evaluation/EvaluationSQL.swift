internal import DuckDB
internal import Streaming

/// The SQL that judges the rows of one table by its policies. Pure text.
///
/// The rows of a patient are taken in the order in which they came (`ingest_time`, partition, offset); a row whose event
/// time is not later than that of a row before it is late and does not count. Of the rows that count, a run of rows that
/// meet the condition raises the alert once it is long enough in time and rows, and a run of rows that meet the clear
/// condition ends it. State between two batches is the last run of each patient, so that the alerts do not depend on how
/// the stream is cut into batches.
///
/// Every step is one statement over all policies and patients. Patients of whom no row meets any condition, and who have
/// no run or alert pending, are left out before anything is sorted.
struct EvaluationSQL {
  /// The policies; all have the same table, and the same columns for patient, time and ward.
  let policies: [AlertPolicy]
  /// A schema of the scratch database that belongs to these policies alone.
  let schema: String
  /// Whether the table has the column `ingest_time`.
  let hasIngestTime: Bool

  private var first: AlertPolicy { policies[0] }
  private var conditions: [AlertPolicy] {
    policies.filter { if case .condition = $0.trigger { true } else { false } }
  }
  private var absences: [(policy: AlertPolicy, microseconds: Int64)] {
    policies.compactMap { policy in
      if case .missing(let seconds) = policy.trigger { (policy, Int64(seconds * 1e6)) } else { nil }
    }
  }
  var watchesAbsence: Bool { !absences.isEmpty }

  private static func name(_ text: String) -> String { SQL.quote(identifier: text) }
  private static func text(_ text: String) -> String { SQL.quote(literal: text) }

  /// Fails to bind if the SQL of a policy does not fit a relation.
  static func probe(_ policy: AlertPolicy, _ relation: String) -> String {
    let sql = EvaluationSQL(policies: [policy], schema: "memory", hasIngestTime: false)
    let columns = policy.show.map { name($0) } + [name("partition"), name("offset"), "_ward"]
    let row = "(\(sql.base("(SELECT * FROM \(relation) AS p LIMIT 0)")))"
    return "SELECT \(columns.joined(separator: ", ")) FROM \(sql.judged(policy, from: row))"
  }

  // MARK: State

  /// Makes empty tables of state.
  var reset: String {
    let rules = policies.map { policy in
      """
      (\(Self.text(policy.name)), \(Int64(policy.delay.seconds * 1e6)), \(policy.delay.readings), \
      \(Int64(policy.clearDelay.seconds * 1e6)), \(policy.clearDelay.readings))
      """
    }
    return """
      CREATE SCHEMA IF NOT EXISTS \(schema);
      CREATE OR REPLACE TABLE \(schema).rules AS SELECT * FROM (VALUES \(rules.joined(separator: ", ")))
        AS v(policy, delay, readings, clear_delay, clear_readings);
      CREATE OR REPLACE TABLE \(schema).seen (patient VARCHAR, last BIGINT, ward VARCHAR, part INTEGER);
      CREATE OR REPLACE TABLE \(schema).clocks (part INTEGER, newest BIGINT);
      CREATE OR REPLACE TABLE \(schema).state (policy VARCHAR, patient VARCHAR, t_since BIGINT, t_count BIGINT,
        c_since BIGINT, c_count BIGINT, latch BOOLEAN)
      """
  }

  /// Takes the alerts whose condition holds into the state, in place of what the rows say. Who is absent follows from
  /// the rows alone, so that a policy that begins late does not raise an alert about everybody who has ever left.
  /// - Parameter active: Policy and patient.
  func latches(_ active: [(policy: String, patient: String)]) -> String {
    let values = active.map { "(\(Self.text($0.policy)), \(Self.text($0.patient)))" }
    let list = values.isEmpty ? "SELECT NULL, NULL WHERE false" : "VALUES \(values.joined(separator: ", "))"
    let silent = absences.map { policy, microseconds in
      """
      ; INSERT INTO \(schema).state SELECT \(Self.text(policy.name)), patient, NULL, 0, NULL, 0, true
      FROM \(schema).seen JOIN \(schema).clocks USING (part) WHERE last + \(microseconds) <= newest
      """
    }
    return """
      CREATE OR REPLACE TABLE \(schema).state AS
      SELECT policy, patient, t_since, coalesce(t_count, 0) AS t_count, c_since, coalesce(c_count, 0) AS c_count,
        l.is_on IS NOT NULL AS latch
      FROM \(schema).state AS s
      FULL JOIN (SELECT column0::VARCHAR AS policy, column1::VARCHAR AS patient, true AS is_on FROM (\(list)) AS v(column0, column1)) AS l
        USING (policy, patient)
      WHERE l.is_on IS NOT NULL OR s.t_count > 0
      \(silent.joined())
      """
  }

  // MARK: A batch

  /// The rows of a relation that have a patient and a time, with what every step needs of them.
  private func base(_ relation: String, _ columns: String = "*") -> String {
    """
    SELECT \(columns), CAST(\(Self.name(first.patient)) AS VARCHAR) AS _patient, epoch_us(\(Self.name(first.time))) AS _time,
      \(first.ward.map { "CAST(\(Self.name($0)) AS VARCHAR)" } ?? "CAST(NULL AS VARCHAR)") AS _ward
    FROM \(relation) AS r
    WHERE \(Self.name(first.patient)) IS NOT NULL AND \(Self.name(first.time)) IS NOT NULL
    """
  }

  private var order: String { (hasIngestTime ? "ingest_time, " : "") + "\"partition\", \"offset\"" }

  /// Finds the policies and patients that this batch may change something about.
  func touched(_ relation: String) -> String {
    let met = conditions.map { policy in
      """
      SELECT DISTINCT \(Self.text(policy.name)) AS policy, _patient AS patient
      FROM \(judged(policy, from: "(\(base(relation)))")) WHERE _condition
      """
    }
    let pending = """
      SELECT policy, patient FROM \(schema).state
      WHERE patient IN (SELECT CAST(\(Self.name(first.patient)) AS VARCHAR) FROM \(relation) AS r)
      """
    return """
      CREATE OR REPLACE TABLE \(schema).touched AS \((met + [pending]).joined(separator: " UNION "))
      """
  }

  /// Takes the rows of those patients that are not late, in order.
  func rows(_ relation: String) -> String {
    """
    CREATE OR REPLACE TABLE \(schema).rows AS
    SELECT * EXCLUDE (_newest, last) FROM (
      SELECT o.*, s.last, max(_time) OVER (
        PARTITION BY _patient ORDER BY _order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS _newest
      FROM (
        SELECT *, row_number() OVER (ORDER BY \(order)) AS _order
        FROM (\(base(relation))) AS b WHERE _patient IN (SELECT patient FROM \(schema).touched)
      ) AS o LEFT JOIN (SELECT patient, last FROM \(schema).seen) AS s ON s.patient = o._patient
    ) AS n
    WHERE (_newest IS NULL OR _time > _newest) AND (last IS NULL OR _time > last)
    """
  }

  /// Adds a policy's verdicts to rows: `_condition`, `_clear`.
  private func judged(_ policy: AlertPolicy, from relation: String) -> String {
    guard case .condition(let condition, let threshold) = policy.trigger else { return "\(relation) AS j" }
    let number = threshold.map { "SELECT *, CAST(\($0.value) AS DOUBLE) AS threshold FROM \(relation) AS w" }
    let source = number.map { "(\($0))" } ?? relation
    let ignore = policy.ignore.map { "WHERE (\($0)) IS NOT TRUE" } ?? ""
    return """
      (SELECT *, (\(condition)) AS _condition, (\(policy.clear ?? "NOT (\(condition))")) AS _clear FROM \(source) AS j \(ignore)) AS v
      """
  }

  /// Marks the rows at which a run is long enough: true to raise, false to end, NULL otherwise.
  var marks: String {
    let verdicts = conditions.map { policy in
      """
      SELECT \(Self.text(policy.name)) AS policy, _patient AS patient, _time AS time, _order AS o, _condition AS t,
        CASE WHEN _condition THEN false ELSE _clear END AS c
      FROM \(judged(policy, from: "\(schema).rows"))
      WHERE _patient IN (SELECT patient FROM \(schema).touched WHERE policy = \(Self.text(policy.name)))
      """
    }
    return """
      CREATE OR REPLACE TABLE \(schema).marks AS
      WITH verdicts AS (SELECT * FROM (\(verdicts.joined(separator: " UNION ALL "))) AS v WHERE t IS NOT NULL OR c IS NOT NULL),
      breaks AS (
        SELECT v.*, s.t_since, s.t_count, s.c_since, s.c_count, coalesce(s.latch, false) AS latch,
          count(*) FILTER (WHERE NOT t) OVER so_far AS t_breaks, count(*) FILTER (WHERE NOT c) OVER so_far AS c_breaks
        FROM verdicts AS v LEFT JOIN \(schema).state AS s USING (policy, patient)
        WINDOW so_far AS (PARTITION BY v.policy, v.patient ORDER BY v.o ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)),
      runs AS (
        SELECT policy, patient, time, o, t, c, latch,
          count(*) FILTER (WHERE t) OVER t_run + CASE WHEN t_breaks = 0 THEN coalesce(t_count, 0) ELSE 0 END AS t_rows,
          CASE WHEN t_breaks = 0 AND t_count > 0 THEN t_since ELSE min(time) FILTER (WHERE t) OVER t_run END AS t_start,
          count(*) FILTER (WHERE c) OVER c_run + CASE WHEN c_breaks = 0 THEN coalesce(c_count, 0) ELSE 0 END AS c_rows,
          CASE WHEN c_breaks = 0 AND c_count > 0 THEN c_since ELSE min(time) FILTER (WHERE c) OVER c_run END AS c_start
        FROM breaks
        WINDOW t_run AS (PARTITION BY policy, patient, t_breaks ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
          c_run AS (PARTITION BY policy, patient, c_breaks ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
      SELECT runs.*, CASE
        WHEN t AND t_rows >= readings AND time - t_start >= delay THEN true
        WHEN c AND c_rows >= clear_readings AND time - c_start >= clear_delay THEN false END AS mark
      FROM runs JOIN \(schema).rules USING (policy)
      """
  }

  /// The rows at which the condition of a patient begins to hold or is over, as the columns of `transition`.
  func transitions(_ relation: String) -> String {
    var parts: [String] = []
    if !conditions.isEmpty {
      let facts = conditions.filter { !$0.show.isEmpty }.map { policy in
        let fields = policy.show.map { "\(Self.name($0)) := r.\(Self.name($0))" }.joined(separator: ", ")
        return "WHEN c.policy = \(Self.text(policy.name)) THEN CAST(to_json(struct_pack(\(fields))) AS VARCHAR)"
      }
      let old = conditions.compactMap { policy -> String? in
        guard hasIngestTime, let seconds = policy.retrospectiveSeconds else { return nil }
        return
          "WHEN c.policy = \(Self.text(policy.name)) THEN epoch_us(r.ingest_time) - r._time > \(Int64(seconds * 1e6))"
      }
      parts.append(
        """
        SELECT c.policy, c.patient, r._ward AS ward, c.time, CASE WHEN mark THEN t_start ELSE c_start END AS since,
          mark AS begins, c.o,
          \(old.isEmpty ? "false" : "CASE \(old.joined(separator: " ")) ELSE false END") AS old,
          \(facts.isEmpty ? "CAST(NULL AS VARCHAR)" : "CASE WHEN mark THEN CASE \(facts.joined(separator: " ")) END END") AS facts
        FROM (
          SELECT *, coalesce(lag(mark) OVER (PARTITION BY policy, patient ORDER BY o), latch) AS before
          FROM \(schema).marks WHERE mark IS NOT NULL
        ) AS c JOIN \(schema).rows AS r ON r._order = c.o
        WHERE mark <> before
        """)
    }
    for (policy, microseconds) in absences {
      parts.append(absent(policy, after: microseconds, relation))
    }
    return "\(parts.joined(separator: " UNION ALL ")) ORDER BY o, policy, begins DESC"
  }

  /// Gaps between a patient's rows, and patients who have been silent up to the newest event time of their partition:
  /// a partition that is read later than another makes nobody absent.
  private func absent(_ policy: AlertPolicy, after microseconds: Int64, _ relation: String) -> String {
    let name = Self.text(policy.name)
    return """
      SELECT \(name) AS policy, patient, ward, time, since, begins, o, false AS old, CAST(NULL AS VARCHAR) AS facts FROM (
        WITH ordered AS (
          SELECT _patient, _time, _ward, "partition" AS part, row_number() OVER (ORDER BY \(order)) AS o
          FROM (\(base(relation))) AS b),
        placed AS (
          SELECT ordered.*, greatest(c.newest, max(_time) OVER (
              PARTITION BY ordered.part ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS newest,
            greatest(s.last, max(_time) OVER (
              PARTITION BY _patient ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS before,
            coalesce(k.latch, false) AS latch
          FROM ordered LEFT JOIN \(schema).clocks AS c ON c.part = ordered.part
          LEFT JOIN \(schema).seen AS s ON s.patient = _patient
          LEFT JOIN (SELECT patient, latch FROM \(schema).state WHERE policy = \(name)) AS k ON k.patient = _patient),
        counted AS (
          SELECT *, row_number() OVER (PARTITION BY _patient ORDER BY o) AS place FROM placed
          WHERE before IS NULL OR _time > before),
        gaps AS (
          SELECT *, latch AND place = 1 AS was_on, before IS NOT NULL AND newest >= before + \(microseconds) AS is_gap
          FROM counted)
        SELECT _patient AS patient, _ward AS ward, before + \(microseconds) AS time, before AS since, true AS begins, o
        FROM gaps WHERE is_gap AND NOT was_on
        UNION ALL
        SELECT _patient, _ward, _time, _time, false, o FROM gaps WHERE is_gap OR was_on
        UNION ALL
        SELECT n.patient, n.ward, n.last + \(microseconds), n.last, true, CAST(9223372036854775807 AS BIGINT)
        FROM (\(newestRows(relation))) AS n JOIN (\(newestClocks(relation))) AS c ON c.part = n.part
        LEFT JOIN (SELECT patient, latch FROM \(schema).state WHERE policy = \(name)) AS k ON k.patient = n.patient
        LEFT JOIN (SELECT DISTINCT _patient AS patient FROM counted) AS here ON here.patient = n.patient
        WHERE n.last + \(microseconds) <= c.newest AND (here.patient IS NOT NULL OR k.latch IS NOT TRUE)
      )
      """
  }

  /// For each patient the newest event time, with this batch.
  private func newestRows(_ relation: String) -> String {
    """
    SELECT patient, max(last) AS last, arg_max(ward, last) AS ward, arg_max(part, last) AS part FROM (
      SELECT patient, last, ward, part FROM \(schema).seen
      UNION ALL
      SELECT _patient, max(_time), arg_max(_ward, _time), arg_max("partition", _time)
      FROM (\(base(relation))) AS b GROUP BY _patient
    ) AS u GROUP BY patient
    """
  }

  /// For each partition the newest event time, with this batch.
  private func newestClocks(_ relation: String) -> String {
    """
    SELECT part, max(newest) AS newest FROM (
      SELECT part, newest FROM \(schema).clocks
      UNION ALL SELECT "partition", max(_time) FROM (\(base(relation))) AS b GROUP BY "partition"
    ) AS u GROUP BY part
    """
  }

  /// Works out the state after the batch, beside the one before it.
  /// - Parameter absent: Patients whose absence began or ended in this batch, by policy.
  func next(_ relation: String, absent: [(policy: String, patient: String, isOn: Bool)]) -> String {
    let kept = """
      SELECT policy, patient, t_since, t_count, c_since, c_count, latch FROM \(schema).state
      """
    let values = absent.map { "(\(Self.text($0.policy)), \(Self.text($0.patient)), \($0.isOn))" }
    let moved =
      values.isEmpty
      ? "SELECT CAST(NULL AS VARCHAR) AS policy, CAST(NULL AS VARCHAR) AS patient, false AS is_on WHERE false"
      : "SELECT * FROM (VALUES \(values.joined(separator: ", "))) AS v(policy, patient, is_on)"
    let marked =
      conditions.isEmpty
      ? ""
      : """
      UNION ALL
      SELECT policy, patient, t_start, t_rows, c_start, c_rows, latch FROM (
        SELECT policy, patient, t_start, t_rows, c_start, c_rows,
          coalesce(last_value(mark IGNORE NULLS) OVER (
            PARTITION BY policy, patient ORDER BY o ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), latch) AS latch,
          row_number() OVER (PARTITION BY policy, patient ORDER BY o DESC) AS back
        FROM \(schema).marks) AS m WHERE back = 1 AND (latch OR t_rows > 0)
      """
    let judged =
      conditions.isEmpty
      ? "" : "ANTI JOIN (SELECT DISTINCT policy, patient FROM \(schema).marks) AS m USING (policy, patient)"
    return """
      CREATE OR REPLACE TABLE \(schema).moved AS \(moved);
      CREATE OR REPLACE TABLE \(schema).next_state AS
      SELECT * FROM (\(kept)) AS k \(judged) ANTI JOIN \(schema).moved AS a USING (policy, patient)
      \(marked)
      UNION ALL SELECT policy, patient, NULL, 0, NULL, 0, true FROM \(schema).moved WHERE is_on;
      \(nextSeen(relation))
      """
  }

  /// As `next` for a batch that changes nothing but the patients' newest event times.
  func nextUnchanged(_ relation: String) -> String {
    "CREATE OR REPLACE TABLE \(schema).next_state AS SELECT * FROM \(schema).state; \(nextSeen(relation))"
  }

  private func nextSeen(_ relation: String) -> String {
    """
    CREATE OR REPLACE TABLE \(schema).next_seen AS \(newestRows(relation));
    CREATE OR REPLACE TABLE \(schema).next_clocks AS \(newestClocks(relation))
    """
  }

  /// Makes the state after the batch the one that counts.
  var accept: String {
    """
    DROP TABLE \(schema).state; ALTER TABLE \(schema).next_state RENAME TO state;
    \(acceptSeen)
    """
  }

  private var acceptSeen: String {
    """
    DROP TABLE \(schema).seen; ALTER TABLE \(schema).next_seen RENAME TO seen;
    DROP TABLE \(schema).clocks; ALTER TABLE \(schema).next_clocks RENAME TO clocks
    """
  }

  /// What rows before a position leave behind: event times of patients and partitions.
  func remember(_ relation: String) -> String { "\(nextSeen(relation)); \(acceptSeen)" }
}
