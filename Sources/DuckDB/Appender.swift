internal import CDuckDB

/// Adds many rows to a table, faster than INSERT. Rows are buffered; `close()` makes them part of the table.
///
/// Use it from one thread. Rows that are neither flushed nor closed when it goes away are dropped, so that no failure
/// stays unseen.
public final class Appender {
  private var raw: duckdb_appender?
  private let connection: Connection
  private let table: String
  /// Types of the table's columns, in order.
  public let columnTypes: [LogicalType]

  fileprivate init(_ table: String, schema: String?, on connection: Connection) throws(DuckDBError) {
    self.connection = connection
    self.table = table
    var appender: duckdb_appender?
    let state = duckdb_appender_create(connection.raw, schema, table, &appender)
    guard state == DuckDBSuccess else {
      let error = Appender.error(of: appender, table)
      duckdb_appender_destroy(&appender)
      throw error
    }
    raw = appender
    columnTypes = (0..<duckdb_appender_column_count(appender)).map { index in
      LogicalType(TypeHandle(owning: duckdb_appender_column_type(appender, index)))
    }
  }

  deinit {
    guard raw != nil else { return }
    duckdb_appender_clear(raw)
    duckdb_appender_destroy(&raw)
  }

  /// Adds one row; each value is cast to its column's type.
  public func append(_ row: [Value]) throws(DuckDBError) {
    try checkOpen()
    guard row.count == columnTypes.count else {
      throw DuckDBError(.usage, "table \(table) has \(columnTypes.count) columns, the row has \(row.count)")
    }
    for value in row {
      let handle = try value.handle()
      try check(handle.borrow { duckdb_append_value(raw, $0) })
    }
    try check(duckdb_appender_end_row(raw))
  }

  /// Adds `rowCount` rows column by column, whole vectors at a time and without casts.
  ///
  /// - Parameters:
  ///   - rowCount: at most `DataChunk.capacity`.
  ///   - fill: writes every row of column `index`; called once for each column.
  public func append(rowCount: Int, _ fill: (_ index: Int, borrowing VectorWriter) throws -> Void) throws {
    try checkOpen()
    guard (0...DataChunk.capacity).contains(rowCount) else {
      throw DuckDBError(.usage, "a chunk takes at most \(DataChunk.capacity) rows, not \(rowCount)")
    }
    var types: [TypeHandle] = []
    for type in columnTypes { types.append(try type.handle()) }
    var rawTypes = types.map { $0.borrow { $0 } }
    let chunk = ChunkHandle(owning: duckdb_create_data_chunk(&rawTypes, idx_t(types.count)), of: nil)
    withExtendedLifetime(types) {}
    duckdb_data_chunk_set_size(chunk.raw, idx_t(rowCount))
    for index in columnTypes.indices {
      let vector = duckdb_data_chunk_get_vector(chunk.raw, idx_t(index))
      try fill(index, VectorWriter(vector, columnTypes[index], rowCount: rowCount))
    }
    let state = withExtendedLifetime(chunk) { duckdb_append_data_chunk(raw, chunk.raw) }
    try check(state)
  }

  /// Makes the rows so far part of the table.
  public func flush() throws(DuckDBError) {
    try checkOpen()
    try check(duckdb_appender_flush(raw))
  }

  /// Makes the rows part of the table and ends the appender.
  public func close() throws(DuckDBError) {
    try checkOpen()
    try check(duckdb_appender_close(raw))
    duckdb_appender_destroy(&raw)
    raw = nil
  }

  private func checkOpen() throws(DuckDBError) {
    guard raw != nil else { throw DuckDBError(.usage, "the appender for table \(table) is closed") }
  }

  private func check(_ state: duckdb_state) throws(DuckDBError) {
    guard state != DuckDBSuccess else { return }
    throw Appender.error(of: raw, table)
  }

  private static func error(of raw: duckdb_appender?, _ table: String) -> DuckDBError {
    var data: duckdb_error_data? = duckdb_appender_error_data(raw)
    defer { duckdb_destroy_error_data(&data) }
    guard let message = duckdb_error_data_message(data), message.pointee != 0 else {
      return DuckDBError(.other, "rows could not be appended to table \(table)")
    }
    return DuckDBError(message: String(cString: message))
  }
}

extension Connection {
  /// An appender for a table of this database.
  ///
  /// - Throws: there is no such table.
  public func appender(table: String, schema: String? = nil) throws(DuckDBError) -> Appender {
    try Appender(table, schema: schema, on: self)
  }
}
