internal import DuckDB
internal import HTTP
internal import JSON
internal import Query

/// SQL over the lake.
enum QueryRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    let body = Schema.object(
      [
        "sql": .text("One statement that only reads, in DuckDB's SQL", longest: 100_000),
        "rows": .integer("The most rows", in: 1...1_000_000), "seconds": .number("The most seconds", minimum: 0.001),
      ], required: ["sql"], isOpen: false)
    let limits = context.surroundings
    return [
      Endpoint(
        .post, "/query", group: "Tables", "Runs one query", needs: .query,
        answers: [.init(200, "Its rows", [("application/json", .named("Rows")), ("text/csv", .text())])]
      ) { call in try run(call, context) }
      .with {
        $0.details =
          "Tables go by their names; delta('TABLE', version => 3) is an earlier state of one. Nothing but the lake's "
          + "tables can be read, nothing can be written. At most \(limits.queryRows) rows (100 times that as CSV) and "
          + "\(Int(limits.querySeconds)) s. With Accept: text/csv the answer is CSV."
        $0.body = .json(body, example: #"{"sql": "SELECT 1 AS one"}"#)
        $0.problems = [408]
        $0.audit = .read("query")
      }
    ]
  }

  private static func run(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    var reader = BodyReader(try BodyReader.object(call.request.body))
    let sql = reader.text("sql", required: true, longest: 100_000) ?? ""
    let isCSV = call.request.head.headers["accept"]?.contains("text/csv") ?? false
    let most = context.surroundings.queryRows * (isCSV ? 100 : 1)
    let rows = min(reader.integer("rows", in: 1...1_000_000) ?? most, most)
    let wanted = reader.number("seconds", in: 0.001...86_400) ?? context.surroundings.querySeconds
    try reader.finish()
    call.trail.note(sql)
    let begin = ContinuousClock.now
    let bytes = try context.query(sql, for: call.principal, seconds: min(wanted, context.surroundings.querySeconds)) {
      try RowText.write($0, isCSV ? .csv : .json, rows: rows, bytes: 64 << 20, since: begin)
    }
    return isCSV ? ServerResponse(200, "text/csv; charset=utf-8", bytes) : .json(bytes)
  }
}
