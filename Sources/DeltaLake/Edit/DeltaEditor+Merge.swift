internal import DuckDB
import Foundation

/// What a merge does with rows. For each pair of a target row and a source row, or for each source row without a
/// target row, the first clause whose condition holds is taken.
public enum MergeClause: Sendable, Hashable {
  /// Sets columns of a matched target row.
  case updateMatched(set: [String: String], condition: String? = nil)
  /// Deletes a matched target row.
  case deleteMatched(condition: String? = nil)
  /// Inserts a source row that matches no target row.
  case insertNotMatched(values: [String: String], condition: String? = nil)
}

extension DeltaEditor {
  /// Merges the rows of a query into a table.
  ///
  /// - Parameters:
  ///   - source: a SELECT; its rows are called `source` in the SQL of the condition and the clauses.
  ///   - condition: SQL that pairs a row of `target` with a row of `source`.
  ///   - clauses: what to do, in order.
  ///   - transactions: written in the same commit, also if no row changes.
  /// - Throws: `constraintViolation` if several source rows change the same target row.
  public func merge(
    into table: DeltaTable, using source: String, on condition: String, _ clauses: [MergeClause],
    transactions: [AppTransaction] = []
  ) throws(DeltaError) -> Outcome {
    let name = "lakeward_merge_\(UUID().uuidString.lowercased().replacing("-", with: ""))"
    defer { try? connection.execute("DROP TABLE IF EXISTS temp.\(name); DROP TABLE IF EXISTS temp.\(name)_pairs") }
    do {
      try connection.execute(
        "CREATE TEMP TABLE \(name) AS SELECT *, row_number() OVER () AS __id FROM (\(source)\n)")
    } catch {
      throw DeltaError(engine: error, "reading the source of the merge")
    }
    return try commit(table, "MERGE", ["predicate": condition], transactions: transactions) {
      snapshot throws(DeltaError) in
      try merge(snapshot, table, MergeSQL(snapshot: snapshot, source: name, condition: condition, clauses: clauses))
    }
  }

  private func merge(_ snapshot: Snapshot, _ table: DeltaTable, _ sql: MergeSQL) throws(DeltaError) -> Change {
    let pairs = "\(sql.source)_pairs"
    var touched: Set<String> = []
    do {
      try connection.execute("CREATE OR REPLACE TEMP TABLE \(pairs) AS \(try sql.pairs())")
      let twice = try connection.query(
        "SELECT count(*) FROM (SELECT 1 FROM \(pairs) WHERE action <> 'keep' GROUP BY file, row HAVING count(*) > 1)"
      ).scalar()
      guard twice == 0 else {
        throw DeltaError(
          .constraintViolation, "several source rows of the merge change the same row of \(snapshot.location)",
          hint: "make the source rows unique; nothing was written")
      }
      for row in try connection.query("SELECT DISTINCT file FROM \(pairs) WHERE action <> 'keep'").rows() {
        if let path = row[0].stringValue { touched.insert(path) }
      }
    } catch {
      throw DeltaError(engine: error, "pairing the rows of the merge")
    }
    var change = Change()
    change.removed = snapshot.files.filter { touched.contains($0.path) }
    change.reads = .table
    for kind in ["updated", "deleted"] {
      change.rows[kind] = try count("SELECT count(*) FROM \(pairs) WHERE action = '\(kind)'")
    }
    let inserts = try sql.inserts()
    change.rows["inserted"] =
      try inserts.map { insert throws(DeltaError) in try count("SELECT count(*) FROM (\(insert))") } ?? 0
    guard !change.removed.isEmpty || change.rows["inserted"] != 0 else { return change }
    var parts: [String] = []
    if !change.removed.isEmpty { parts.append(try sql.rewritten(change.removed, pairs)) }
    if let inserts { parts.append(inserts) }
    change.added = try writer.write(
      parts.joined(separator: " UNION ALL BY NAME "), into: snapshot, store: table.store, now: table.clock())
    if snapshot.flag("delta.enableChangeDataFeed") {
      var feed = change.removed.isEmpty ? [] : try sql.changes(change.removed, pairs)
      if let inserts { feed.append("SELECT *, 'insert' AS _change_type FROM (\(inserts))") }
      change.changes = try changeFiles(snapshot, table, feed.joined(separator: " UNION ALL BY NAME "))
    }
    return change
  }
}

/// The SQL of a merge. Pure but for the scan.
struct MergeSQL {
  let snapshot: Snapshot
  /// Temporary table of the source rows with their number `__id`.
  let source: String
  let condition: String
  let clauses: [MergeClause]

  /// Target rows and source rows that match: file, row, id and what is to be done.
  func pairs() throws(DeltaError) -> String {
    var cases: [String] = []
    for (index, clause) in clauses.enumerated() {
      switch clause {
      case .updateMatched(_, let test):
        cases.append("WHEN (\(test ?? "true")) IS TRUE THEN {'a': 'updated', 'c': \(index)}")
      case .deleteMatched(let test):
        cases.append("WHEN (\(test ?? "true")) IS TRUE THEN {'a': 'deleted', 'c': \(index)}")
      case .insertNotMatched: break
      }
    }
    let nothing = "{'a': 'keep', 'c': -1}"
    let choice = cases.isEmpty ? nothing : "CASE \(cases.joined(separator: " ")) ELSE \(nothing) END"
    let inner =
      "SELECT target.__file AS file, target.__row AS row, source.__id AS id, \(choice) AS choice "
      + "FROM \(try target(Array(snapshot.files))) AS target JOIN \(source) AS source ON (\(condition))"
    return "SELECT file, row, id, choice.a AS action, choice.c AS clause FROM (\(inner))"
  }

  private func target(_ files: [AddFile]) throws(DeltaError) -> String {
    var builder = ScanBuilder(snapshot, snapshot.schema.fields)
    builder.rowPlace = true
    return try builder.sql(files)
  }

  /// Rows of the files that are rewritten, with their pair if it changes them.
  private func joined(_ files: [AddFile], _ pairs: String) throws(DeltaError) -> String {
    "\(try target(files)) AS target LEFT JOIN (SELECT * FROM \(pairs) WHERE action <> 'keep') AS pair "
      + "ON pair.file = target.__file AND pair.row = target.__row LEFT JOIN \(source) AS source ON source.__id = pair.id"
  }

  private func columns(changed: Bool) -> String {
    snapshot.schema.fields.map { field in
      let name = quoted(identifier: field.name)
      var cases: [String] = []
      for (index, clause) in clauses.enumerated() {
        guard changed, case .updateMatched(let set, _) = clause,
          let value = DeltaEditor.assigned(snapshot.schema, set)[field.name]
        else { continue }
        cases.append("WHEN pair.clause = \(index) THEN \(value)")
      }
      return cases.isEmpty
        ? "target.\(name) AS \(name)" : "CASE \(cases.joined(separator: " ")) ELSE target.\(name) END AS \(name)"
    }.joined(separator: ", ")
  }

  func rewritten(_ files: [AddFile], _ pairs: String) throws(DeltaError) -> String {
    "SELECT \(columns(changed: true)) FROM \(try joined(files, pairs)) WHERE pair.action IS DISTINCT FROM 'deleted'"
  }

  func changes(_ files: [AddFile], _ pairs: String) throws(DeltaError) -> [String] {
    let from = try joined(files, pairs)
    return [
      "SELECT \(columns(changed: false)), 'delete' AS _change_type FROM \(from) WHERE pair.action = 'deleted'",
      "SELECT \(columns(changed: false)), 'update_preimage' AS _change_type FROM \(from) WHERE pair.action = 'updated'",
      "SELECT \(columns(changed: true)), 'update_postimage' AS _change_type FROM \(from) WHERE pair.action = 'updated'",
    ]
  }

  /// The rows to insert; nil if no clause inserts.
  func inserts() throws(DeltaError) -> String? {
    var selects: [String] = []
    var earlier = "false"
    for clause in clauses {
      guard case .insertNotMatched(let values, let test) = clause else { continue }
      let assigned = DeltaEditor.assigned(snapshot.schema, values)
      for name in values.keys where snapshot.schema[name] == nil {
        throw DeltaError(.invalidArgument, "\(snapshot.location) has no column \(name) to insert into")
      }
      let columns = snapshot.schema.fields.map {
        "\(assigned[$0.name] ?? "NULL::\($0.type.sqlType)") AS \(quoted(identifier: $0.name))"
      }
      let own = "(\(test ?? "true")) IS TRUE"
      selects.append(
        "SELECT \(columns.joined(separator: ", ")) FROM \(source) AS source "
          + "WHERE NOT EXISTS (SELECT 1 FROM \(source)_pairs AS pair WHERE pair.id = source.__id) "
          + "AND \(own) AND NOT (\(earlier))")
      earlier += " OR \(own)"
    }
    return selects.isEmpty ? nil : selects.joined(separator: " UNION ALL BY NAME ")
  }
}
