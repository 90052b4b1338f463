internal import DeltaLake
internal import DuckDB
internal import Query
internal import Streaming

/// A query of the command line: its tables, its rows written out, its errors explained.
final class QuerySession {
  let connection: Connection
  private let query: QueryText
  private let lakeQuery: LakeQuery
  private let started = ContinuousClock.now
  private var rows = 0

  init(_ workspace: Workspace, _ query: QueryText) throws {
    self.query = query
    connection = try workspace.engine().connect()
    let scope = QueryScope(lake: workspace.lake, registry: workspace.registry) { try workspace.deltaTable($0) }
    lakeQuery = try LakeQuery(scope, query, on: connection)
    try connection.execute("SET lock_configuration = true")
  }

  /// What the closing line says: rows and time.
  var closingLine: String { "\(rows == 1 ? "1 row" : "\(Console.grouped(rows)) rows"), \(elapsed)" }

  private var elapsed: String { Self.seconds(ContinuousClock.now - started) }

  /// Runs the query and writes its rows.
  func write(with writer: any RowWriter) throws {
    var writer = writer
    try explainingErrors {
      var result = try lakeQuery.result()
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
        COPY (SELECT \(outputs.joined(separator: ", ")) FROM \(lakeQuery.wrapped(columns.count)))
        TO \(SQL.quote(literal: temporary)) (FORMAT parquet, COMPRESSION zstd)
        """)
      rows =
        try connection.query("SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(?)", [.string(temporary)])
        .scalar().intValue ?? 0
    }
    try OutputSink.install(temporary, as: file)
  }

  /// DuckDB's errors in its own words, which may quote the data: the person who reads them typed the query.
  private func explainingErrors<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as DuckDBError where error.kind == .interrupt {
      throw error
    } catch let error as DuckDBError {
      throw CommandFailure(lakeQuery.message(of: error))
    }
  }

  static func seconds(_ duration: Duration) -> String {
    let seconds = duration / .seconds(1)
    return seconds < 1 ? "\(Int((seconds * 1_000).rounded(.up))) ms" : "\((seconds * 100).rounded() / 100) s"
  }
}
