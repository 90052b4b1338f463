import DuckDB
import Foundation
import LakewardTesting
import Testing

/// Rows leave `lakeward query` exactly as they are, in every format.
@Suite struct QueryOutputTests {
  /// A value in SQL, its CSV field, and its JSON.
  static let values: [(sql: String, csv: String, json: String)] = [
    ("NULL", "", "null"),
    ("''", "\"\"", "\"\""),
    ("'NULL'", "NULL", "\"NULL\""),
    ("'a,\"b\"\n\tc'", "\"a,\"\"b\"\"\n\tc\"", #""a,\"b\"\n\tc""#),
    ("chr(1) || 'é漢😀'", "\u{1}é漢😀", #""\u0001é漢😀""#),
    ("true", "true", "true"),
    ("(-128)::TINYINT", "-128", "-128"),
    ("9223372036854775807", "9223372036854775807", "9223372036854775807"),
    ("18446744073709551615::UBIGINT", "18446744073709551615", "18446744073709551615"),
    (
      "(-170141183460469231731687303715884105728)::HUGEINT", "-170141183460469231731687303715884105728",
      "-170141183460469231731687303715884105728"
    ),
    ("0.1::DOUBLE + 0.2::DOUBLE", "0.30000000000000004", "0.30000000000000004"),
    ("0.1::FLOAT", "0.1", "0.1"),
    ("5e-324::DOUBLE", "5e-324", "5e-324"),
    ("'-0.0'::DOUBLE", "-0.0", "-0.0"),
    ("'NaN'::DOUBLE", "NaN", "\"NaN\""),
    ("'-Infinity'::FLOAT", "-Infinity", "\"-Infinity\""),
    ("1.50::DECIMAL(9,2)", "1.50", "1.50"),
    ("(-0.001)::DECIMAL(38,3)", "-0.001", "-0.001"),
    (
      "99999999999999999999999999999999999999::DECIMAL(38,0)", "99999999999999999999999999999999999999",
      "99999999999999999999999999999999999999"
    ),
    (#"'\x00\xFF'::BLOB"#, "00ff", "\"00ff\""),
    ("''::BLOB", "\"\"", "\"\""),
    (
      "uuid '550E8400-e29b-41d4-a716-446655440000'", "550e8400-e29b-41d4-a716-446655440000",
      "\"550e8400-e29b-41d4-a716-446655440000\""
    ),
    ("DATE '2024-02-29'", "2024-02-29", "\"2024-02-29\""),
    ("DATE '0001-01-01' - 366", "0000-01-01", "\"0000-01-01\""),
    ("DATE '10000-01-01'", "+10000-01-01", "\"+10000-01-01\""),
    ("'infinity'::DATE", "infinity", "\"infinity\""),
    ("TIME '23:59:59.999999'", "23:59:59.999999", "\"23:59:59.999999\""),
    ("TIMESTAMP '1969-12-31 23:59:59.5'", "1969-12-31T23:59:59.500", "\"1969-12-31T23:59:59.500\""),
    ("TIMESTAMPTZ '2026-01-31 08:00:00+02'", "2026-01-31T06:00:00Z", "\"2026-01-31T06:00:00Z\""),
    ("TIMESTAMPTZ '2026-01-31 08:00:00.000001+00'", "2026-01-31T08:00:00.000001Z", "\"2026-01-31T08:00:00.000001Z\""),
    (
      "'2026-01-31 08:00:00.000000001'::TIMESTAMP_NS", "2026-01-31T08:00:00.000000001",
      "\"2026-01-31T08:00:00.000000001\""
    ),
    ("INTERVAL '1 year 2 months -3 days 4.5 seconds'", "P1Y2M-3DT4.5S", "\"P1Y2M-3DT4.5S\""),
    ("[1, NULL, 3]", "\"[1,null,3]\"", "[1,null,3]"),
    ("{'a': [1.5::DECIMAL(3,1)], 'b c': NULL}", #""{""a"":[1.5],""b c"":null}""#, #"{"a":[1.5],"b c":null}"#),
    (
      "MAP {'k': TIMESTAMPTZ '2026-01-01 00:00:00+00'}", #""{""k"":""2026-01-01T00:00:00Z""}""#,
      #"{"k":"2026-01-01T00:00:00Z"}"#
    ),
    ("union_value(x := 1)", #""{""x"":1}""#, #"{"x":1}"#),
    ("[1, 2]::INTEGER[2]", "\"[1,2]\"", "[1,2]"),
    ("'b'::ENUM('a', 'b')", "b", "\"b\""),
    ("'101'::BIT", "101", "\"101\""),
    ("[NULL, '101'::BIT]", "\"[NULL, 101]\"", "\"[NULL, 101]\""),
    (#"'{"a":  [1]}'::JSON"#, #""{""a"":  [1]}""#, #"{"a":  [1]}"#),
  ]

  @Test func everyType() throws {
    let lake = try SampleLake()
    let list = Self.values.enumerated().map { "\($1.sql) AS c\($0)" }.joined(separator: ",\n")
    let names = Self.values.indices.map { "c\($0)" }
    #expect(
      try lake.query("SELECT \(list)", "--format", "csv")
        == names.joined(separator: ",") + "\n" + Self.values.map(\.csv).joined(separator: ",") + "\n")
    let members = zip(names, Self.values).map { "\"\($0)\":\($1.json)" }.joined(separator: ",")
    #expect(try lake.query("SELECT \(list)", "--format", "ndjson") == "{\(members)}\n")
    #expect(try lake.query("SELECT \(list)", "--format", "json") == "[\n{\(members)}\n]\n")
  }

  static let rows = """
    SELECT i, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'x, "y"' || chr(10) ELSE 'NULL' END AS text,
      i / 7.0::DOUBLE AS number, TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL '1 millisecond' AS moment,
      (i::HUGEINT * 10000000000000000000000) AS huge
    FROM range(10000) AS r(i) ORDER BY i
    """

  /// DuckDB reads what was written and finds the same rows, NULL and the empty string told apart, in the same order.
  @Test(arguments: [
    "csv":
      "read_csv('out.csv', allow_quoted_nulls = false, types = {'number': 'DOUBLE', 'huge': 'HUGEINT', 'moment': 'TIMESTAMPTZ'})",
    "ndjson":
      "read_json('out.ndjson', columns = {i: 'BIGINT', text: 'VARCHAR', number: 'DOUBLE', moment: 'TIMESTAMPTZ', huge: 'HUGEINT'})",
    "json":
      "read_json('out.json', columns = {i: 'BIGINT', text: 'VARCHAR', number: 'DOUBLE', moment: 'TIMESTAMPTZ', huge: 'HUGEINT'})",
    "parquet": "read_parquet('out.parquet')",
  ]) func roundTrip(format: String, reader: String) throws {
    let lake = try SampleLake()
    let outcome = try lake.run("query", Self.rows, "--output", "out.\(format)")
    #expect(outcome.output.hasPrefix("out.\(format): 10,000 rows, "), "\(outcome)")
    let connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'; SET threads = 1")
    let source = reader.replacing("out.", with: lake.directory.file("out."))
    let same = "(\(Self.rows))"
    let read = "(SELECT i, text, number, moment, huge::HUGEINT AS huge FROM \(source))"
    for (left, right) in [(same, read), (read, same)] {
      let count = try connection.query(
        "SELECT count(*) FROM (SELECT * FROM \(left) AS l EXCEPT ALL SELECT * FROM \(right) AS r)"
      ).scalar()
      #expect(count == .int(0), "\(format)")
    }
    let disordered = "SELECT count(*) FROM (SELECT i, lag(i) OVER () AS before FROM \(source)) WHERE before > i"
    #expect(try connection.query(disordered).scalar() == .int(0))
    #expect(lake.directory.listing() == ["out.\(format)"])
  }

  @Test func duplicateNamesStayApart() throws {
    let lake = try SampleLake()
    #expect(
      try lake.query("SELECT 1 AS a, 2 AS a, 3 AS a_1", "--format", "ndjson") == "{\"a\":1,\"a_2\":2,\"a_1\":3}\n")
    #expect(try lake.query("SELECT 1 AS a, 2 AS a", "--format", "csv") == "a,a\n1,2\n")
    _ = try lake.query("SELECT 1 AS a, 2 AS a", "--output", "x.parquet")
    #expect(try lake.query("FROM 'x.parquet'", "--format", "csv") == "a,a_1\n1,2\n")
  }

  @Test func tablesForPeople() throws {
    let lake = try SampleLake()
    let output = try lake.query("SELECT i AS n, 'row ' || i AS name, NULL AS nothing FROM range(9, 12) AS r(i)")
    let lines = output.split(separator: "\n")
    #expect(
      lines.prefix(5) == [
        " n  name    nothing", "──  ──────  ───────", " 9  row 9      NULL", "10  row 10     NULL",
        "11  row 11     NULL",
      ])
    #expect(lines.last?.hasPrefix("(3 rows, ") == true)
    let limited = try lake.query("FROM range(100000)", "--rows", "2")
    #expect(limited.split(separator: "\n").count == 5)
    #expect(limited.contains("(100,000 rows, the first 2 shown, "))
    #expect(try lake.query("SELECT 1 AS x WHERE false").contains("(0 rows, "))
    // Escape sequences and line ends in data must not reach the terminal.
    let steering = try lake.query("SELECT chr(27) || '[31m' || chr(10) AS x")
    #expect(steering.contains("\\u{1b}[31m\\n") && !steering.contains("\u{1B}"))
  }

  /// On a terminal of 60 columns every line fits.
  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"))) func terminalWidth() throws {
    let lake = try SampleLake()
    try lake.directory.write(
      "SELECT repeat('long ', 30) AS text, i AS n, repeat('漢', 40) AS wide, * FROM range(3) AS r(i), (SELECT 1 AS a_column_with_a_name, 2 AS b)",
      to: "wide.sql")
    let outcome = try lake.shell("script -qec 'stty cols 60; lakeward query --file wide.sql' /dev/null")
    guard !outcome.errors.contains("pseudo-terminal") else {
      Places.note("skipped: this machine gives no pseudo-terminal")
      return
    }
    #expect(outcome.succeeded)
    let lines = outcome.output.split(whereSeparator: \.isNewline)
    try #require(lines.count == 6)
    for line in lines { #expect(line.reduce(0) { $0 + ($1 == "漢" ? 2 : 1) } <= 60, "\(line)") }
    #expect(lines[2].contains("…"))
  }

  @Test func filesAppearWhole() throws {
    let lake = try SampleLake()
    _ = try lake.query("SELECT 1 AS x", "--output", "x.csv")
    #expect(try lake.failure("query", "SELECT error('stop') AS x FROM range(10)", "--output", "x.csv").contains("stop"))
    #expect(
      try lake.failure("query", "SELECT error('stop') AS x FROM range(10)", "--output", "x.parquet").contains("stop"))
    #expect(lake.directory.listing() == ["x.csv"])
    #expect(try String(contentsOfFile: lake.directory.file("x.csv"), encoding: .utf8) == "x\n1\n")
    #expect(try lake.failure("query", "SELECT 1", "--output", "no/such/x.csv").contains("there is no folder"))
    try lake.directory.folder("folder.csv")
    #expect(try lake.failure("query", "SELECT 1", "--output", "folder.csv").contains("is a folder"))
    #expect(try lake.failure("query", "SELECT 1", "--output", "x", status: 2).contains("--format"))
    #expect(try lake.failure("query", "SELECT 1", "--format", "parquet", status: 2).contains("--output FILE"))
    #expect(try lake.failure("query", "SELECT 1", "--format", "cvs", status: 2).contains("did you mean csv?"))
  }

  @Test func readersThatLeaveAndFullDisks() throws {
    let lake = try SampleLake()
    let left = try lake.shell("lakeward query 'FROM range(100000000)' --format csv | head -2")
    #expect(left.output == "id\n0\n")
    let full = try lake.shell("lakeward query 'FROM range(100000)' --format csv > /dev/full")
    #expect(full.status == 1)
    #expect(full.errors.contains("cannot write standard output: No space left on device"))
  }

  @Test func interrupt() throws {
    let lake = try SampleLake()
    let process = try ChildProcess(
      lake.program, ["query", "FROM range(20000000000)", "--format", "csv"], directory: lake.directory.path)
    try process.waitFor("\n20000\n")
    process.signal(SIGINT)
    let outcome = try process.wait(seconds: 60)
    #expect(outcome.status == 130)
    #expect(outcome.errors == "interrupted\n")
  }
}
