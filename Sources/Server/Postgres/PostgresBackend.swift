internal import DuckDB
internal import Foundation
internal import Observability
internal import PostgresWire
internal import Query
internal import Streaming
internal import Synchronization

/// What all sessions share: the lake, the catalog, who may come in, and what is running.
final class PostgresBackend: Sendable {
  let context: ServerContext
  let tokens: TokenStore?
  let settings: PostgresSettings
  let limiter: RateLimiter?
  /// Slows down whoever tries tokens.
  let failures = RateLimiter(perSecond: 5)
  /// Whether a password may be asked for on a connection that is not encrypted.
  let isLoopback: Bool
  private let catalogs = Mutex<[Bool: CatalogDatabase]>([:])
  private let running = Mutex<[Int32: RunningSession]>([:])
  private let queries: MetricFamily<Counter>

  init(_ context: ServerContext, access: LakeServer.Access, settings: PostgresSettings) {
    self.context = context
    self.settings = settings
    tokens = access.tokens
    limiter = access.requestsPerSecond.map { RateLimiter(perSecond: $0) }
    isLoopback = PostgresSettings.loopback.contains(settings.host)
    queries = context.surroundings.metrics.counter(
      "lakeward_postgres_queries_total", "Queries over the PostgreSQL protocol by outcome.", labels: "outcome")
  }

  /// The catalog that a caller sees.
  func catalog(for principal: Principal) throws -> CatalogDatabase {
    let seesAudit = principal.may(.audit)
    return try catalogs.withLock { catalogs in
      if let catalog = catalogs[seesAudit] { return catalog }
      let scope = context.scope(for: principal)
      let (lake, extra, openLakeTable) = (scope.lake, scope.extraTables, scope.openLakeTable)
      let openTable = scope.openTable
      let catalog = try CatalogDatabase(
        version: "PostgreSQL \(SessionSettings.version) (Lakeward \(context.surroundings.version))",
        names: { (try lake.tableNames() + extra.keys).sorted() },
        open: { name in try extra[name] != nil ? openTable(name) : openLakeTable?(name) ?? lake.table(named: name) })
      catalogs[seesAudit] = catalog
      return catalog
    }
  }

  // MARK: Cancelling

  /// Makes a session known, so that it can be cancelled.
  func register(_ session: RunningSession) -> Int32 {
    running.withLock { running in
      var id = Int32.random(in: 1 ... .max)
      while running[id] != nil { id = .random(in: 1 ... .max) }
      running[id] = session
      return id
    }
  }

  /// Forgets a session.
  func remove(_ process: Int32) { running.withLock { $0[process] = nil } }

  /// Stops what a session does if the secret is its own; says nothing either way.
  func cancel(process: Int32, secret: Int32) {
    guard let session = running.withLock({ $0[process] }), session.secret == secret else { return }
    session.cancel()
  }

  // MARK: Audit

  /// Notes a query in the audit log, as `POST /query` does.
  /// - Throws: The log cannot take it; then nothing is answered.
  func record(_ sql: String, by principal: Principal, from address: String, error: WireError?) throws {
    queries[error == nil ? "ok" : "error"].add()
    let status = error.map { $0.state == .accessDenied ? 403 : 400 } ?? 200
    try context.audit.add(
      AuditLog.Entry(
        at: Int64(Date().timeIntervalSince1970 * 1e6), principal: principal, action: "query", patients: [],
        method: "POSTGRES", path: "/query", status: status, address: address, detail: String(sql.prefix(4_000))),
      durably: false)
  }
}

/// What can be cancelled of a session, from another thread.
final class RunningSession: Sendable {
  private struct State {
    var connection: Connection?
    var isCancelled = false
  }

  let secret = Int32.random(in: .min ... .max)
  private let state = Mutex(State())

  /// Runs `body` so that `cancel` interrupts it.
  func run<R>(_ connection: Connection, _ body: () throws -> R) rethrows -> R {
    state.withLock { $0 = State(connection: connection) }
    defer { state.withLock { $0.connection = nil } }
    return try body()
  }

  /// Whether the last run was cancelled.
  var wasCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Interrupts what runs. The engine forgets an interrupt that falls between two steps, hence the repetition.
  func cancel() {
    for _ in 0..<250 {
      let isRunning = state.withLock { state in
        guard let connection = state.connection else { return false }
        state.isCancelled = true
        connection.interrupt()
        return true
      }
      guard isRunning else { return }
      Thread.sleep(forTimeInterval: 0.02)
    }
  }
}
