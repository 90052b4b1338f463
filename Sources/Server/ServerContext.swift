internal import Alerts
internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import HTTP
internal import Lineage
internal import Models
internal import Observability
internal import Pipelines
internal import Query
internal import Streaming
internal import Synchronization

/// What the routes work on.
final class ServerContext: Sendable {
  let surroundings: ServerSurroundings
  let audit: AuditLog
  let events: EventBroadcaster
  let models: ServedModels
  let history: LakeHistory
  /// The alerts; nil if their tables cannot be opened.
  let desk: AlertDesk?
  private let sandboxes = Mutex<[Bool: QuerySandbox]>([:])
  private let ingests = Mutex<[String: any RecordIngest]>([:])

  /// Of whom listeners to events heard.
  let heard = HeardPatients()
  /// Tables that lie on other machines.
  let remoteTables: RemoteTables

  private let following: Mutex<Connection>
  private let catalogues: CatalogueCache

  init(_ surroundings: ServerSurroundings, audit: AuditLog, events: EventBroadcaster, desk: AlertDesk?) throws {
    let connection = try Database(settings: ["threads": "1", "memory_limit": "512MB"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    following = Mutex(connection)
    self.surroundings = surroundings
    remoteTables = RemoteTables(surroundings.lake)
    catalogues = try CatalogueCache(surroundings.pipelines, surroundings.lake)
    self.audit = audit
    self.events = events
    self.desk = desk
    history = LakeHistory(
      lake: surroundings.lake, pipelines: surroundings.pipelines, metrics: surroundings.metrics)
    models = ServedModels(surroundings.registry, pipelines: surroundings.pipelines)
  }

  var lake: Lake { surroundings.lake }

  /// What is known of every table and column, and where they come from.
  var catalogue: Catalogue { catalogues.catalogue }

  /// What is known of a stored table: what the pipelines say, then what it says itself.
  func documentation(of table: String, _ snapshot: Snapshot) -> TableDocumentation {
    catalogue[table].filled(from: TableDocumentation(snapshot))
  }

  /// The pipeline of that name.
  func pipeline(_ name: String) throws -> Pipeline {
    guard let pipeline = surroundings.pipelines.first(where: { $0.name == name }) else {
      let names = surroundings.pipelines.map(\.name).joined(separator: ", ")
      throw Problem.notFound("there is no pipeline of that name; there are: \(names)")
    }
    return pipeline
  }

  /// Where records of a pipeline are sent; opened with the first.
  func ingest(_ pipeline: Pipeline) throws -> any RecordIngest {
    try ingests.withLock { ingests in
      if let ingest = ingests[pipeline.name] { return ingest }
      let ingest = try surroundings.openIngest(pipeline)
      ingests[pipeline.name] = ingest
      return ingest
    }
  }

  /// The database for a caller's queries. Only the one for admins can read the audit log.
  func sandbox(for principal: Principal) throws -> QuerySandbox {
    let seesAudit = principal.may(.audit)
    return try sandboxes.withLock { sandboxes in
      if let sandbox = sandboxes[seesAudit] { return sandbox }
      var folders = ["\(lake.root)/tables"] + remoteTables.folders
      if seesAudit { folders.append(audit.location) }
      let sandbox = try QuerySandbox(lake: lake, folders: folders, limits: surroundings.queryLimits)
      sandboxes[seesAudit] = sandbox
      return sandbox
    }
  }

  /// What a caller's query may see.
  func scope(for principal: Principal) -> QueryScope {
    let lake = lake
    let remoteTables = remoteTables
    let auditPlace = principal.may(.audit) ? audit.location : nil
    var scope = QueryScope(lake: lake, registry: nil) { name in
      if name == AuditLog.tableName, let auditPlace { return try DeltaTable(at: auditPlace) }
      guard try lake.tableNames().contains(name) else {
        throw QueryError(refused: "delta('…') takes the name of a table of the lake here")
      }
      return try remoteTables.table(named: name)
    }
    scope.openLakeTable = { try remoteTables.table(named: $0) }
    if let auditPlace { scope.extraTables[AuditLog.tableName] = auditPlace }
    scope.registry = surroundings.registry
    scope.isShared = true
    return scope
  }

  /// Runs a query in the caller's sandbox.
  /// - Parameter prepare: Called with the connection before the query.
  func query<R>(
    _ text: String, for principal: Principal, seconds: Double,
    prepare: (Connection) throws -> Void = { _ in }, _ body: (QueryResult) throws -> R
  ) throws -> R {
    try withQuery(text, for: principal, seconds: seconds) { query in
      try prepare(query.connection)
      return try body(try query.result())
    }
  }

  /// Lends a query in the caller's sandbox to `body`, which describes or runs it.
  func withQuery<R>(
    _ text: String, for principal: Principal, seconds: Double, _ body: (LakeQuery) throws -> R
  ) throws -> R {
    let query = try QueryText(text)
    // What was just read must be in the log that is being read.
    if query.mentioned.contains(AuditLog.tableName) { audit.flush() }
    let answer = try sandbox(for: principal).withConnection { connection -> R in
      let lakeQuery = try LakeQuery(scope(for: principal), query, on: connection)
      defer { lakeQuery.finish() }
      do {
        return try connection.withDeadline(.now + .seconds(seconds)) { try body(lakeQuery) }
      } catch let error as DuckDBError where error.kind == .interrupt {
        throw Problem(
          408, "query-timeout", "The query took too long", detail: "it was stopped after \(Int(seconds)) s")
      } catch let error as DuckDBError {
        throw lakeQuery.failure(error)
      }
    }
    guard let answer else { throw Problem.busy("too many queries run", retryAfterSeconds: 5) }
    return answer
  }

  /// Rows of a query of the server's own.
  func rows(_ text: String, for principal: Principal = .local, seconds: Double = 20) throws -> [[Value]] {
    try query(text, for: principal, seconds: seconds) { try $0.rows() }
  }

  /// Rows of SQL over scans as a JSON array of objects, and the patients whom they are about. For the follower alone,
  /// which has a small database of its own.
  func followerObjects(_ sql: String) throws -> (json: [UInt8], patients: [String]) {
    try following.withLock { connection in
      let result = try connection.query(sql)
      let columns = result.columns
      let rows = try result.rows()
      var bytes: [UInt8] = []
      ValueText.appendJSON(
        .list(rows.map { row in .structure(zip(columns, row).map { .init($0.name, $1) }) }), to: &bytes)
      let place = columns.firstIndex { $0.name == "patient_id" }
      return (bytes, place.map { place in rows.compactMap { ValueText.cell($0[place]) } } ?? [])
    }
  }

  /// Frees what the routes opened.
  func close() {
    for ingest in ingests.withLock({ Array($0.values) }) { ingest.close() }
    history.stop()
    heard.write(to: audit)
    audit.close()
  }
}
