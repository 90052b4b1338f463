internal import DuckDB
internal import PostgresWire
internal import Query
internal import Streaming

/// Describes and runs statements for one caller.
struct PostgresRunner {
  let backend: PostgresBackend
  let principal: Principal
  let running: RunningSession

  /// What a statement takes and gives.
  struct Description {
    /// The engine's types of the parameters, and their object ids.
    var parameters: [(engine: String, oid: UInt32)]
    /// Columns of its rows, in text format.
    var columns: [WireColumn]
  }

  /// The engine's types and the columns of a query.
  /// - Parameter declared: Object ids that the client gives for `$1`, `$2`, …; 0 or nothing leaves one open.
  func describe(
    _ statement: PostgresStatement, declared: [UInt32], _ settings: SessionSettings
  ) throws -> Description {
    let oids = statement.parameters.map { $0 <= declared.count ? declared[$0 - 1] : 0 }
    var inferred: [LogicalType] = []
    if oids.contains(where: { WireType.entry($0) == nil && WireType.element(ofArray: $0) == nil }) {
      inferred = try inspect(statement, types: nil, settings).parameters
    }
    let parameters = oids.enumerated().map { index, oid in
      ResultTypes.parameterType(declared: oid, inferred: index < inferred.count ? inferred[index] : nil)
    }
    var found = try inspect(statement, types: parameters.map(\.engine), settings)
    // Some functions leave everything open until they see their parameters.
    if !parameters.isEmpty, found.columns.contains(where: { !ResultTypes.isResolved($0.type) }) {
      found = try inspect(statement, types: parameters.map(\.engine), asNull: true, settings)
    }
    let isCatalog = statement.kind == .catalog
    return Description(
      parameters: parameters,
      columns: found.columns.map { WireColumn($0.name, ResultTypes.wireType($0.type, isCatalog: isCatalog)) })
  }

  /// Runs a query to its end.
  func run(
    _ statement: PostgresStatement, types: [String], _ parameters: [Value], formats: [WireFormat],
    _ settings: SessionSettings
  ) throws -> PostgresResult {
    let limits = backend.context.surroundings
    return try using(statement, types: types, settings) { connection, lakeQuery, text in
      try running.run(connection) {
        let result =
          try lakeQuery?.result(parameters) ?? connection.stream(reading: QueryText(text).sql, parameters)
        let isCatalog = lakeQuery == nil
        let columns = result.columns.enumerated().map { index, column in
          WireColumn(
            column.name, ResultTypes.wireType(column.type, isCatalog: isCatalog), format: formats.format(at: index))
        }
        return try PostgresResult(result, columns, rowLimit: limits.queryRows * 100)
      }
    }
  }

  private func inspect(
    _ statement: PostgresStatement, types: [String]?, asNull: Bool = false, _ settings: SessionSettings
  ) throws -> StatementDescription {
    try using(statement, types: types, asNull: asNull, settings) { connection, lakeQuery, text in
      try lakeQuery?.describe() ?? connection.describe(reading: QueryText(text).sql)
    }
  }

  /// Lends the engine that answers a statement, and the statement as that engine takes it.
  private func using<R>(
    _ statement: PostgresStatement, types: [String]?, asNull: Bool = false, _ settings: SessionSettings,
    _ body: (Connection, LakeQuery?, String) throws -> R
  ) throws -> R {
    let seconds = backend.context.surroundings.querySeconds
    guard statement.kind == .catalog else {
      let tables = Set(try backend.context.lake.tableNames().map { $0.lowercased() } + [AuditLog.tableName])
      let text = statement.text(types: types, asNull: asNull, tables: tables)
      return try backend.context.withQuery(text, for: principal, seconds: seconds) { query in
        try body(query.connection, query, text)
      }
    }
    let text = CatalogText.rewrite(
      statement.text(types: types, asNull: asNull, tables: []), user: principal.name, settings: settings.values)
    return try backend.catalog(for: principal).withConnection { connection in
      try connection.withDeadline(.now + .seconds(min(seconds, 10))) { try body(connection, nil, text) }
    }
  }
}
