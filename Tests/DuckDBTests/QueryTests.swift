import DuckDB
import LakewardTesting
import Testing

@Suite struct QueryTests {
  let connection: Connection

  init() throws { connection = try Database().connect() }

  @Test func severalStatementsGiveTheLastResult() throws {
    let result = try connection.query(
      "CREATE TABLE t(a INTEGER, b VARCHAR); INSERT INTO t VALUES (1,'x'),(2,NULL); FROM t")
    #expect(result.columns == [Column(name: "a", type: .integer), Column(name: "b", type: .varchar)])
    #expect(try result.rows() == [[.int(1), .string("x")], [.int(2), .null]])
  }

  @Test func changedRowsAreCounted() throws {
    try connection.execute("CREATE TABLE t AS SELECT range AS n FROM range(10)")
    #expect(try connection.query("DELETE FROM t WHERE n < 4").changedRows == 4)
    #expect(try connection.query("SELECT 1").changedRows == 0)
  }

  @Test func textWithoutStatementIsAnEmptyResult() throws {
    #expect(try connection.query("-- nothing").rows().isEmpty)
    #expect(throws: DuckDBError.self) { try connection.query("-- nothing").scalar() }
  }

  static let literals: [(String, Value)] = [
    ("NULL", .null), ("true", .bool(true)), ("(-5)::TINYINT", .int(-5)), ("300::SMALLINT", .int(300)),
    ("70000", .int(70000)), ("-9223372036854775808", .int(.min)), ("255::UTINYINT", .uint(255)),
    ("18446744073709551615::UBIGINT", .uint(.max)),
    ("'-170141183460469231731687303715884105728'::HUGEINT", .hugeint(.min)),
    ("340282366920938463463374607431768211455::UHUGEINT", .uhugeint(.max)),
    ("1.5::FLOAT", .float(1.5)), ("1e300", .double(1e300)), ("1.25::DECIMAL(4,2)", .decimal(125, width: 4, scale: 2)),
    ("-1.25::DECIMAL(38,2)", .decimal(-125, width: 38, scale: 2)), ("'short'", .string("short")),
    ("'a text longer than twelve bytes — ü'", .string("a text longer than twelve bytes — ü")),
    (#"'\x00\xFFa'::BLOB"#, .blob([0, 255, 97])),
    ("'8e0cf3a1-1c9d-4b45-9f21-0a5b7a3c2d1e'::UUID", .uuid("8e0cf3a1-1c9d-4b45-9f21-0a5b7a3c2d1e")),
    ("'1970-01-02'::DATE", .date(days: 1)), ("'00:00:01.5'::TIME", .time(microseconds: 1_500_000)),
    ("'01:00:00+02'::TIMETZ", .timeTZ(microseconds: 3_600_000_000, offsetSeconds: 7200)),
    ("'1970-01-01 00:00:01'::TIMESTAMP", .timestamp(microseconds: 1_000_000)),
    ("'1970-01-01 00:00:01'::TIMESTAMP_S", .timestamp(microseconds: 1_000_000)),
    ("'1970-01-01 00:00:01'::TIMESTAMP_NS", .timestampNanoseconds(1_000_000_000)),
    ("'1970-01-01 00:00:01+00'::TIMESTAMPTZ", .timestampTZ(microseconds: 1_000_000)),
    ("INTERVAL '2 months 3 days 4 seconds'", .interval(months: 2, days: 3, microseconds: 4_000_000)),
    ("[1, NULL, 3]", .list([.int(1), .null, .int(3)])), ("[]::INTEGER[]", .list([])),
    ("[1, 2]::INTEGER[2]", .list([.int(1), .int(2)])),
    (
      "{a: 1, b: {c: ['x']}}",
      .structure([.init("a", .int(1)), .init("b", .structure([.init("c", .list([.string("x")]))]))])
    ),
    ("MAP {'k': 1, 'l': NULL}", .map([.init(.string("k"), .int(1)), .init(.string("l"), .null)])),
    ("union_value(n := 7)", .union(tag: "n", .int(7))), ("'b'::ENUM('a','b')", .string("b")),
    (#"'{"a": 1}'::JSON"#, .string(#"{"a": 1}"#)),
  ]

  @Test(arguments: literals) func valuesOfEveryType(_ sql: String, _ value: Value) throws {
    #expect(try connection.query("SELECT \(sql)").scalar() == value)
  }

  @Test(arguments: literals.filter { !$0.0.hasPrefix("union") }) func parametersOfEveryType(
    _ sql: String, _ value: Value
  ) throws {
    #expect(try connection.query("SELECT ?", [value]).scalar() == value)
  }

  @Test(arguments: literals) func typeTextIsSQL(_ sql: String, _ value: Value) throws {
    let type = try connection.query("SELECT \(sql)").columns[0].type
    #expect(try connection.query("SELECT NULL::\(type)").columns[0].type == type)
  }

  @Test func parametersAreCounted() throws {
    #expect(throws: DuckDBError.self) { try connection.query("SELECT ?", []) }
    #expect(throws: DuckDBError.self) { try connection.query("SELECT 1", [1]) }
    #expect(try connection.query("SELECT $2 || $1", ["b", "a"]).scalar() == "ab")
  }

  static let unfit: [Value] = [
    .list([1, 2.5]), .list(["a", 1]), .uuid("not one"), .decimal(1, width: 50, scale: 2),
    .decimal(1, width: 2, scale: 3), .decimal(1000, width: 3, scale: 0), .structure([]), .union(tag: "a", 1),
    .map([.init(1, 2), .init("a", 2)]),
    .list([.structure([.init("a", 1)]), .structure([.init("b", 1)])]),
  ]

  @Test(arguments: unfit) func malformedParametersAreErrors(_ value: Value) throws {
    let error = try #require(throws: DuckDBError.self) { try connection.query("SELECT ?", [value]) }
    #expect(error.kind == .usage)
  }

  static let nested: [(Value, LogicalType)] = [
    (.map([]), .map(key: .integer, value: .integer)),
    (.list([.list([]), .list([1])]), .list(.list(.bigint))),
    (.list([.null, .null]), .list(.integer)), (.string("a\0b"), .varchar), (.string(""), .varchar), (.blob([]), .blob),
    (
      .list([.structure([.init("a", .null)]), .structure([.init("a", 1)])]),
      .list(.structure([.init("a", .bigint)]))
    ),
  ]

  @Test(arguments: nested) func parametersThatLeaveTheirTypeOpen(_ value: Value, _ type: LogicalType) throws {
    let result = try connection.query("SELECT ?", [value])
    #expect(result.columns[0].type == type)
    #expect(try result.scalar() == value)
  }

  @Test func chunksStreamAndStopEarly() throws {
    var result = try connection.stream(
      "SELECT range AS n, CASE WHEN range % 3 = 0 THEN NULL ELSE range::DOUBLE END AS x FROM range(10000000)")
    let chunk = try #require(try result.nextChunk())
    #expect(chunk.rowCount == DataChunk.capacity)
    try chunk.column(0).withValues(as: Int64.self) { values, validity in
      #expect(validity.allValid && values[7] == 7)
    }
    try chunk.column(1).withValues(as: Double.self) { values, validity in
      #expect(!validity.isValid(0) && validity.isValid(1) && values[1] == 1)
    }
    #expect(throws: DuckDBError.self) { try chunk.column(0).withValues(as: Double.self) { _, _ in } }
    #expect(try connection.query("SELECT 42").scalar() == 42)
  }

  @Test func quoting() throws {
    #expect(SQL.quote(identifier: #"a "b""#) == #""a ""b""""#)
    #expect(SQL.quote(literal: "O'Hara") == "'O''Hara'")
    let odd = #"x"; DROP TABLE t; -- 'é'"#
    #expect(
      try connection.query("SELECT \(SQL.quote(literal: odd)) AS \(SQL.quote(identifier: odd))").columns[0].name == odd)
    #expect(try connection.query("SELECT \(SQL.quote(literal: odd))").scalar() == .string(odd))
  }

  /// What was read once is not kept: a stream reads thousands of files that are joined into others and deleted.
  @Test func filesThatWereReadAreNotKeptInMemory() throws {
    let directory = try TemporaryDirectory("files")
    for number in 0..<20 {
      let file = SQL.quote(literal: directory.file("\(number).parquet"))
      try connection.execute("COPY (SELECT range AS a FROM range(10000)) TO \(file)")
      #expect(try connection.query("SELECT sum(a) FROM read_parquet(\(file))").scalar() == .hugeint(49_995_000))
    }
    let kept = try connection.query(
      "SELECT coalesce(sum(memory_usage_bytes), 0)::BIGINT FROM duckdb_memory() WHERE tag = 'EXTERNAL_FILE_CACHE'")
    #expect(try kept.scalar() == .int(0))
  }
}
