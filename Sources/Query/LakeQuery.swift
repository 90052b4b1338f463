public import DeltaLake
public import DuckDB
public import Models
public import Streaming

/// What a query may see.
public struct QueryScope: Sendable {
  /// The lake whose tables go by their names.
  public var lake: Lake
  /// Models whose functions a query may call; nil: none.
  public var registry: ModelRegistry?
  /// Tables beside the lake's, by name: where they lie.
  public var extraTables: [String: String] = [:]
  /// Opens one of the lake's tables by its name; nil: afresh for each query.
  public var openLakeTable: (@Sendable (String) throws -> DeltaTable)?
  /// Opens what `delta('PLACE')` names.
  public var openTable: @Sendable (String) throws -> DeltaTable
  /// Whether other queries use the same database: then nothing of this one may be left in it.
  public var isShared = false

  /// A scope.
  public init(
    lake: Lake, registry: ModelRegistry?, openTable: @escaping @Sendable (String) throws -> DeltaTable
  ) {
    self.lake = lake
    self.registry = registry
    self.openTable = openTable
  }
}

/// One query on a connection on which it finds its tables.
///
/// Tables of the lake that the query mentions, and the tables of its `delta(…)` calls, are views on fixed snapshots, so
/// that all parts of a query see the same state.
public final class LakeQuery {
  /// The connection.
  public let connection: Connection
  /// Names of the tables that there are.
  public let tableNames: [String]
  private let scope: QueryScope
  private let query: QueryText
  private var views: [String] = []
  /// Held to the end, because the local copies of a remote table's files go with its snapshot.
  private var snapshots: [Snapshot] = []

  /// Makes the query's tables and functions known on `connection`, which it alone uses.
  public init(_ scope: QueryScope, _ query: QueryText, on connection: Connection) throws {
    self.scope = scope
    self.query = query
    self.connection = connection
    tableNames = (try scope.lake.tableNames() + scope.extraTables.keys).sorted()
    do {
      try createViews()
      try registerModels()
    } catch {
      finish()
      throw error
    }
  }

  deinit { finish() }

  /// Takes back what the query left in a shared database.
  public func finish() {
    guard scope.isShared else { return }
    for view in views { try? connection.execute("DROP VIEW IF EXISTS temp.\(SQL.quote(identifier: view))") }
    views = []
  }

  /// What the query takes and gives, without running it. Columns of types that have no Swift value are of theirs here.
  public func describe() throws -> StatementDescription { try connection.describe(reading: query.sql) }

  /// Runs the query; columns of types that have no Swift value come as text.
  /// - Parameter parameters: Values for `$1`, `$2`, …
  public func result(_ parameters: [Value] = []) throws -> QueryResult {
    if let explained = query.explained { try connection.requireReading(explained) }
    let result = try connection.stream(reading: query.sql, parameters)
    let isReadable = result.columns.map { Self.isReadable($0.type) }
    guard isReadable.contains(false) else { return result }
    let outputs = result.columns.enumerated().map { index, column in
      (isReadable[index] ? "c\(index)" : "CAST(c\(index) AS VARCHAR)") + " AS \(SQL.quote(identifier: column.name))"
    }
    return try connection.stream(
      reading: "SELECT \(outputs.joined(separator: ", ")) FROM \(wrapped(result.columns.count))", parameters)
  }

  /// The query as a relation `q` with the columns `c0`, `c1`, ….
  public func wrapped(_ count: Int) -> String {
    // The line ends keep a closing comment of the query from swallowing the bracket.
    "(\n\(query.sql)\n) AS q(\((0..<count).map { "c\($0)" }.joined(separator: ", ")))"
  }

  /// DuckDB's error as the query's, in its own words.
  public func failure(_ error: DuckDBError) -> QueryError {
    QueryError(
      refused: message(of: error), isMissingTable: QueryFailure.missingTable(error) != nil, cause: error.kind)
  }

  /// DuckDB's error in its own words, which may quote the data: the person who reads them wrote the query.
  public func message(of error: DuckDBError) -> String {
    QueryFailure.text(error, tables: tableNames, lake: scope.lake.root)
  }

  private static func isReadable(_ type: LogicalType) -> Bool {
    switch type {
    case .timeNanoseconds, .bit, .bignum, .other, .any: false
    case .list(let element), .array(let element, _): isReadable(element)
    case .structure(let fields), .union(let fields): fields.allSatisfy { isReadable($0.type) }
    case .map(let key, let value): isReadable(key) && isReadable(value)
    default: true
    }
  }

  private func createViews() throws {
    // Listings show every table, other queries need only theirs.
    let wantsAll = ["show", "information_schema", "duckdb_views", "duckdb_tables", "duckdb_columns", "pg_catalog"]
      .contains(where: query.mentioned.contains)
    for name in tableNames where wantsAll || query.mentioned.contains(name.lowercased()) {
      let table =
        if let place = scope.extraTables[name] {
          try DeltaTable(at: place)
        } else {
          try scope.openLakeTable?(name) ?? scope.lake.table(named: name)
        }
      try createView(name, try table.snapshot())
    }
    for call in query.deltaCalls { try createView(call.name, try snapshot(of: call)) }
  }

  private func createView(_ name: String, _ snapshot: Snapshot) throws {
    let scan = try DeltaReader.scanSQL(snapshot)
    snapshots.append(snapshot)
    let kind = scope.isShared ? "TEMP VIEW" : "VIEW"
    try connection.execute("CREATE OR REPLACE \(kind) \(SQL.quote(identifier: name)) AS SELECT * FROM \(scan)")
    views.append(name)
  }

  private func snapshot(of call: DeltaCall) throws -> Snapshot {
    let table = try scope.openTable(call.table)
    switch call.moment {
    case .newest: return try table.snapshot()
    case .version(let number): return try table.snapshot(version: number)
    case .timestamp(let text): return try table.snapshot(timestamp: try InstantReader.milliseconds(text, connection))
    }
  }

  /// Makes the functions of models known if the query uses them.
  private func registerModels() throws {
    let functions = ["predict_", "anomaly_", "explain_"]
    let asks = query.mentioned.contains { name in
      functions.contains { name.hasPrefix($0) } || name == "model_version" || name == "model_threshold"
    }
    guard asks, let registry = scope.registry else { return }
    var uses: [ModelUse] = []
    for name in try registry.names() where try registry.liveVersion(of: name) != nil {
      uses.append(ModelUse(try registry.live(name).card))
    }
    guard !uses.isEmpty else { return }
    _ = try ScoringFunctions.register(registry, on: connection, uses: uses)
  }
}

/// Instants as people write them.
public enum InstantReader {
  /// Milliseconds since 1970 of a date or time, in UTC unless it says otherwise.
  public static func milliseconds(_ text: String, _ connection: Connection) throws -> Int64 {
    let value = try? connection.query("SELECT epoch_ms(CAST(? AS TIMESTAMPTZ))", [.string(text)]).scalar()
    guard let number = value?.intValue else {
      throw QueryError(usage: "\(text) is no point in time; write it like 2026-01-31 or 2026-01-31T08:00:00Z")
    }
    return Int64(number)
  }
}
