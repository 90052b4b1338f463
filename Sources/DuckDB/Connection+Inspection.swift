/// A table, view or table function that a statement names.
public struct Reference: Sendable, Hashable {
  /// The name, unquoted.
  public var name: String
  /// The schema, if the statement gives one.
  public var schema: String?
  /// The catalog (an attached database), if the statement gives one.
  public var catalog: String?
  /// Whether it is a table function, as in `FROM delta('DIR')`.
  public var isFunction: Bool

  /// A reference.
  public init(name: String, schema: String? = nil, catalog: String? = nil, isFunction: Bool = false) {
    self.name = name
    self.schema = schema
    self.catalog = catalog
    self.isFunction = isFunction
  }
}

extension Connection {
  /// Names and types of the columns that one statement would give, without running it.
  ///
  /// - Throws: the statement does not bind, or the text is not one statement.
  public func columns(of sql: String) throws(DuckDBError) -> [Column] {
    try parse(only: sql).prepare(0).columns
  }

  /// The tables, views and table functions that one SELECT names, each once, in no order. Names that its own WITH defines
  /// are among them.
  ///
  /// - Throws: the text is not one statement that parses; `.usage` if it is not a SELECT.
  public func references(in select: String) throws(DuckDBError) -> [Reference] {
    _ = try parse(only: select)
    let tree = try query("SELECT json_serialize_sql(CAST(? AS VARCHAR))", [.string(select)]).scalar()
    guard try query("SELECT NOT ((?::JSON)->>'error')::BOOLEAN", [tree]).scalar() == .bool(true) else {
      throw DuckDBError(.usage, "the tables of a statement that is not a SELECT cannot be told")
    }
    let rows = try query(
      """
      SELECT DISTINCT (value->>'type') = 'TABLE_FUNCTION', nullif(value->>'catalog_name', ''),
        nullif(value->>'schema_name', ''), coalesce(value->>'table_name', value->'function'->>'function_name')
      FROM json_tree(?::JSON)
      WHERE type = 'OBJECT' AND (value->>'type') IN ('BASE_TABLE', 'TABLE_FUNCTION')
      """, [tree]
    ).rows()
    return rows.map { row in
      Reference(
        name: row[3].stringValue ?? "", schema: row[2].stringValue, catalog: row[1].stringValue,
        isFunction: row[0] == .bool(true))
    }
  }

  /// DuckDB's own parse of one SELECT as JSON text, without what is null or empty. Nothing is looked up: tables and
  /// columns need not exist.
  ///
  /// - Throws: the text does not parse, or is not a SELECT.
  public func syntaxTree(of select: String) throws(DuckDBError) -> String {
    let text = try query(
      "SELECT json_serialize_sql(CAST(? AS VARCHAR), skip_null := true, skip_empty := true)", [.string(select)]
    ).scalar().stringValue
    guard let text, !text.hasPrefix(#"{"error":true"#) else {
      throw DuckDBError(.usage, "the text is not one SELECT that can be parsed")
    }
    return text
  }

  /// A setting's value, as text.
  ///
  /// - Throws: there is no such setting.
  public func setting(_ name: String) throws(DuckDBError) -> String {
    try query("SELECT current_setting(?)::VARCHAR", [.string(name)]).scalar().stringValue ?? ""
  }

  /// Changes a setting, for this connection or, if it is a global one, for the database.
  ///
  /// - Throws: there is no such setting, or it does not take the value.
  public func set(_ name: String, to value: String) throws(DuckDBError) {
    do {
      try execute("SET \(SQL.quote(identifier: name)) = \(SQL.quote(literal: value))")
    } catch {
      throw DuckDBError(.settings, "there is no setting \(name), or it does not take this value")
    }
  }
}
