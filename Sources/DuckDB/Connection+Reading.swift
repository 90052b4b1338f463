internal import CDuckDB

extension Connection {
  /// Runs one statement that must only read, and gives its result in chunks as `stream` does.
  ///
  /// DuckDB's own parser decides what a statement is. A dynamic PIVOT comes from it as several statements: one for each
  /// temporary type that lists the pivoted values, and the SELECT. SELECT includes FROM, VALUES, DESCRIBE, SHOW and
  /// SUMMARIZE. An EXPLAIN ANALYZE runs what it explains: check that with `requireReading` first. A function that has
  /// effects of its own is beyond what this can see.
  ///
  /// - Parameter parameters: values for `$1`, `$2`, …
  /// - Throws: `.permission` if the text is anything else.
  public func stream(reading sql: String, _ parameters: [Value] = []) throws(DuckDBError) -> QueryResult {
    let statement = try prepare(reading: sql)
    guard statement.kind == DUCKDB_STATEMENT_TYPE_SELECT || statement.kind == DUCKDB_STATEMENT_TYPE_EXPLAIN else {
      throw Self.refusal
    }
    try statement.bind(parameters)
    return try statement.run(streaming: true)
  }

  /// What a statement that only reads takes and gives, without running it.
  ///
  /// - Throws: `.permission` if it is anything else; errors of binding.
  public func describe(reading sql: String) throws(DuckDBError) -> StatementDescription {
    let statement = try prepare(reading: sql)
    guard statement.kind == DUCKDB_STATEMENT_TYPE_SELECT || statement.kind == DUCKDB_STATEMENT_TYPE_EXPLAIN else {
      throw Self.refusal
    }
    return StatementDescription(columns: statement.columns, parameters: statement.parameterTypes)
  }

  /// Checks that a text is one SELECT (as `stream(reading:)` counts) and binds, without running it, and gives its columns.
  ///
  /// - Throws: `.permission` if it is anything else.
  @discardableResult
  public func requireReading(_ sql: String) throws(DuckDBError) -> [Column] {
    let statement = try prepare(reading: sql)
    guard statement.kind == DUCKDB_STATEMENT_TYPE_SELECT else { throw Self.refusal }
    return statement.columns
  }

  private static var refusal: DuckDBError { DuckDBError(.permission, "the statement would not only read") }

  /// The last statement of the text, after those that a PIVOT puts before it. Without a `;` in the text, nothing but a
  /// PIVOT becomes several statements.
  private func prepare(reading sql: String) throws(DuckDBError) -> PreparedStatement {
    let statements = try ExtractedStatements(sql, self)
    guard statements.count > 0 else { throw DuckDBError(.usage, "there is no statement") }
    if statements.count > 1, sql.utf8.contains(UInt8(ascii: ";")) { throw Self.refusal }
    for index in 0..<statements.count - 1 {
      let type = try statements.prepare(index)
      guard type.kind == DUCKDB_STATEMENT_TYPE_CREATE else { throw Self.refusal }
      _ = try type.run(streaming: false)
    }
    return try statements.prepare(statements.count - 1)
  }
}

/// What a prepared statement takes and gives.
public struct StatementDescription: Sendable, Hashable {
  /// Columns of its result.
  public var columns: [Column]
  /// Types that the SQL asks of `$1`, `$2`, …; `.other` where it leaves them open.
  public var parameters: [LogicalType]
}

extension DataChunk {
  /// The values of column `index`, each copied: for output, not for work over many rows.
  ///
  /// - Throws: `.usage` for a type that `Value` does not carry; cast it to VARCHAR in the SQL.
  public func values(_ index: Int) throws(DuckDBError) -> [Value] {
    let reader = reader(index)
    var values: [Value] = []
    values.reserveCapacity(rowCount)
    for row in 0..<rowCount { values.append(try reader.value(at: row)) }
    return values
  }
}
