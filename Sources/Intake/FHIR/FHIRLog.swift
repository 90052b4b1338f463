import DeltaLake
import DuckDB
import Streaming

/// The table of all FHIR resources as they came, in numbered batches: what the other tables are derived from.
///
/// A batch is one commit, and so are the marks of its files: their fingerprints, as Delta transactions. A batch is in the
/// log as a whole or not at all.
struct FHIRLog {
  static let name = "fhir_resources"
  static let batchApplication = "import/batch"
  let table: DeltaTable
  private let quarantine: DeltaTable
  private let connection: Connection
  private let writer: DeltaWriter

  init(tables: IntakeTables, connection: Connection) throws(DeltaError) {
    table = try tables.resources()
    quarantine = try tables.quarantine()
    self.connection = connection
    writer = DeltaWriter(connection: connection)
  }

  static func application(_ fingerprint: String) -> String { "import/file/\(fingerprint)" }

  /// The number of the newest batch; 0: there is none.
  func newestBatch() throws(DeltaError) -> Int64 { try table.snapshot().transactions[Self.batchApplication] ?? 0 }

  /// Whether a position of a stream, or a file, is in the log.
  func position(_ application: String) throws(DeltaError) -> Int64? { try table.snapshot().transactions[application] }

  /// A batch in the making.
  struct Draft {
    var number: Int64
    var resources: [AddFile] = []
    var rejected: [AddFile] = []
    fileprivate var counts: [String: (resources: Int, rejected: Int)] = [:]

    func resources(in file: String) -> Int { counts[file]?.resources ?? 0 }
    func rejected(in file: String) -> Int { counts[file]?.rejected ?? 0 }
  }

  func draft() throws(DeltaError) -> Draft { Draft(number: try newestBatch() + 1) }

  /// Writes what is in `fhir_incoming` and empties it.
  ///
  /// - Parameter known: Names of files whose faults are in quarantine already: an import that was cut off put them there.
  func write(_ draft: inout Draft, rejectedBefore known: Set<String>) throws {
    try connection.execute("CREATE OR REPLACE TEMP TABLE fhir_judged AS \(judged)")
    let counts = try connection.query(
      "SELECT file, count(*) FILTER (fault IS NULL), count(fault) FROM fhir_judged GROUP BY file"
    ).rows()
    var hasFaults = false
    for row in counts {
      guard let file = row[0].stringValue, let good = row[1].intValue, let bad = row[2].intValue else { continue }
      draft.counts[file, default: (0, 0)].resources += good
      draft.counts[file, default: (0, 0)].rejected += bad
      hasFaults = hasFaults || bad > 0
    }
    draft.resources += try writer.write(
      """
      SELECT CAST(\(draft.number) AS BIGINT) AS batch, resource_type, id, resource_type || '/' || id AS key, version_at, \
      version, method, file, position, part, resource FROM fhir_judged WHERE fault IS NULL \
      ORDER BY resource_type, file, position, part
      """, into: table)
    let left = known.isEmpty ? "" : " AND file NOT IN (\(known.map(SQL.quote(literal:)).joined(separator: ", ")))"
    if hasFaults {
      draft.rejected += try writer.write(
        """
        SELECT '\(Self.name)' AS "table", file, position AS line, fault AS reason, resource AS raw, \
        'utf-8' AS raw_encoding FROM fhir_judged WHERE fault IS NOT NULL\(left) ORDER BY file, position
        """, into: quarantine)
    }
    try connection.execute("DELETE FROM \(FHIRReader.table)")
  }

  /// The files among these, by transaction and name, whose faults are in quarantine.
  func rejectedBefore(_ files: [(application: String, name: String)]) throws(DeltaError) -> Set<String> {
    let known = try quarantine.snapshot().transactions
    return Set(files.filter { known[$0.application] != nil }.map(\.name))
  }

  /// Commits a batch: its faults to quarantine, then its resources.
  ///
  /// - Parameter marks: What the batch stands for: files and positions in streams.
  /// - Returns: whether it was committed; false: another process took the number or the files meanwhile.
  func commit(_ draft: Draft, marks: [AppTransaction]) throws(DeltaError) -> Bool {
    if !draft.rejected.isEmpty {
      let known = try quarantine.snapshot().transactions
      let fresh = marks.filter { mark in known[mark.appId].map { $0 < mark.version } ?? true }
      if !fresh.isEmpty { _ = try quarantine.append(draft.rejected, transactions: fresh, operation: "IMPORT") }
      CrashPoint.importRejected.reached()
    }
    let outcome = try table.append(
      draft.resources, transactions: [AppTransaction(appId: Self.batchApplication, version: draft.number)] + marks,
      operation: "IMPORT", metrics: ["numQuarantinedRows": String(draft.counts.values.reduce(0) { $0 + $1.rejected })])
    if case .stale = outcome { return false }
    CrashPoint.importLogged.reached()
    return true
  }

  /// The incoming rows with type, id and version. The entry's address names a resource inside a transaction bundle, and
  /// references use it, so it wins over the resource's own id; what has no version is as new as its arrival.
  private var judged: String {
    """
    SELECT file, position, part, method, resource, resource_type, id, version_at, version, CASE
      WHEN fault IS NOT NULL THEN fault
      WHEN resource IS NULL AND method IS DISTINCT FROM 'DELETE' THEN 'the entry holds no resource'
      WHEN resource_type IS NULL OR NOT regexp_full_match(resource_type, '[A-Z][A-Za-z]{1,63}')
        THEN 'resourceType is missing'
      WHEN id IS NULL OR NOT regexp_full_match(id, '[A-Za-z0-9._:-]{1,128}') THEN resource_type || ' without a usable id'
      END AS fault
    FROM (
      SELECT file, position, part, upper(method) AS method, resource, fault,
        coalesce(fact[1], string_split(string_split(request, '?')[1], '/')[-2]) AS resource_type,
        coalesce(
          CASE WHEN starts_with(full_url, 'urn:uuid:') THEN fhir_id(full_url) END, fact[2],
          CASE WHEN upper(method) = 'DELETE' THEN fhir_id(request) END, fhir_id(full_url)) AS id,
        coalesce(fhir_instant(fact[4]), sent_at, now()) AS version_at,
        coalesce(TRY_CAST(fact[3] AS BIGINT), 0) AS version
      FROM (
        SELECT *, CASE WHEN fault IS NULL THEN json_extract_string(
          resource, ['$.resourceType', '$.id', '$.meta.versionId', '$.meta.lastUpdated']) END AS fact
        FROM \(FHIRReader.table)))
    """
  }
}
