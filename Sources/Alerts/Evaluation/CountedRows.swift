internal import DuckDB
internal import Streaming

/// The SQL that finds the rows that count, and leaves late ones out. Pure text.
///
/// A row counts if its event time is later than
/// - those of the `memory` rows of the patient that came before it in its partition, and
/// - that of every row of the patient that came live, within `liveMicroseconds` of its event time.
///
/// A reading that is late is older than one of the few before it, so it raises and ends nothing. A device whose clock is
/// ahead cannot silence its patient: its reading was measured when it came and is judged then, and after `memory` further
/// ones its time is forgotten. Live readings are believed for good, because the clock of arrival bears them out: readings
/// that a device had kept, however many, never count after newer ones that came live.
///
/// Which rows count follows from the order of a patient's own rows alone: neither from how the stream is cut, nor from how
/// the patients' rows are mixed. State between two batches, `seen`: per patient and partition, the last times in order of
/// arrival, and the newest that came live.
struct CountedRows {
  /// So many rows of a patient say which times have been reached.
  static let memory = 5
  /// A row that comes within this of its event time, before or after, is live: 15 minutes.
  static let liveMicroseconds: Int64 = 900_000_000

  let schema: String
  /// SELECT of a relation's rows with `_patient`, `_time`.
  let base: (_ relation: String) -> String
  /// The order of a batch's rows.
  let order: String
  let hasIngestTime: Bool

  /// Whether a row came live, by its event time and its arrival, both microseconds since 1970.
  static func isLive(time: String, came: String) -> String { "abs(\(came) - \(time)) <= \(liveMicroseconds)" }

  /// Makes an empty table of state.
  static func reset(_ schema: String) -> String {
    "CREATE OR REPLACE TABLE \(schema).seen (patient VARCHAR, part INTEGER, tail BIGINT[], live BIGINT)"
  }

  private var live: String {
    hasIngestTime
      ? "CASE WHEN \(Self.isLive(time: "_time", came: "epoch_us(ingest_time)")) THEN _time END" : "CAST(NULL AS BIGINT)"
  }

  /// Makes the table `rows`: the rows that count of the patients in `touched`, with `_order`, their order in the batch.
  func rows(_ relation: String) -> String {
    """
    CREATE OR REPLACE TABLE \(schema).rows AS
    SELECT * EXCLUDE (_before, _live_before, _place, tail, live) FROM (
      SELECT o.*, s.tail, l.live,
        max(_time) OVER (PARTITION BY _patient, o."partition" ORDER BY _order
          ROWS BETWEEN \(Self.memory) PRECEDING AND 1 PRECEDING) AS _before,
        row_number() OVER (PARTITION BY _patient, o."partition" ORDER BY _order) AS _place,
        max(\(live)) OVER (
          PARTITION BY _patient ORDER BY _order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS _live_before
      FROM (
        SELECT *, row_number() OVER (ORDER BY \(order)) AS _order
        FROM (\(base(relation))) AS b WHERE _patient IN (SELECT patient FROM \(schema).touched)
      ) AS o
      LEFT JOIN (SELECT patient, part, tail FROM \(schema).seen) AS s ON s.patient = o._patient AND s.part = o."partition"
      LEFT JOIN (SELECT patient, max(live) AS live FROM \(schema).seen GROUP BY patient) AS l ON l.patient = o._patient
    ) AS n
    WHERE _time > coalesce(greatest(_before, _live_before, live,
      CASE WHEN _place <= \(Self.memory) THEN list_max(list_slice(tail, _place - \(Self.memory + 1), -1)) END), _time - 1)
    """
  }

  /// Works out the state after a relation's rows, beside the one before it.
  func next(_ relation: String) -> String {
    """
    CREATE OR REPLACE TABLE \(schema).next_seen AS
    SELECT coalesce(n.patient, s.patient) AS patient, coalesce(n.part, s.part) AS part,
      list_slice(list_concat(s.tail, n.tail), \(-Self.memory), -1) AS tail, greatest(s.live, n.live) AS live
    FROM \(schema).seen AS s FULL JOIN (
      SELECT _patient AS patient, "partition" AS part, list_reverse(arg_max(_time, "offset", \(Self.memory))) AS tail,
        max(\(live)) AS live
      FROM (\(base(relation))) AS b GROUP BY ALL
    ) AS n ON n.patient = s.patient AND n.part = s.part
    """
  }

  /// Makes the state after the batch the one that counts.
  var accept: String { "DROP TABLE \(schema).seen; ALTER TABLE \(schema).next_seen RENAME TO seen" }
}
