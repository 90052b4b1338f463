import DuckDB
import Testing

@Suite struct AppenderTests {
  let connection: Connection

  init() throws {
    connection = try Database().connect()
    try connection.execute("CREATE TABLE t(n BIGINT NOT NULL, x DOUBLE, s VARCHAR, l INTEGER[])")
  }

  @Test func rows() throws {
    let appender = try connection.appender(table: "t")
    #expect(appender.columnTypes == [.bigint, .double, .varchar, .list(.integer)])
    try appender.append([1, 1.5, "a", .list([1, .null])])
    try appender.append([.int(2), .null, .null, .null])
    try appender.flush()
    #expect(try connection.query("SELECT count(*) FROM t").scalar() == 2)
    try appender.append([3, 2, "a string that is not short", .list([])])
    try appender.close()
    #expect(
      try connection.query("FROM t ORDER BY n").rows() == [
        [1, 1.5, "a", .list([1, .null])], [2, .null, .null, .null],
        [3, 2.0, "a string that is not short", .list([])],
      ])
    #expect(throws: DuckDBError.self) { try appender.append([4, 1, "x", .null]) }
  }

  @Test func columnsAtATime() throws {
    try connection.execute("CREATE TABLE c(n BIGINT, x DOUBLE, s VARCHAR, b BLOB)")
    let appender = try connection.appender(table: "c", schema: "main")
    for _ in 0..<3 {
      try appender.append(rowCount: 2000) { index, column in
        switch index {
        case 0: try column.withValues(as: Int64.self) { for row in $0.indices { $0[row] = Int64(row) } }
        case 1:
          try column.withValues(as: Double.self) { $0.update(repeating: 0.5) }
          column.setNull(7)
        case 2: for row in 0..<column.rowCount { try column.setString("row number \(row)", at: row) }
        default: for row in 0..<column.rowCount { column.setNull(row) }
        }
      }
    }
    try appender.close()
    #expect(
      try connection.query("SELECT count(*), sum(n), count(x), count(DISTINCT s), count(b) FROM c").rows()
        == [[6000, .hugeint(5_997_000), 5997, 2000, 0]])
    #expect(try connection.query("SELECT s FROM c WHERE n = 1234 LIMIT 1").scalar() == "row number 1234")
  }

  @Test func failuresAreSeenAndLeaveTheTable() throws {
    #expect(throws: DuckDBError.self) { try connection.appender(table: "none") }
    let short = try connection.appender(table: "t")
    #expect(throws: DuckDBError.self) { try short.append([1]) }
    let unfit = try connection.appender(table: "t")
    let error = try #require(throws: DuckDBError.self) {
      try unfit.append(["Ann Smith", 1, "x", .null])
      try unfit.close()
    }
    #expect(error.kind == .conversion && !error.description.contains("Ann"))
    let null = try connection.appender(table: "t")
    let missing = try #require(throws: DuckDBError.self) {
      try null.append([.null, 1, "x", .null])
      try null.close()
    }
    #expect(missing.kind == .constraint)
    #expect(try connection.query("SELECT count(*) FROM t").scalar() == 0)
  }

  @Test func unclosedRowsAreDropped() throws {
    do {
      let appender = try connection.appender(table: "t")
      try appender.append([1, 1, "x", .null])
    }
    #expect(try connection.query("SELECT count(*) FROM t").scalar() == 0)
  }
}
