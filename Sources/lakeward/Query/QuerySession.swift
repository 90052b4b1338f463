internal import DeltaLake
internal import DuckDB
internal import Models
internal import Streaming

/// A connection on which one query finds its tables.
///
/// Tables of the lake that the query mentions, and the tables of its `delta(…)` calls, are views on fixed snapshots, so
/// that all parts of a query see the same state.
final class QuerySession {
  let connection: Connection
  private let workspace: Workspace
  private let query: QueryText
  private let tableNames: [String]
  private let started = ContinuousClock.now
  private var rows = 0
  /// Held to the end, because the local copies of a remote table's files go with its snapshot.
  private var snapshots: [Snapshot] = []

  init(_ workspace: Workspace, _ query: QueryText) throws {
    self.workspace = workspace
    self.query = query
    tableNames = try workspace.lake.tableNames()
    connection = try workspace.engine().connect()
    // Listings show every table, other queries need only theirs.
    let wantsAll = ["show", "information_schema", "duckdb_views", "duckdb_tables", "duckdb_columns", "pg_catalog"]
      .contains(where: query.mentioned.contains)
    for name in tableNames where wantsAll || query.mentioned.contains(name.lowercased()) {
      try createView(name, try workspace.lake.table(named: name).snapshot())
    }
    for call in query.deltaCalls { try createView(call.name, try snapshot(of: call)) }
    try registerModels()
    try connection.execute("SET lock_configuration = true")
  }

  /// What the closing line says: rows and time.
  var closingLine: String { "\(rows == 1 ? "1 row" : "\(Console.grouped(rows)) rows"), \(elapsed)" }

  private var elapsed: String { Self.seconds(ContinuousClock.now - started) }

  /// Runs the query and writes its rows.
  func write(with writer: any RowWriter) throws {
    var writer = writer
    try explainingErrors {
      if let explained = query.explained { try connection.requireReading(explained) }
      var result = try readableResult()
      try writer.begin(result.columns)
      while let chunk = try result.nextChunk() {
        rows += chunk.rowCount
        try writer.write(RowBatch(columns: try result.columns.indices.map { try chunk.values($0) }))
      }
    }
    try writer.end(note: elapsed)
  }

  /// Runs an EXPLAIN and writes the plan as it is drawn.
  func writePlan(to sink: OutputSink) throws {
    try explainingErrors {
      try connection.requireReading(query.explained ?? "")
      for row in try connection.stream(reading: query.sql).rows() {
        try sink.write((row.last?.stringValue ?? "") + "\n")
      }
    }
  }

  /// Runs the query and lets DuckDB write its rows as Parquet.
  func writeParquet(to file: String) throws {
    guard query.explained == nil else { throw UsageError("a plan is text: give another --format than parquet") }
    let temporary = try OutputSink.temporaryName(for: file)
    guard let temporary else { throw CommandFailure("\(file) is not an ordinary file; Parquet needs one") }
    try explainingErrors {
      let columns = try connection.requireReading(query.sql)
      let names = JSONRowWriter.distinct(columns.map(\.name))
      let outputs = zip(columns, names).enumerated().map { index, column in
        let (column, name) = column
        let isHuge = column.type == .hugeint || column.type == .uhugeint
        // Parquet has no integers of 128 bits; DuckDB would round them to doubles.
        let exact = isHuge ? "CAST(c\(index) AS DECIMAL(38,0))" : "c\(index)"
        return "\(exact) AS \(SQL.quote(identifier: name))"
      }
      try connection.execute(
        """
        COPY (SELECT \(outputs.joined(separator: ", ")) FROM \(wrapped(columns.count)))
        TO \(SQL.quote(literal: temporary)) (FORMAT parquet, COMPRESSION zstd)
        """)
      rows =
        try connection.query("SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(?)", [.string(temporary)])
        .scalar().intValue ?? 0
    }
    try OutputSink.install(temporary, as: file)
  }

  private func wrapped(_ count: Int) -> String {
    // The line ends keep a closing comment of the query from swallowing the bracket.
    "(\n\(query.sql)\n) AS q(\((0..<count).map { "c\($0)" }.joined(separator: ", ")))"
  }

  /// The result, with columns of types that have no Swift value as text.
  private func readableResult() throws -> QueryResult {
    let result = try connection.stream(reading: query.sql)
    let isReadable = result.columns.map { Self.isReadable($0.type) }
    guard isReadable.contains(false) else { return result }
    let outputs = result.columns.enumerated().map { index, column in
      (isReadable[index] ? "c\(index)" : "CAST(c\(index) AS VARCHAR)") + " AS \(SQL.quote(identifier: column.name))"
    }
    return try connection.stream(
      reading: "SELECT \(outputs.joined(separator: ", ")) FROM \(wrapped(result.columns.count))")
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

  private func createView(_ name: String, _ snapshot: Snapshot) throws {
    let scan = try DeltaReader.scanSQL(snapshot)
    snapshots.append(snapshot)
    try connection.execute("CREATE OR REPLACE VIEW \(SQL.quote(identifier: name)) AS SELECT * FROM \(scan)")
  }

  private func snapshot(of call: DeltaCall) throws -> Snapshot {
    let table = try workspace.deltaTable(call.table)
    switch call.moment {
    case .newest: return try table.snapshot()
    case .version(let number): return try table.snapshot(version: number)
    case .timestamp(let text): return try table.snapshot(timestamp: try InstantReader.milliseconds(text, connection))
    }
  }

  /// Makes `predict_NAME`, `model_version` and `model_threshold` known if the query uses them.
  private func registerModels() throws {
    let functions = ["predict_", "anomaly_", "explain_"]
    let asks = query.mentioned.contains { name in
      functions.contains { name.hasPrefix($0) } || name == "model_version" || name == "model_threshold"
    }
    guard asks else { return }
    var uses: [ModelUse] = []
    for name in try workspace.registry.names() where try workspace.registry.liveVersion(of: name) != nil {
      uses.append(ModelUse(try workspace.registry.live(name).card))
    }
    guard !uses.isEmpty else { return }
    _ = try ScoringFunctions.register(workspace.registry, on: connection, uses: uses)
  }

  /// DuckDB's errors in its own words, which may quote the data: the person who reads them typed the query.
  private func explainingErrors<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as DuckDBError where error.kind == .interrupt {
      throw error
    } catch let error as DuckDBError {
      throw CommandFailure(QueryFailure.text(error, tables: tableNames, lake: workspace.lake.root))
    }
  }

  static func seconds(_ duration: Duration) -> String {
    let seconds = duration / .seconds(1)
    return seconds < 1 ? "\(Int((seconds * 1_000).rounded(.up))) ms" : "\((seconds * 100).rounded() / 100) s"
  }
}

/// Instants as people write them.
enum InstantReader {
  /// Milliseconds since 1970 of a date or time, in UTC unless it says otherwise.
  static func milliseconds(_ text: String, _ connection: Connection) throws -> Int64 {
    let value = try? connection.query("SELECT epoch_ms(CAST(? AS TIMESTAMPTZ))", [.string(text)]).scalar()
    guard let number = value?.intValue else {
      throw UsageError("\(text) is no point in time; write it like 2026-01-31 or 2026-01-31T08:00:00Z")
    }
    return Int64(number)
  }
}

/// Says what is wrong with a query.
enum QueryFailure {
  /// DuckDB's text, and what the lake has instead of a table that is not there.
  static func text(_ error: DuckDBError, tables: [String], lake: String) -> String {
    let lines = error.detail.split(separator: "\n", omittingEmptySubsequences: false)
    let place = lines.firstIndex { $0.hasPrefix("LINE ") }.map { "\n" + lines[$0...].joined(separator: "\n") } ?? ""
    guard error.kind == .catalog, let name = missingTable(error.detail) else {
      let body = lines.prefix { !$0.hasPrefix("LINE ") }.filter { !$0.isEmpty }
      return body.joined(separator: "\n") + place
    }
    let remedy: String
    if let guess = nearest(to: name.lowercased(), among: tables) {
      remedy = "did you mean \(guess)?"
    } else if tables.isEmpty {
      remedy = "the lake has no tables yet; lakeward run and lakeward import make them"
    } else {
      remedy = "there are: \(tables.joined(separator: ", "))"
    }
    return "\(lake)/tables holds no table \(name); \(remedy)\(place)"
  }

  private static func missingTable(_ detail: String) -> String? {
    let start = "Table with name "
    guard let begin = detail.firstRange(of: start)?.upperBound,
      let end = detail[begin...].firstRange(of: " does not exist")?.lowerBound
    else { return nil }
    return String(detail[begin..<end])
  }
}
