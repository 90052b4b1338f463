import Testing

@testable import Pipelines

@Suite struct SQLScanTests {
  private func query(_ sql: String) throws -> (SQLScript.Query, [DefinitionProblem]) {
    let problems = ProblemList()
    let script = SQLScript(sql, file: "q.sql", problems: problems)
    return (try #require(script.queries.first), problems.problems)
  }

  /// Inputs as `name` or `STREAM name`, in order.
  private func inputs(_ sql: String) throws -> [String] {
    try query(sql).0.references.map { ($0.isStream ? "STREAM " : "") + $0.name }
  }

  @Test(arguments: [
    ("SELECT a FROM t", ["t"]),
    ("SELECT a FROM t AS x, u y JOIN v ON x.a = y.a LEFT JOIN w USING (a, b)", ["t", "u", "v", "w"]),
    ("SELECT a FROM STREAM(t)", ["STREAM t"]),
    ("select a from stream ( t ) x join u on true", ["STREAM t", "u"]),
    ("SELECT a FROM STREAM t s", ["STREAM t"]),
    ("SELECT a FROM stream", ["stream"]),
    ("SELECT a FROM stream AS s", ["stream"]),
    ("SELECT a FROM stream WHERE a > 1", ["stream"]),
    ("SELECT 'FROM x' AS a, \"FROM y\" FROM t -- FROM z\n /* FROM /* u */ v */", ["t"]),
    ("SELECT 'it''s FROM x' AS a FROM \"odd \"\"name\"", ["odd \"name"]),
    ("WITH c AS (SELECT a FROM t), d AS (SELECT a FROM c) SELECT a FROM c JOIN d ON true JOIN e ON true", ["t", "e"]),
    ("WITH c AS (SELECT a FROM C) SELECT a FROM c", ["C"]),
    ("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c", []),
    (
      "SELECT a FROM (SELECT b AS a FROM t WHERE b IN (SELECT c FROM u)) AS s WHERE EXISTS (SELECT 1 FROM v)",
      [
        "t", "u", "v",
      ]
    ),
    ("SELECT extract(YEAR FROM d) AS y, trim(BOTH ' ' FROM s) AS s, a IS DISTINCT FROM b AS n FROM t", ["t"]),
    ("SELECT a IS NOT DISTINCT FROM b AS n FROM t", ["t"]),
    ("SELECT a FROM range(10) AS r, LATERAL explode(x) AS e(y), t", ["t"]),
    ("SELECT a FROM (t JOIN u ON t.a = u.a) JOIN v ON true", ["t", "u", "v"]),
    ("SELECT a FROM t UNION ALL SELECT a FROM u EXCEPT (SELECT a FROM v)", ["t", "u", "v"]),
    ("SELECT (SELECT max(b) FROM u) AS m, a FROM t ORDER BY (SELECT 1 FROM w)", ["u", "t", "w"]),
    ("SELECT a FROM t TABLESAMPLE (5 PERCENT), u", ["t", "u"]),
    ("SELECT a FROM VALUES (1), (2)", []),
    ("SELECT sum(a) OVER (PARTITION BY b ORDER BY c) AS s FROM t GROUP BY a, b HAVING a > 1", ["t"]),
    ("SELECT a FROM t WHERE a IN (1, 2), u", ["t"]),
  ])
  func findsInputs(sql: String, expected: [String]) throws {
    #expect(try inputs(sql) == expected)
  }

  @Test(arguments: [
    ("SELECT a, t.b, c AS d, e f, count(*) AS n, (SELECT 1) AS o FROM t", ["a", "b", "d", "f", "n", "o"]),
    ("SELECT DISTINCT a, \"partition\", CASE WHEN a THEN b END AS x FROM t", ["a", "partition", "x"]),
    ("WITH c AS (SELECT q FROM t) SELECT a, extract(YEAR FROM d) AS y FROM c", ["a", "y"]),
    ("SELECT a IS DISTINCT FROM b AS differs, 1e0 AS one", ["differs", "one"]),
  ])
  func findsColumns(sql: String, expected: [String]) throws {
    #expect(try query(sql).0.columns == expected)
  }

  @Test(arguments: [
    "SELECT * FROM t", "SELECT t.* FROM t", "SELECT a + 1 FROM t", "SELECT CASE WHEN a THEN b END FROM t",
  ])
  func hiddenColumnsAreUnknown(sql: String) throws {
    #expect(try query(sql).0.columns == nil)
  }

  @Test func inputsAreReplacedInPlace() throws {
    let problems = ProblemList()
    let script = SQLScript(
      "CREATE STREAMING TABLE s AS -- é\nSELECT patient.a FROM STREAM(patient) JOIN wards w ON w.a = patient.a;",
      file: "q.sql", problems: problems)
    let table = try #require(script.definitions.first).table
    #expect(table.streamInputs == ["patient"])
    #expect(table.batchInputs == ["wards"])
    #expect(
      table.sql { $0.isStream ? "batch_7" : "(SELECT 1 AS a)" }
        == "SELECT patient.a FROM batch_7 AS \"patient\" JOIN (SELECT 1 AS a) w ON w.a = patient.a")
    #expect(table.sql { $0.isStream ? nil : nil } == table.sql)
  }

  @Test func placesCountCharacters() throws {
    let problems = ProblemList()
    let script = SQLScript(
      "-- é\nCREATE MATERIALIZED VIEW v AS SELECT 'é' AS a, x\nFROM lake.t;", file: "q.sql", problems: problems)
    #expect(script.definitions.count == 1)
    #expect(problems.problems.map(\.location) == [SourceLocation(file: "q.sql", line: 3, column: 6)])
  }

  /// Any cut of sound SQL gives statements or problems, never a trap.
  @Test func everyPrefixIsAnswered() {
    let sql = """
      CREATE STREAMING TABLE IF NOT EXISTS a (x COMMENT 'y', z) USING delta PARTITIONED BY (x) COMMENT 'it''s'
      TBLPROPERTIES ('k' = 1.5e+3) AS WITH c AS (SELECT 1 AS one FROM STREAM(b)) SELECT c.x, "z" FROM c, LATERAL
      explode(q) AS e(y) JOIN (t JOIN u ON true) ON a IS NOT DISTINCT FROM b /* ü */ WHERE x IN (1, .5);
      """
    for length in 0...sql.count {
      let cut = String(sql.prefix(length))
      _ = SQLScript(cut, file: "q.sql", problems: ProblemList())
      _ = SQLScript(cut + ")", file: "q.sql", problems: ProblemList())
      _ = SQLScript(String(sql.suffix(length)), file: "q.sql", problems: ProblemList())
    }
  }

  @Test func orderFollowsNeeds() throws {
    #expect(try PipelineGraph.order(names: ["c", "a", "b"], needs: [[2], [], [1]]) == [1, 2, 0])
    #expect(throws: PipelineGraph.Cycle.self) { try PipelineGraph.order(names: ["a", "b"], needs: [[1], [0]]) }
    let long = 100_000
    let chain = (0..<long).map { $0 + 1 < long ? [$0 + 1] : [] }
    #expect(try PipelineGraph.order(names: chain.map { "\($0)" }, needs: chain).first == long - 1)
  }

  @Test func slipsAreCounted() {
    #expect(Suggestion.distance(Array("trigger"), Array("triger")) == 1)
    #expect(Suggestion.distance(Array("form"), Array("from")) == 1)
    #expect(Suggestion.distance(Array(""), Array("ab")) == 2)
    #expect(Suggestion.nearest(to: "tabels", among: ["tables", "trigger"]) == "tables")
    #expect(Suggestion.nearest(to: "xyz", among: ["tables"]) == nil)
  }
}
