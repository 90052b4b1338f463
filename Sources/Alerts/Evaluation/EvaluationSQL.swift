internal import DuckDB
internal import JSON
internal import Streaming

/// The SQL that judges the rows of one table by its policies. Pure text.
///
/// The rows of a patient are taken in the order in which they came (`ingest_time`, partition, offset). `CountedRows` says
/// which of them are late and do not count. Of the rows that count, a run of rows that meet the condition raises the
/// alert once it is long enough in time and rows, and a run of rows that meet the clear condition ends it. State between
/// two batches is the last run of each patient, so that the alerts do not depend on how the stream is cut into batches.
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
  /// Nil if no policy waits for rows that are missing.
  private var absence: AbsenceSQL? {
    let waits = policies.compactMap { policy -> AbsenceSQL.Wait? in
      guard case .missing(let seconds) = policy.trigger else { return nil }
      return AbsenceSQL.Wait(
        policy: policy.name, microseconds: Int64(seconds * 1e6),
        retrospectiveMicroseconds: policy.retrospectiveSeconds.map { Int64($0 * 1e6) })
    }
    guard !waits.isEmpty else { return nil }
    return AbsenceSQL(
      schema: schema, waits: waits, base: { base($0) }, order: order, hasIngestTime: hasIngestTime)
  }
  var watchesAbsence: Bool { absence != nil }
  private var counted: CountedRows {
    CountedRows(schema: schema, base: { base($0) }, order: order, hasIngestTime: hasIngestTime)
  }

  private static func name(_ text: String) -> String { SQL.quote(identifier: text) }
  private static func text(_ text: String) -> String { SQL.quote(literal: text) }

  /// Patients by policy as a relation of `policy`, `patient`, `is_on`. One literal, because each literal of a long list
  /// costs the planner more than the row is worth.
  private static func relation(_ rows: [(policy: String, patient: String, isOn: Bool)]) -> String {
    let list = rows.map { row in
      JSONValue.object(["policy": .string(row.policy), "patient": .string(row.patient), "is_on": .bool(row.isOn)])
    }
    let shape = "[{\"policy\": \"VARCHAR\", \"patient\": \"VARCHAR\", \"is_on\": \"BOOLEAN\"}]"
    return """
      SELECT r.policy, r.patient, r.is_on FROM (
        SELECT unnest(from_json(\(text(JSONValue.array(list).text)), \(text(shape)))) AS r) AS list
      """
  }

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
      \(CountedRows.reset(schema));
      \(AbsenceSQL.reset(schema));
      CREATE OR REPLACE TABLE \(schema).state (policy VARCHAR, patient VARCHAR, t_since BIGINT, t_count BIGINT,
        c_since BIGINT, c_count BIGINT, latch BOOLEAN)
      """
  }

  /// Takes the alerts whose condition holds into the state, in place of what the rows say. Who is absent follows from
  /// the rows alone, so that a policy that begins late does not raise an alert about everybody who has ever left.
  /// - Parameter active: Policy and patient.
  func latches(_ active: [(policy: String, patient: String)]) -> String {
    let list = Self.relation(active.map { ($0.policy, $0.patient, true) })
    return """
      CREATE OR REPLACE TABLE \(schema).state AS
      SELECT policy, patient, t_since, coalesce(t_count, 0) AS t_count, c_since, coalesce(c_count, 0) AS c_count,
        l.is_on IS NOT NULL AS latch
      FROM \(schema).state AS s
      FULL JOIN (\(list)) AS l USING (policy, patient)
      WHERE l.is_on IS NOT NULL OR s.t_count > 0
      \(absence?.latches ?? "")
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
  func rows(_ relation: String) -> String { counted.rows(relation) }

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
          least(CASE WHEN t_breaks = 0 AND t_count > 0 THEN t_since END, min(time) FILTER (WHERE t) OVER t_run) AS t_start,
          count(*) FILTER (WHERE c) OVER c_run + CASE WHEN c_breaks = 0 THEN coalesce(c_count, 0) ELSE 0 END AS c_rows,
          least(CASE WHEN c_breaks = 0 AND c_count > 0 THEN c_since END, min(time) FILTER (WHERE c) OVER c_run) AS c_start
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
  var transitions: String {
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
    if let absence { parts += absence.waits.map(absence.transitions) }
    return "\(parts.joined(separator: " UNION ALL ")) ORDER BY o, policy, begins DESC"
  }

  /// Works out the state after the batch, beside the one before it.
  /// - Parameter absent: Patients whose absence began or ended in this batch, by policy.
  func next(_ relation: String, absent: [(policy: String, patient: String, isOn: Bool)]) -> String {
    let kept = """
      SELECT policy, patient, t_since, t_count, c_since, c_count, latch FROM \(schema).state
      """
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
      CREATE OR REPLACE TABLE \(schema).moved AS \(Self.relation(absent));
      CREATE OR REPLACE TABLE \(schema).next_state AS
      SELECT * FROM (\(kept)) AS k \(judged) ANTI JOIN \(schema).moved AS a USING (policy, patient)
      \(marked)
      UNION ALL SELECT policy, patient, NULL, 0, NULL, 0, true FROM \(schema).moved WHERE is_on;
      \(counted.next(relation))
      """
  }

  /// As `next` for a batch that changes nothing but which rows the patients had last.
  func nextUnchanged(_ relation: String) -> String {
    "CREATE OR REPLACE TABLE \(schema).next_state AS SELECT * FROM \(schema).state; \(counted.next(relation))"
  }

  /// Finds who is missing; nil if no policy asks.
  func place(_ relation: String) -> String? { absence?.place(relation) }

  /// Makes the state after the batch the one that counts.
  var accept: String {
    """
    DROP TABLE \(schema).state; ALTER TABLE \(schema).next_state RENAME TO state; \(acceptSeen);
    \(["touched", "rows", "marks", "moved"].map { "DROP TABLE IF EXISTS \(schema).\($0)" }.joined(separator: "; "))
    """
  }

  /// Drops what is pending about patients, by policy.
  func forget(_ gone: [(policy: String, patient: String)]) -> String {
    """
    DELETE FROM \(schema).state WHERE (policy, patient) IN (
      SELECT (policy, patient) FROM (\(Self.relation(gone.map { ($0.policy, $0.patient, true) }))) AS g)
    """
  }

  private var acceptSeen: String {
    ([counted.accept] + [absence?.accept].compactMap { $0 }).joined(separator: "; ")
  }

  /// What rows before a position leave behind: event times of patients and partitions.
  func remember(_ relation: String) -> String {
    ([counted.next(relation)] + [place(relation)].compactMap { $0 } + [acceptSeen]).joined(separator: "; ")
  }
}
