import DeltaLake
import Foundation
import LakewardTesting
import Testing

/// What `lakeward query` reads, and what it refuses.
@Suite struct QueryTests {
  private static func lake() throws -> SampleLake {
    let lake = try SampleLake()
    try lake.table(
      "vitals", partitionedBy: ["ward"], "SELECT 'a' AS patient_id, 60.5::DOUBLE AS heart_rate, 'x' AS ward",
      "SELECT 'b' AS patient_id, NULL::DOUBLE AS heart_rate, 'y y' AS ward")
    try lake.table("elsewhere/it's here", "SELECT 7 AS n")
    return lake
  }

  /// A query and its CSV.
  static let answers: [(sql: String, csv: String)] = [
    ("SELECT * FROM vitals ORDER BY patient_id", "patient_id,heart_rate,ward\na,60.5,x\nb,,y y\n"),
    ("SELECT count(*) AS n FROM \"VITALS\";", "n\n2\n"),
    ("SELECT count(*) AS n FROM main.vitals -- ; delta('no')", "n\n2\n"),
    ("SELECT count(*) AS n FROM delta('vitals', version => 1)", "n\n1\n"),
    ("SELECT count(*) AS n FROM delta('vitals', version := 0)", "n\n0\n"),
    ("SELECT count(*) AS n FROM DELTA ( 'vitals' /* ) */ , timestamp => TIMESTAMP '2999-01-01' )", "n\n2\n"),
    ("FROM delta('elsewhere/it''s here')", "n\n7\n"),
    (
      "SELECT n, heart_rate FROM delta('./elsewhere/it''s here') AS e, vitals v WHERE v.ward = 'x'",
      "n,heart_rate\n7,60.5\n"
    ),
    (
      "SELECT a.n + b.n AS n FROM delta('elsewhere/it''s here') a JOIN (FROM delta('elsewhere/it''s here')) b ON true",
      "n\n14\n"
    ),
    (
      "SELECT 'delta(''no'')' AS text, $$delta('no')$$ AS dollars, E'\\'; delta(''no'')' AS e",
      "text,dollars,e\ndelta('no'),delta('no'),'; delta('no')\n"
    ),
    ("SELECT (SELECT count(*) FROM vitals) - (SELECT count(*) FROM delta('vitals', version => 1)) AS n", "n\n1\n"),
    ("PIVOT vitals ON ward USING count(*) GROUP BY patient_id ORDER BY ALL", "patient_id,x,y y\na,1,0\nb,0,1\n"),
    (
      "SELECT * FROM (PIVOT delta('vitals') ON ward USING count(*) GROUP BY patient_id) ORDER BY ALL",
      "patient_id,x,y y\na,1,0\nb,0,1\n"
    ),
    ("SELECT column_name FROM (DESCRIBE delta('vitals'))", "column_name\npatient_id\nheart_rate\nward\n"),
    ("SHOW TABLES", "name\nvitals\n"),
    ("VALUES (1)", "col0\n1\n"),
    ("(SELECT 1 AS a) UNION ALL (SELECT 2) ORDER BY a", "a\n1\n2\n"),
    ("WITH \"update\" AS (SELECT 1 AS a) SELECT a FROM \"update\"", "a\n1\n"),
    ("SELECT to_date('2026-01-31') AS day, current_setting('TimeZone') AS zone", "day,zone\n2026-01-31,UTC\n"),
  ]

  @Test func answers() throws {
    let lake = try Self.lake()
    for (sql, csv) in Self.answers { #expect(try lake.query(sql, "--format", "csv") == csv, "\(sql)") }
  }

  @Test func summarizeAndExplain() throws {
    let lake = try Self.lake()
    #expect(try lake.query("SUMMARIZE delta('vitals')").contains("heart_rate"))
    #expect(try lake.query("EXPLAIN SELECT heart_rate FROM vitals").contains("READ_PARQUET"))
    #expect(try lake.query("EXPLAIN (FORMAT json) SELECT heart_rate FROM vitals").contains("\"name\""))
    #expect(try lake.query("EXPLAIN ANALYZE SELECT heart_rate FROM vitals").contains("Total Time"))
  }

  @Test func whereTheQueryComesFrom() throws {
    let lake = try Self.lake()
    try lake.directory.write("-- a report\nSELECT count(*) AS n\nFROM vitals\n;\n", to: "report.sql")
    for words in ["--file report.sql", "< report.sql", "- < report.sql"] {
      #expect(try lake.shell("lakeward query --format csv \(words)").output == "n\n2\n", "\(words)")
    }
    #expect(try lake.failure("query", "SELECT 1", "--file", "report.sql", status: 2).contains("not both"))
    #expect(try lake.failure("query", "SELECT", "1", status: 2).contains("in quotes"))
    #expect(try lake.failure("query", "--file", "none.sql").contains("none.sql cannot be read"))
    #expect(try lake.failure("query", status: 2).contains("there is no SQL"))
    #expect(try lake.failure("query", " -- nothing", status: 2).contains("there is no SQL"))
  }

  /// A query that must fail, its exit code, and a part of the line that says why.
  static let refusals: [(sql: String, status: Int32, reason: String)] = [
    ("SELECT 1; SELECT 2", 2, "several statements"),
    ("SELECT 1; DROP TABLE vitals", 2, "several statements"),
    ("INSERT INTO vitals VALUES (1)", 1, "INSERT is refused"),
    ("/* SELECT */ create table x as select 1", 1, "CREATE is refused"),
    ("COPY (SELECT 1) TO 'leak.csv'", 1, "--output FILE"),
    ("COPY vitals TO 'leak.csv'", 1, "COPY is refused"),
    ("EXPLAIN ANALYZE COPY (SELECT 1) TO 'leak.csv'", 1, "COPY is refused"),
    ("EXPLAIN (ANALYZE) COPY (SELECT 1) TO 'leak.csv'", 1, "COPY is refused"),
    ("EXPLAIN (FORMAT json, ANALYZE) CREATE TABLE x AS SELECT 1", 1, "CREATE is refused"),
    ("EXPLAIN EXPLAIN SELECT 1", 2, "EXPLAIN does not begin a query"),
    ("WITH x AS (SELECT 1) INSERT INTO vitals SELECT * FROM x", 1, "INSERT is refused"),
    ("WITH x(a) AS (SELECT 1), y AS (SELECT 2) DELETE FROM vitals", 1, "DELETE is refused"),
    ("ATTACH 'leak.db'", 1, "ATTACH is refused"),
    ("EXPORT DATABASE 'leak'", 1, "EXPORT is refused"),
    ("INSTALL httpfs", 1, "INSTALL is refused"),
    ("LOAD httpfs", 1, "LOAD is refused"),
    ("SET threads = 1", 1, "SET is refused"),
    ("PRAGMA enable_profiling", 1, "PRAGMA is refused"),
    ("CALL enable_logging()", 1, "CALL is refused"),
    ("FROM enable_logging(storage = 'file', storage_path = 'leak')", 1, "enable_logging(…) is refused"),
    ("SELECT * FROM system.main.\"Enable_Logging\" /**/ (storage = 'file')", 1, "enable_logging(…) is refused"),
    ("FROM enable_profiling(save_location = 'leak.json')", 1, "enable_profiling(…) is refused"),
    ("FROM query('SELECT 1')", 1, "query(…) is refused"),
    ("FROM checkpoint()", 1, "checkpoint(…) is refused"),
    ("SELECT write_log('x')", 1, "write_log(…) is refused"),
    ("SELEC 1", 2, "did you mean SELECT?"),
    ("42", 2, "this is not SQL"),
    ("SELECT delta('vitals')", 2, "after FROM or JOIN"),
    ("FROM delta()", 2, "takes a folder in single quotes"),
    ("FROM delta('vitals', 3)", 2, "options by name"),
    ("FROM delta('vitals', verson => 3)", 2, "did you mean version?"),
    ("FROM delta('vitals', version => '3')", 2, "a whole number"),
    ("FROM delta('vitals', version => 1, timestamp => '2026-01-01')", 2, "one of version and timestamp"),
    ("FROM delta('vitals', timestamp => 'yesterday')", 2, "no point in time"),
    ("FROM delta('vitals', version => 9)", 1, "has no version 9"),
    ("FROM delta('vitals'", 2, "is not closed"),
    ("FROM delta('vitalz')", 1, "did you mean vitals?"),
    ("FROM delta('elsewhere')", 1, "is not a Delta table"),
    ("SELECT * FROM vitalz", 1, "lake/tables holds no table vitalz; did you mean vitals?"),
    ("SELECT * FROM q9", 1, "there are: vitals"),
    ("SELECT hart_rate FROM vitals", 1, "\"hart_rate\" not found"),
    ("SELECT 'abc'::INT", 1, "'abc'"),
    ("SELECT * FROM (SELECT 1", 1, "syntax error"),
  ]

  @Test func refusals() throws {
    let lake = try Self.lake()
    let before = lake.directory.listing()
    for (sql, status, reason) in Self.refusals {
      let outcome = try lake.run("query", sql)
      #expect(outcome.status == status, "\(sql): \(outcome.errors)")
      #expect(outcome.errors.contains(reason), "\(sql): \(outcome.errors)")
      #expect(outcome.output == "", "\(sql)")
    }
    #expect(lake.directory.listing() == before)
  }

  @Test func noLake() throws {
    let lake = try SampleLake()
    #expect(try lake.query("SELECT 1 AS a", "--format", "csv") == "a\n1\n")
    #expect(try lake.failure("query", "FROM vitals").contains("the lake has no tables yet"))
    #expect(lake.directory.listing() == [])
  }
}
