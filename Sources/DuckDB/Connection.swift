internal import CDuckDB

/// A connection to a database. Use it from one thread at a time; `interrupt()` and `progress` are for any thread.
///
/// `@unchecked Sendable`: the handle never changes, DuckDB's interrupt and progress calls are thread-safe, and every
/// other call is the business of the one thread that works with the connection.
public final class Connection: @unchecked Sendable {
  let raw: duckdb_connection
  /// The database, kept open.
  public let database: Database

  init(to database: Database) throws(DuckDBError) {
    self.database = database
    self.raw = try database.open()
  }

  deinit {
    var raw: duckdb_connection? = raw
    duckdb_disconnect(&raw)
  }

  /// Runs one or several statements, separated by `;`, and drops their results.
  public func execute(_ sql: String) throws(DuckDBError) {
    _ = try run(sql, [], streaming: false)
  }

  /// Runs SQL and gives the last statement's whole result.
  ///
  /// - Parameter parameters: values for `?` or `$1`, `$2`, … of the last statement.
  public func query(_ sql: String, _ parameters: [Value] = []) throws(DuckDBError) -> QueryResult {
    try run(sql, parameters, streaming: false) ?? QueryResult.empty
  }

  /// Runs SQL and gives the last statement's result in chunks while it is made.
  ///
  /// The connection takes no other statement until the result is read to its end or dropped (DuckDB then closes it).
  public func stream(_ sql: String, _ parameters: [Value] = []) throws(DuckDBError) -> QueryResult {
    try run(sql, parameters, streaming: true) ?? QueryResult.empty
  }

  /// Stops the running statement; it fails with kind `.interrupt`. From any thread.
  public func interrupt() { duckdb_interrupt(raw) }

  /// Parses text that must be one statement.
  func parse(only sql: String) throws(DuckDBError) -> ExtractedStatements {
    let statements = try ExtractedStatements(sql, self)
    guard statements.count == 1 else {
      throw DuckDBError(.usage, "one statement was expected, not \(statements.count)")
    }
    return statements
  }

  private func run(_ sql: String, _ parameters: [Value], streaming: Bool) throws(DuckDBError) -> QueryResult? {
    let statements = try ExtractedStatements(sql, self)
    var last: QueryResult?
    for index in 0..<statements.count {
      let isLast = index == statements.count - 1
      last = nil
      let statement = try statements.prepare(index)
      if isLast { try statement.bind(parameters) }
      last = try statement.run(streaming: streaming && isLast)
    }
    return last
  }
}

/// Owns the statements of one SQL text.
final class ExtractedStatements {
  private var raw: duckdb_extracted_statements?
  let count: Int
  private let sql: String
  private let connection: Connection

  init(_ sql: String, _ connection: Connection) throws(DuckDBError) {
    self.sql = sql
    self.connection = connection
    var raw: duckdb_extracted_statements?
    count = Int(duckdb_extract_statements(connection.raw, sql, &raw))
    self.raw = raw
    if count == 0, let message = duckdb_extract_statements_error(raw) {
      throw DuckDBError(message: String(cString: message), sql: sql)
    }
  }

  deinit { duckdb_destroy_extracted(&raw) }

  func prepare(_ index: Int) throws(DuckDBError) -> PreparedStatement {
    var prepared: duckdb_prepared_statement?
    let state = duckdb_prepare_extracted_statement(connection.raw, raw, idx_t(index), &prepared)
    let statement = PreparedStatement(owning: prepared, sql: sql, connection)
    guard state == DuckDBSuccess else {
      let message = duckdb_prepare_error(prepared).map { String(cString: $0) }
      throw DuckDBError(message: message ?? "Error: the statement could not be prepared", sql: sql)
    }
    return statement
  }
}

/// Owns one prepared statement.
final class PreparedStatement {
  private var raw: duckdb_prepared_statement?
  private let sql: String
  private let connection: Connection

  fileprivate init(owning raw: duckdb_prepared_statement?, sql: String, _ connection: Connection) {
    self.raw = raw
    self.sql = sql
    self.connection = connection
  }

  deinit { duckdb_destroy_prepare(&raw) }

  /// What DuckDB's parser made of the text.
  var kind: duckdb_statement_type { duckdb_prepared_statement_type(raw) }

  /// What a run would give.
  var columns: [Column] {
    (0..<duckdb_prepared_statement_column_count(raw)).map { index in
      Column(
        name: takeString(UnsafeMutablePointer(mutating: duckdb_prepared_statement_column_name(raw, index))) ?? "",
        type: LogicalType(TypeHandle(owning: duckdb_prepared_statement_column_logical_type(raw, index))))
    }
  }

  /// Types that the SQL asks of its parameters.
  var parameterTypes: [LogicalType] {
    (0..<duckdb_nparams(raw)).map { index in
      guard let type = duckdb_param_logical_type(raw, index + 1) else { return .other("") }
      return LogicalType(TypeHandle(owning: type))
    }
  }

  func bind(_ parameters: [Value]) throws(DuckDBError) {
    let wanted = Int(duckdb_nparams(raw))
    guard parameters.count == wanted else {
      throw DuckDBError(.usage, "the statement takes \(wanted) parameters, \(parameters.count) were given")
    }
    for (index, parameter) in parameters.enumerated() {
      let value = try parameter.handle()
      guard value.borrow({ duckdb_bind_value(raw, idx_t(index + 1), $0) }) == DuckDBSuccess else {
        throw DuckDBError(.usage, "parameter \(index + 1) could not be bound")
      }
    }
  }

  func run(streaming: Bool) throws(DuckDBError) -> QueryResult {
    var result = duckdb_result()
    let state: duckdb_state
    if streaming {
      var pending: duckdb_pending_result?
      defer { duckdb_destroy_pending(&pending) }
      guard duckdb_pending_prepared_streaming(raw, &pending) == DuckDBSuccess else {
        let message = duckdb_pending_error(pending).map { String(cString: $0) }
        throw DuckDBError(message: message ?? "Error: the statement could not be started", sql: sql)
      }
      state = duckdb_execute_pending(pending, &result)
    } else {
      state = duckdb_execute_prepared(raw, &result)
    }
    let handle = ResultHandle(owning: result, connection, sql: sql)
    guard state == DuckDBSuccess else { throw handle.error() }
    return QueryResult(handle)
  }
}
