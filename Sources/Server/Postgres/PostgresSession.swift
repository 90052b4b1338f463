internal import DuckDB
internal import PostgresWire
internal import Query

/// One client's session after the login: what it sends, and what it is answered.
///
/// Bytes go in and out through a ``PostgresChannel``; nothing here knows of sockets.
final class PostgresSession {
  /// A prepared statement.
  struct Prepared {
    var statement: PostgresStatement
    var description: PostgresRunner.Description
  }

  /// A statement with its parameters, and what is left of its rows.
  struct Portal {
    var prepared: Prepared
    var parameters: [Value]
    var formats: [WireFormat]
    var result: PostgresResult?
  }

  /// The most statements and portals that a client may keep.
  static let keptLimit = 1_000

  /// The most bytes of rows that its portals may hold.
  static let keptBytes = 2 * PostgresResult.byteLimit

  let backend: PostgresBackend
  let principal: Principal
  let address: String
  let runner: PostgresRunner
  var settings = SessionSettings()
  var writer = BackendWriter()
  var statements: [String: Prepared] = [:]
  var portals: [String: Portal] = [:]
  private(set) var transaction = TransactionState.idle
  /// After an error in the extended protocol, everything up to the next Sync is passed over.
  private var skipsToSync = false

  init(_ backend: PostgresBackend, _ principal: Principal, address: String, running: RunningSession) {
    self.backend = backend
    self.principal = principal
    self.address = address
    runner = PostgresRunner(backend: backend, principal: principal, running: running)
  }

  /// Answers one message into `writer`. False: the client has said goodbye.
  func answer(_ message: FrontendMessage) -> Bool {
    switch message {
    case .terminate: return false
    case .sync:
      skipsToSync = false
      if transaction == .idle { portals = [:] }
      writer.readyForQuery(transaction)
    case .query(let text):
      skipsToSync = false
      do {
        try simple(text)
      } catch {
        fail(error)
      }
      writer.readyForQuery(transaction)
    case _ where skipsToSync: break
    default:
      do {
        try extended(message)
      } catch {
        fail(error)
        skipsToSync = true
      }
    }
    return true
  }

  private func fail(_ error: any Error) {
    var wire = PostgresErrors.wireError(error)
    if runner.running.wasCancelled, wire.state == .queryCanceled {
      wire = WireError(.queryCanceled, "the query was cancelled by its client")
    }
    writer.error(wire)
    if transaction == .open { transaction = .failed }
  }

  // MARK: Simple queries

  private func simple(_ text: String) throws {
    let parts = PostgresStatement.split(text)
    if parts.isEmpty { writer.emptyQueryResponse() }
    for part in parts {
      let statement = try PostgresStatement(part)
      try requireLive(statement)
      guard statement.parameters.isEmpty else {
        throw WireError(.undefinedParameter, "there is no parameter $\(statement.parameters[0])")
      }
      switch statement.kind {
      case .empty: writer.emptyQueryResponse()
      case .command(let command):
        let answer = try perform(command)
        if let result = answer.result { send(result) }
        writer.commandComplete(answer.tag)
      case .catalog, .query:
        let result = try run(statement, types: [], [], formats: [])
        send(result)
        writer.commandComplete(statement.tag(rows: result.rowCount))
      }
    }
  }

  private func send(_ result: PostgresResult) {
    var result = result
    writer.rowDescription(result.columns)
    writer.append(result.take(0))
  }

  // MARK: Running

  /// In a failed transaction only its end is listened to.
  func requireLive(_ statement: PostgresStatement) throws(WireError) {
    guard transaction == .failed else { return }
    switch statement.kind {
    case .command(.commit), .command(.rollback), .command(.rollbackToSavepoint): return
    default:
      throw WireError(.inFailedTransaction, "the transaction has failed; end it with ROLLBACK")
    }
  }

  /// Runs a query. What touches the lake is in the audit log.
  func run(
    _ statement: PostgresStatement, types: [String], _ parameters: [Value], formats: [WireFormat]
  ) throws -> PostgresResult {
    if let seconds = backend.limiter?.take(principal.name) {
      throw WireError(.configurationLimit, "too many queries; try again in \(seconds) s")
    }
    guard statement.kind == .query else {
      return try runner.run(statement, types: types, parameters, formats: formats, settings)
    }
    guard backend.context.audit.takes(change: false) else { throw AuditError() }
    let result: PostgresResult
    do {
      result = try runner.run(statement, types: types, parameters, formats: formats, settings)
    } catch {
      try backend.record(statement.sql, by: principal, from: address, error: PostgresErrors.wireError(error))
      throw error
    }
    try backend.record(statement.sql, by: principal, from: address, error: nil)
    return result
  }

  /// Does what concerns the session alone. A lake is only read, each query sees the newest tables, and so a transaction
  /// has nothing to hold; clients want to see it begin and end all the same.
  func perform(_ command: SessionCommand) throws(WireError) -> (tag: String, result: PostgresResult?) {
    switch command {
    case .begin:
      if transaction == .idle { transaction = .open }
      return ("BEGIN", nil)
    case .commit:
      defer { transaction = .idle }
      return (transaction == .failed ? "ROLLBACK" : "COMMIT", nil)
    case .rollback:
      transaction = .idle
      return ("ROLLBACK", nil)
    case .savepoint: return ("SAVEPOINT", nil)
    case .release: return ("RELEASE", nil)
    case .rollbackToSavepoint:
      if transaction == .failed { transaction = .open }
      return ("ROLLBACK", nil)
    case .set(let name, let value):
      try settings.set(name, value)
      report(name)
      return ("SET", nil)
    case .reset(let name):
      settings.reset(name)
      return ("RESET", nil)
    case .show(let name):
      return ("SHOW", PostgresResult([WireColumn(name, .text)], rows: [[settings.values[name] ?? ""]]))
    case .deallocate(let name):
      if let name { statements[name] = nil } else { statements = [:] }
      return ("DEALLOCATE", nil)
    case .nothing(let tag): return (tag, nil)
    }
  }

  /// Tells a client of a setting that it is always told of.
  func report(_ name: String) {
    guard let spelled = SessionSettings.reported.first(where: { $0.lowercased() == name.lowercased() }),
      let value = settings.values[name.lowercased()]
    else { return }
    writer.parameterStatus(spelled, value)
  }
}
