internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// The part of a verification that is about the tables that a stream writes.
struct StreamVerification {
  typealias Check = Verification.Check

  private let pipeline: Pipeline
  private let pinned: PinnedTables
  private let connection: Connection
  private let graph: GraphSQL
  private let identity: FlowIdentity
  private let bronze: String
  private let quarantine: String
  private let late = "verify_late"

  /// - Parameter pinned: The versions to look at.
  init(
    pipeline: Pipeline, source: SourceDefinition, connection: Connection, pinned: PinnedTables
  ) {
    self.pipeline = pipeline
    self.pinned = pinned
    self.connection = connection
    graph = GraphSQL(pipeline, source: source)
    identity = FlowIdentity(pipeline: pipeline.name, stream: source.stream)
    bronze = source.bronzeTable
    quarantine = source.quarantineTable
  }

  /// Runs every check.
  func run() throws -> [Check] {
    try graph.register(on: connection)
    let behind = try pinned.pin([bronze, quarantine] + pipeline.streamingTables.map(\.name), identity: identity)
    try connection.execute("CREATE OR REPLACE TEMP TABLE verify_records AS \(graph.parse(try scan(bronze)))")
    if let rule = pipeline.eventTime {
      _ = try EventTimeJudge(rule: rule, connection: connection).judge("verify_records", newest: [:], lateTable: late)
    }
    for recent in pipeline.recents { try makeHistory(recent) }
    var checks = try [coordinatesAreUnique(bronze), coordinatesAreUnique(quarantine), positionsAgree(behind)]
    for definition in pipeline.streamingTables {
      try leaveOutFailing(definition)
      let columns = Set(try connection.columns(of: "SELECT * FROM \(try scan(definition.name))").map(\.name))
      let hasCoordinates = columns.isSuperset(of: ["partition", "offset"])
      let readsSource = definition.references.contains { $0.isStream && graph.isSource($0) }
      if let rule = definition.deduplicate { checks.append(try keysAreUnique(definition, rule: rule)) }
      if hasCoordinates, readsSource { checks.append(try books(definition)) }
      checks.append(try rowsAreRecomputed(definition, hasCoordinates: hasCoordinates, columns: columns))
    }
    return checks
  }

  private func scan(_ name: String) throws -> String { try DeltaReader.scanSQL(pinned.snapshot(name)) }

  /// Takes the records on which a table's SQL failed out of those that it and the tables after it are computed from: it
  /// would fail again.
  private func leaveOutFailing(_ definition: TableDefinition) throws {
    let reason = SQL.quote(literal: "\(definition.name): \(FailingRecords.reason)")
    try connection.execute(
      """
      DELETE FROM verify_records WHERE (_partition, _offset) IN (
        SELECT ("partition", "offset") FROM \(try scan(quarantine)) WHERE contains(reason, \(reason)))
      """)
  }

  /// The rows of quarantine that a table did not take. One record may be in quarantine for the rule of one table and good
  /// for another; a reason that names no table is one for all.
  private func rejections(by definition: TableDefinition) throws -> String {
    let others = pipeline.streamingTables.filter { $0.name != definition.name }
    if others.isEmpty { return try scan(quarantine) }
    let isOther = others.map { "starts_with(x, \(SQL.quote(literal: $0.name + ": ")))" }.joined(separator: " OR ")
    return """
      (SELECT * FROM \(try scan(quarantine))
      WHERE len(list_filter(string_split(reason, '; '), lambda x: NOT (\(isOther)))) > 0)
      """
  }

  private func count(_ sql: String) throws -> Int64 { try connection.query(sql).scalar().integer ?? 0 }

  private func coordinatesAreUnique(_ table: String) throws -> Check {
    let rows = try count("SELECT count(*) FROM \(try scan(table))")
    let distinct = try count(
      "SELECT count(*) FROM (SELECT DISTINCT \"partition\", \"offset\" FROM \(try scan(table)))")
    return Check(
      table: table, claim: "every record is there once", holds: rows == distinct,
      figures: "\(rows) rows, \(distinct) coordinates")
  }

  private func positionsAgree(_ behind: [String]) throws -> Check {
    let count = identity.positions(in: try pinned.snapshot(bronze).transactions).count
    return Check(
      table: bronze, claim: "every table has come as far as bronze", holds: behind.isEmpty,
      figures: behind.isEmpty ? "\(count) partitions" : "behind: \(behind.joined(separator: ", "))")
  }

  private func keysAreUnique(_ definition: TableDefinition, rule: Deduplication) throws -> Check {
    let names = rule.keys.map { SQL.quote(identifier: $0) }
    let keys = names.joined(separator: ", ")
    let complete = names.map { "\($0) IS NOT NULL" }.joined(separator: " AND ")
    let repeated = try count(
      """
      SELECT count(*) FROM (
        SELECT \(keys) FROM \(try scan(definition.name)) WHERE \(complete) GROUP BY \(keys) HAVING count(*) > 1)
      """)
    return Check(
      table: definition.name, claim: "no key (\(rule.keys.joined(separator: ", "))) is there twice",
      holds: repeated == 0, figures: "\(repeated) repeated keys")
  }

  /// bronze = table + quarantine + duplicates, to the record: every bronze record is in exactly one place, and one that
  /// is in neither table repeats the keys of a row that is, or is a good record that the SQL does not select.
  private func books(_ definition: TableDefinition) throws -> Check {
    let table = try scan(definition.name)
    let quarantine = try rejections(by: definition)
    let total = try count("SELECT count(*) FROM \(try scan(bronze))")
    let kept = try count("SELECT count(*) FROM \(table)")
    let rejected = try count("SELECT count(*) FROM \(quarantine)")
    let both = try count(
      "SELECT count(*) FROM \(table) AS t SEMI JOIN \(quarantine) AS q USING (\"partition\", \"offset\")")
    let strangers = try count(
      "SELECT count(*) FROM \(table) AS t ANTI JOIN \(try scan(bronze)) AS b USING (\"partition\", \"offset\")")
    let rows = try graph.rows(of: definition, reading: wholeInput)
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE verify_absent AS SELECT * FROM (\(rows)) AS r
      WHERE NOT EXISTS (
        SELECT 1 FROM \(table) AS t WHERE t."partition" = r."partition" AND t."offset" = r."offset")
      AND NOT EXISTS (
        SELECT 1 FROM \(quarantine) AS q WHERE q."partition" = r."partition" AND q."offset" = r."offset")
      """)
    let absent = try count("SELECT count(*) FROM verify_absent")
    let unreadable = try count(
      """
      SELECT count(*) FROM (
        SELECT _partition AS "partition", _offset AS "offset" FROM verify_records
        WHERE \(RecordParser.reasonColumn) IS NOT NULL) AS r
      ANTI JOIN \(quarantine) AS q USING ("partition", "offset")
      """)
    let unselected = total - kept - rejected + both - absent - unreadable
    var duplicates: Int64 = 0
    if let rule = definition.deduplicate {
      let matches = rule.keys.map { SQL.quote(identifier: $0) }.map { "a.\($0) = t.\($0)" }.joined(separator: " AND ")
      duplicates = try count(
        "SELECT count(*) FROM verify_absent AS a WHERE EXISTS (SELECT 1 FROM \(table) AS t WHERE \(matches))")
    }
    return Check(
      table: definition.name, claim: "bronze = table + quarantine + duplicates",
      holds: absent == duplicates && unreadable == 0 && unselected >= 0 && both == 0 && strangers == 0,
      figures:
        "\(total) = \(kept) + \(rejected) + \(duplicates)"
        + (unselected > 0 ? " + \(unselected) that the SQL does not select" : "")
        + (absent > duplicates ? "; \(absent - duplicates) lost" : "")
        + (unreadable > 0 ? "; \(unreadable) unreadable ones lost" : "") + (both > 0 ? "; \(both) in both" : "")
        + (strangers > 0 ? "; \(strangers) not in bronze" : ""))
  }

  private func wholeInput(_ reference: TableReference) throws -> String {
    if !reference.isStream, let recent = pipeline.recent(named: reference.name) { return Self.history(recent) }
    return graph.isSource(reference) ? graph.stream(of: "verify_records") : try scan(reference.name)
  }

  private static func history(_ recent: RecentDefinition) -> String {
    SQL.quote(identifier: "verify recent " + recent.name)
  }

  /// Makes the recent readings of every stored row; records that are not in the table have none.
  private func makeHistory(_ recent: RecentDefinition) throws {
    let table = try scan(recent.table)
    let sql = RecentSQL(recent)
    let types = try connection.columns(of: "SELECT * FROM \(table)").map { ($0.name.lowercased(), $0.type.description) }
    let others = """
      (SELECT _partition AS "partition", _offset AS "offset" FROM verify_records
      ANTI JOIN \(table) AS t ON _partition = t."partition" AND _offset = t."offset")
      """
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE \(Self.history(recent)) AS \(sql.select(current: table, earlier: nil, late: late))
      UNION ALL \(sql.empty(coordinates: others, types: Dictionary(types) { first, _ in first }))
      """)
  }

  /// The stored rows are those that the table's SQL gives today over the stored rows of the step before it.
  private func rowsAreRecomputed(
    _ definition: TableDefinition, hasCoordinates: Bool, columns: Set<String>
  ) throws -> Check {
    let snapshot = try pinned.snapshot(definition.name)
    let table = try DeltaReader.scanSQL(snapshot)
    let rows = try graph.rows(of: definition, reading: wholeInput)
    let given = Set(try connection.columns(of: rows).map { $0.name.lowercased() })
    // What the SQL gives no more is NULL or old; a column that was added later is NULL in older rows.
    let fields = snapshot.schema.fields.filter {
      given.contains($0.name.lowercased()) && (hasCoordinates || ColumnAge.positions(of: $0) == nil)
    }
    let list = fields.map { SQL.quote(identifier: $0.name) }.joined(separator: ", ")
    var recomputed = """
      SELECT \(fields.map(ColumnAge.expression).joined(separator: ", ")) FROM (\(rows))
      WHERE \(RowSelection.violationColumn) IS NULL
      """
    if hasCoordinates {
      recomputed += " AND (\"partition\", \"offset\") IN (SELECT (\"partition\", \"offset\") FROM \(table))"
    }
    var stored = "SELECT \(list) FROM \(table)"
    var skipped: Int64 = 0
    if columns.contains("model_version"), let model = pipeline.models.first {
      // Rows that an earlier version scored cannot be recomputed with the live one.
      let live = "model_version IS NOT DISTINCT FROM model_version(\(SQL.quote(literal: model.name)))"
      skipped = try count("SELECT count(*) FROM \(table) WHERE NOT (\(live))")
      if skipped > 0 { return try recomputedInPart(definition, stored: stored, recomputed: recomputed, live: live) }
    }
    try connection.execute(
      "CREATE OR REPLACE TEMP TABLE verify_stored AS \(stored); CREATE OR REPLACE TEMP TABLE verify_recomputed AS \(recomputed)"
    )
    stored = "FROM verify_stored"
    let differing = try count(
      """
      SELECT (SELECT count(*) FROM (FROM verify_stored EXCEPT ALL FROM verify_recomputed))
        + (SELECT count(*) FROM (FROM verify_recomputed EXCEPT ALL FROM verify_stored))
      """)
    let compared = try count("SELECT count(*) \(stored)")
    return Check(
      table: definition.name, claim: "the rows are what the SQL gives when it is run again", holds: differing == 0,
      figures: "\(compared) rows, \(differing) differ")
  }

  private func recomputedInPart(
    _ definition: TableDefinition, stored: String, recomputed: String, live: String
  ) throws -> Check {
    let rows = try count("SELECT count(*) FROM (\(stored)) WHERE \(live)")
    let missing = try count("SELECT count(*) FROM ((\(stored)) EXCEPT ALL (\(recomputed))) WHERE \(live)")
    return Check(
      table: definition.name, claim: "rows that the live model scored are what the SQL gives when it is run again",
      holds: missing == 0, figures: "\(rows) rows, \(missing) differ")
  }
}
