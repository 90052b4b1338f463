internal import CDuckDB

/// A column of a result.
public struct Column: Sendable, Hashable {
  /// Name as the SQL gives it.
  public let name: String
  /// Type.
  public let type: LogicalType

  /// A column.
  public init(name: String, type: LogicalType) {
    self.name = name
    self.type = type
  }
}

/// Owns one `duckdb_result`; keeps its connection.
final class ResultHandle {
  private var raw: duckdb_result
  private let connection: Connection
  private let sql: String

  init(owning raw: duckdb_result, _ connection: Connection, sql: String) {
    self.raw = raw
    self.connection = connection
    self.sql = sql
  }

  deinit { duckdb_destroy_result(&raw) }

  func error() -> DuckDBError {
    let message = duckdb_result_error(&raw).map { String(cString: $0) }
    return DuckDBError(message: message ?? "Error: the statement failed without a reason", sql: sql)
  }

  var columns: [Column] {
    (0..<duckdb_column_count(&raw)).map { index in
      Column(
        name: duckdb_column_name(&raw, index).map { String(cString: $0) } ?? "",
        type: LogicalType(TypeHandle(owning: duckdb_column_logical_type(&raw, index))))
    }
  }

  var changedRows: Int {
    duckdb_result_return_type(raw) == DUCKDB_RESULT_TYPE_CHANGED_ROWS ? Int(duckdb_rows_changed(&raw)) : 0
  }

  /// The next chunk; nil at the end. A chunk of no rows also ends the result.
  func nextChunk(_ columns: [Column]) throws(DuckDBError) -> DataChunk? {
    guard let chunk = duckdb_fetch_chunk(raw) else {
      if let message = duckdb_result_error(&raw), message.pointee != 0 { throw error() }
      return nil
    }
    let handle = ChunkHandle(owning: chunk, of: self)
    guard handle.rowCount > 0 else { return nil }
    return DataChunk(handle, columns)
  }
}

/// The result of one statement: read it once, by rows or by chunks.
public struct QueryResult {
  /// Names and types of the columns.
  public let columns: [Column]
  /// Rows that an INSERT, UPDATE, DELETE or COPY changed; 0 for others.
  public let changedRows: Int
  private let handle: ResultHandle?

  init(_ handle: ResultHandle) {
    self.handle = handle
    columns = handle.columns
    changedRows = handle.changedRows
  }

  private init() {
    handle = nil
    columns = []
    changedRows = 0
  }

  /// The result of SQL without a statement.
  static var empty: QueryResult { QueryResult() }

  /// The next rows, at most `DataChunk.capacity`; nil when all are read.
  public mutating func nextChunk() throws(DuckDBError) -> DataChunk? {
    try handle?.nextChunk(columns)
  }

  /// All rows that are not read yet, as values. For small results: every value is copied.
  public func rows() throws(DuckDBError) -> [[Value]] {
    var rows: [[Value]] = []
    while let chunk = try handle?.nextChunk(columns) {
      let first = rows.count
      for _ in 0..<chunk.rowCount {
        var row: [Value] = []
        row.reserveCapacity(columns.count)
        rows.append(row)
      }
      for index in columns.indices {
        let reader = chunk.reader(index)
        for row in 0..<chunk.rowCount { rows[first + row].append(try reader.value(at: row)) }
      }
    }
    return rows
  }

  /// The one value of a result of one row and one column.
  public func scalar() throws(DuckDBError) -> Value {
    let rows = try rows()
    guard rows.count == 1, rows[0].count == 1 else {
      throw DuckDBError(.usage, "one row and one column were expected, not \(rows.count) and \(columns.count)")
    }
    return rows[0][0]
  }

  /// The values of a result of one column.
  public func column() throws(DuckDBError) -> [Value] {
    guard columns.count == 1 else {
      throw DuckDBError(.usage, "one column was expected, not \(columns.count)")
    }
    return try rows().map { $0[0] }
  }
}
