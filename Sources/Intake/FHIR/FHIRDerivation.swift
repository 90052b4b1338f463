import Clinical
import DeltaLake
import DuckDB
import Streaming

/// Brings the tables of facts level with the log of resources.
///
/// Each table holds, as a Delta transaction, the newest batch that it reflects. What later batches hold is worked out for
/// each table and committed with the new number, so a table that lags after a crash is brought level and nothing is
/// there twice. A resource that is known takes the place of its rows; an older version that comes late changes nothing; a
/// version that says "entered in error" or a deletion removes them.
struct FHIRDerivation {
  static let application = "import/fhir"
  private let tables: IntakeTables
  private let log: FHIRLog
  private let connection: Connection

  init(tables: IntakeTables, log: FHIRLog, connection: Connection) {
    self.tables = tables
    self.log = log
    self.connection = connection
  }

  /// What one table got.
  struct Outcome: Sendable {
    let table: String
    var rows = 0
    /// Rows that gave way to a newer version of their record.
    var replaced = 0
    var quarantined = 0
  }

  /// Brings every table level; one outcome for each that changed.
  func run() throws -> [Outcome] {
    let newest = try log.newestBatch()
    guard newest > 0 else { return [] }
    var outcomes: [Outcome] = []
    for mapping in FHIRMapping.all {
      guard let layout = SyntheaLayout.all.first(where: { $0.name == mapping.table }) else { continue }
      if let outcome = try derive(mapping, layout, through: newest) { outcomes.append(outcome) }
    }
    return outcomes
  }

  private func derive(_ mapping: FHIRMapping, _ layout: SyntheaLayout, through newest: Int64) throws -> Outcome? {
    let done = try position(layout)
    guard done < newest else { return nil }
    let resources = try winners(mapping, after: done)
    // A table that nothing is for is not made, and goes on from its old position.
    guard resources.count > 0 else { return nil }
    let table = try tables.table(layout)
    try prepareJoins(mapping)
    let query = FHIRTableQuery(mapping, layout)
    try connection.execute("CREATE OR REPLACE TEMP TABLE fhir_rows AS \(query.rows)")
    let counts = try connection.query("SELECT count(*) FILTER (fault IS NULL), count(fault) FROM fhir_rows").rows()[0]
    var outcome = Outcome(table: layout.tableName)
    outcome.rows = counts[0].intValue ?? 0
    outcome.quarantined = counts[1].intValue ?? 0
    let mark = AppTransaction(appId: Self.application, version: newest)
    if outcome.quarantined > 0 {
      let quarantine = try tables.quarantine()
      let reason = AppTransaction(appId: "\(Self.application)/\(layout.name)", version: newest)
      let files = try DeltaWriter(connection: connection).write(query.quarantine, into: quarantine)
      _ = try quarantine.append(files, transactions: [reason], operation: "IMPORT")
    }
    let select = "SELECT * EXCLUDE (file, position, fault) FROM fhir_rows WHERE fault IS NULL"
    if resources.known > 0 {
      // What came last and is no fact is in quarantine; the rows of the version before it stay.
      let condition = """
        record IN (SELECT key FROM fhir_winners WHERE key NOT IN \
        (SELECT record FROM fhir_rows GROUP BY record HAVING count(*) = count(fault)))
        """
      let change = try DeltaEditor(connection: connection).overwrite(
        table, with: select, where: condition, transactions: [mark])
      outcome.replaced = Int(change.rows["deleted"] ?? 0)
    } else {
      let files = try DeltaWriter(connection: connection).write(select, into: table)
      _ = try table.append(files, transactions: [mark], operation: "IMPORT")
    }
    CrashPoint.importDerived.reached()
    return outcome
  }

  private func position(_ layout: SyntheaLayout) throws(DeltaError) -> Int64 {
    let place = "\(tables.lake)/\(layout.tableName)"
    guard DeltaTable.exists(at: place) else { return 0 }
    return try DeltaTable(at: place).snapshot().transactions[Self.application] ?? 0
  }

  /// Makes `fhir_winners`: of each resource that came after a batch its newest version, unless an earlier batch held a
  /// newer one.
  ///
  /// - Returns: how many there are, and how many of them earlier batches know.
  private func winners(_ mapping: FHIRMapping, after done: Int64) throws -> (count: Int, known: Int) {
    let snapshot = try log.table.snapshot()
    let ofType = "resource_type = \(SQL.quote(literal: mapping.resourceType))"
    let fresh = try DeltaReader.scanSQL(snapshot, filters: [ColumnFilter("batch", .greater(.int(done)))])
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE fhir_winners AS
      SELECT key, id, version_at, version, method, file, position, resource FROM \(fresh) AS f
      WHERE \(ofType) AND batch > \(done)
      QUALIFY row_number() OVER (PARTITION BY key ORDER BY version_at DESC, version DESC, batch DESC, file DESC, \
      position DESC, part DESC) = 1
      """)
    guard done > 0 else { return (try count("fhir_winners"), 0) }
    let old = try DeltaReader.scanSQL(
      snapshot, columns: ["key", "version_at", "version", "batch", "resource_type"],
      filters: [ColumnFilter("batch", .lessOrEqual(.int(done)))])
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE fhir_known AS
      SELECT key, max({'at': version_at, 'number': version}) AS newest FROM \(old) AS o
      WHERE \(ofType) AND batch <= \(done) AND key IN (SELECT key FROM fhir_winners) GROUP BY key;
      DELETE FROM fhir_winners AS w USING fhir_known AS k WHERE w.key = k.key AND k.newest > {'at': w.version_at, 'number': w.version}
      """)
    return (
      try count("fhir_winners"), try count("fhir_known WHERE key IN (SELECT key FROM fhir_winners)")
    )
  }

  private func count(_ source: String) throws -> Int {
    try connection.query("SELECT count(*) FROM \(source)").scalar().intValue ?? 0
  }

  /// The relations that a mapping's joins name: conditions by their record, medications by their key.
  private func prepareJoins(_ mapping: FHIRMapping) throws {
    if mapping.joins.contains("fhir_reasons") {
      let place = "\(tables.lake)/synthea_conditions"
      var select = "SELECT CAST(NULL AS VARCHAR) AS record, NULL AS code, NULL AS description WHERE false"
      if DeltaTable.exists(at: place), case let known = try DeltaTable(at: place).snapshot(),
        known.schema[IntakeTables.record] != nil
      {
        let scan = try DeltaReader.scanSQL(known, columns: [IntakeTables.record, "code", "description"])
        select = "SELECT * FROM \(scan) AS c WHERE record IS NOT NULL"
      }
      try connection.execute("CREATE OR REPLACE TEMP VIEW fhir_reasons AS \(select)")
    }
    if mapping.joins.contains("fhir_medications") {
      let scan = try DeltaReader.scanSQL(try log.table.snapshot())
      try connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE fhir_medications AS
        SELECT key, arg_max(json_transform(resource, '{"code":\(FHIRMapping.concept)}').code, (version_at, version)) AS code
        FROM \(scan) AS m WHERE resource_type = 'Medication' AND resource IS NOT NULL GROUP BY key
        """)
    }
  }
}

/// The SQL of one table's rows from `fhir_winners`.
struct FHIRTableQuery {
  private let mapping: FHIRMapping
  private let layout: SyntheaLayout

  init(_ mapping: FHIRMapping, _ layout: SyntheaLayout) {
    self.mapping = mapping
    self.layout = layout
  }

  /// All columns of the table, where the row came from, and what is wrong with it, NULL for a good one.
  var rows: String {
    let texts = mapping.columns.map { "\($0.expression) AS \(SQL.quote(identifier: $0.name))" }
    return """
      SELECT \(layout.columns.map(typed).joined(separator: ", ")), \(extra) AS extra, record, file, position, \
      \(fault) AS fault FROM (SELECT x.record, x.file, x.position, \(texts.joined(separator: ", ")) FROM \
      (SELECT *\(mapping.values) FROM (SELECT key AS record, id, file, position, \
      json_transform(resource, \(SQL.quote(literal: mapping.structure))) AS r FROM fhir_winners \
      WHERE method IS DISTINCT FROM 'DELETE') AS parsed WHERE (\(mapping.retracted)) IS NOT TRUE) AS x\(mapping.joins))
      """
  }

  /// The rows of `fhir_rows` that are no facts, one for each resource.
  var quarantine: String {
    """
    SELECT \(SQL.quote(literal: layout.tableName)) AS "table", w.file, w.position AS line, min(f.fault) AS reason, \
    any_value(w.resource) AS raw, 'utf-8' AS raw_encoding FROM fhir_rows AS f JOIN fhir_winners AS w ON w.key = f.record \
    WHERE f.fault IS NOT NULL GROUP BY ALL ORDER BY ALL
    """
  }

  private func typed(_ column: SyntheaLayout.Column) -> String {
    let name = SQL.quote(identifier: column.name)
    guard mapping.columns.contains(where: { $0.name == column.name }) else {
      return "CAST(NULL AS \(column.kind.sqlType)) AS \(name)"
    }
    return "\(value(column)) AS \(name)"
  }

  private func value(_ column: SyntheaLayout.Column) -> String {
    let name = SQL.quote(identifier: column.name)
    return switch column.kind {
    case .text: "nullif(trim(\(name)), '')"
    case .date: "fhir_day(\(name))"
    case .timestamp, .openTimestamp: "fhir_instant(\(name))"
    }
  }

  private var written: [(column: SyntheaLayout.Column, isRequired: Bool)] {
    layout.columns.compactMap { column in
      mapping.columns.first { $0.name == column.name }.map { (column, $0.isRequired) }
    }
  }

  /// Names the resource's type and what is missing, never a value.
  private var fault: String {
    let tests = written.filter(\.isRequired).map { column, _ in
      let reason = "\(mapping.resourceType): \(column.name) is missing or cannot be read"
      return "WHEN \(value(column)) IS NULL THEN \(SQL.quote(literal: reason))"
    }
    return tests.isEmpty ? "CAST(NULL AS VARCHAR)" : "CASE \(tests.joined(separator: " ")) END"
  }

  /// Dates that cannot be read, as a JSON object; NULL for most rows.
  private var extra: String {
    let dates = written.filter { $0.column.kind != .text && !$0.isRequired }
    guard !dates.isEmpty else { return "CAST(NULL AS VARCHAR)" }
    let pairs = dates.map { column, _ in
      let name = SQL.quote(identifier: column.name)
      return "CASE WHEN \(name) IS NOT NULL AND \(value(column)) IS NULL THEN "
        + "\(SQL.quote(literal: JSONText.string(column.name) + ":")) || CAST(to_json(\(name)) AS VARCHAR) END"
    }
    return "nullif('{' || concat_ws(',', \(pairs.joined(separator: ", "))) || '}', '{}')"
  }
}
