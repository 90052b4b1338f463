internal import CADBC
public import DuckDB
internal import Glibc

/// A session on a Spark Connect server (Spark, or Sail), spoken to through its ADBC driver.
///
/// Use it from one thread.
public final class SparkSession {
  /// The server's address, `sc://HOST:PORT`, without what follows (it may hold a token).
  public let address: String
  private let driver: ADBCDriver
  // The driver keeps what it knows in these; their addresses must not change.
  private let database: UnsafeMutablePointer<adbc_handle>
  private let connection: UnsafeMutablePointer<adbc_handle>

  /// Opens a session and asks the server for an answer.
  ///
  /// - Parameter uri: `sc://HOST:PORT`, with `/;token=…;use_ssl=true` if need be.
  /// - Throws: `noDriver`, `badAddress`, `unreachable`.
  public init(_ uri: String) throws {
    guard uri.hasPrefix("sc://"), uri.count > 5 else { throw SparkError.badAddress(uri) }
    address = String(uri.prefix { $0 != ";" }.reversed().drop { $0 == "/" }.reversed())
    driver = try ADBCDriver.loaded()
    database = .allocate(capacity: 1)
    connection = .allocate(capacity: 1)
    database.initialize(to: adbc_handle())
    connection.initialize(to: adbc_handle())
    try check { driver.databaseNew(database, &$0) }
    try check { driver.databaseSetOption(database, "uri", uri, &$0) }
    try check { driver.databaseInit(database, &$0) }
    try check { driver.connectionNew(connection, &$0) }
    try check { driver.connectionInit(connection, database, &$0) }
    do {
      try execute("SELECT 1")
    } catch SparkError.refused(_, let message) {
      throw SparkError.unreachable(address: address, reason: message)
    }
  }

  deinit {
    var error = adbc_error()
    if connection.pointee.private_data != nil { _ = driver.connectionRelease(connection, &error) }
    if database.pointee.private_data != nil { _ = driver.databaseRelease(database, &error) }
    error.release?(&error)
    connection.deallocate()
    database.deallocate()
  }

  /// Runs one statement and drops what it gives.
  public func execute(_ sql: String) throws {
    try withStatement(sql) { statement in
      // Without room for a stream the driver would not run a query to its end.
      var stream = ArrowStreamRoom()
      try check { driver.statementExecuteQuery(statement, &stream, nil, &$0) }
      stream.release()
    }
  }

  /// Runs one query and stores its rows in a new temporary table of DuckDB.
  ///
  /// - Throws: `SparkError`; `DuckDBError` if the stream breaks off.
  public func query(_ sql: String, into table: String, on engine: Connection) throws {
    try withStatement(sql) { statement in
      try engine.createTable(
        table,
        fromArrow: { room in
          try check { driver.statementExecuteQuery(statement, room, nil, &$0) }
        })
    }
  }

  private func withStatement(
    _ sql: String, _ body: (UnsafeMutablePointer<adbc_handle>) throws -> Void
  ) throws {
    let statement = UnsafeMutablePointer<adbc_handle>.allocate(capacity: 1)
    statement.initialize(to: adbc_handle())
    defer {
      var error = adbc_error()
      if statement.pointee.private_data != nil { _ = driver.statementRelease(statement, &error) }
      error.release?(&error)
      statement.deallocate()
    }
    try check { driver.statementNew(connection, statement, &$0) }
    try check { driver.statementSetSqlQuery(statement, sql, &$0) }
    try body(statement)
  }

  /// Calls the driver; a status that is not 0 becomes an error with the server's words.
  private func check(_ call: (inout adbc_error) -> UInt8) throws {
    var error = adbc_error()
    let status = call(&error)
    guard status != 0 else { return }
    let message = error.message.map { String(cString: $0) } ?? "status \(status)"
    error.release?(&error)
    throw SparkError.refused(address: address, message: Self.firstSentence(message))
  }

  /// Servers append their stack: the first line says what is wrong.
  static func firstSentence(_ message: String) -> String {
    let line = message.split(separator: "\n").first.map(String.init) ?? message
    return line.count > 600 ? line.prefix(600) + "…" : line
  }
}

/// Room for an Arrow C stream that is thrown away: five pointers, of which the fourth is its release function.
private struct ArrowStreamRoom {
  private var getSchema: UnsafeMutableRawPointer?
  private var getNext: UnsafeMutableRawPointer?
  private var getLastError: UnsafeMutableRawPointer?
  private var releaseFunction: (@convention(c) (UnsafeMutableRawPointer) -> Void)?
  private var privateData: UnsafeMutableRawPointer?

  mutating func release() {
    guard let release = releaseFunction else { return }
    withUnsafeMutableBytes(of: &self) { release($0.baseAddress!) }
  }
}
