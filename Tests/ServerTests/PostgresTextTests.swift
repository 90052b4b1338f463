import Testing

@testable import Server

/// What clients write, looked through before an engine sees it.
@Suite struct PostgresTextTests {
  private static func catalog(_ sql: String) -> String {
    CatalogText.rewrite(sql, user: "o'hara", settings: ["search_path": "\"$user\", public"])
  }

  @Test func statementsAreCutAtTheirSemicolons() throws {
    #expect(PostgresStatement.split("SELECT ';'; ; SELECT 2 -- ;\n; ").count == 2)
    #expect(PostgresStatement.split(" ; ").isEmpty)
    #expect(try PostgresStatement("BEGIN").kind == .command(.begin))
    #expect(try PostgresStatement("SET TIME ZONE 'UTC'").kind == .command(.set(name: "timezone", value: "UTC")))
    #expect(try PostgresStatement("SELECT 'pg_class' FROM alerts").kind == .query)
    #expect(try PostgresStatement("SELECT * FROM pg_class").kind == .catalog)
    #expect(try PostgresStatement("select current_schema()").kind == .catalog)
    #expect(try PostgresStatement("").kind == .empty)
  }

  @Test func parametersAndSchemasAreRewritten() throws {
    let statement = try PostgresStatement(
      "SELECT '$9', $3 FROM \"lakeward\".\"public\".alerts a, public.other WHERE a.x = $1 AND a.y = $3")
    #expect(statement.parameters == [1, 3])
    #expect(
      statement.text(types: ["BIGINT", "DATE"], tables: ["alerts"])
        == "SELECT '$9', CAST($2 AS DATE) FROM alerts a, public.other WHERE a.x = CAST($1 AS BIGINT) AND a.y = CAST($2 AS DATE)"
    )
  }

  @Test func catalogQueriesAreWrittenForTheEngine() {
    #expect(Self.catalog("SELECT pg_catalog.f(c.oid) FROM pg_catalog.pg_class c") == "SELECT f(c.oid) FROM pg_class c")
    #expect(Self.catalog("FROM information_schema.tables").hasSuffix("information_schema_tables"))
    #expect(
      Self.catalog("x OPERATOR(pg_catalog.~) '^(a)$' COLLATE pg_catalog.default").hasPrefix("x ~ '.*(?:^(a)$).*'"))
    #expect(Self.catalog("SELECT current_user, a.user") == "SELECT 'o''hara', a.user")
    #expect(Self.catalog("SELECT 'alerts'::regclass") == "SELECT regclass_oid('alerts')")
    #expect(Self.catalog("CAST($1 AS REGCLASS)").contains("regclass_oid($1"))
    #expect(Self.catalog("current_setting('search_path')") == "'\"$user\", public'")
    #expect(Self.catalog("SELECT 1 FROM generate_series(1, 2) AS i").hasSuffix("AS i(i)"))
    #expect(Self.catalog("SELECT 'pg_catalog.x' -- pg_catalog.y") == "SELECT 'pg_catalog.x' -- pg_catalog.y")
  }

  /// Words in any order: a text comes out, and nothing traps.
  @Test(arguments: UInt64(1)...6) func anyWordsAreRewrittenWithoutHarm(seed: UInt64) {
    let words = [
      "pg_catalog", "information_schema", ".", "(", ")", "operator", "~", "'a'", "'{x}'", "::", ":", "regclass", "cast",
      "as", "collate", "current_setting", "select", "from", "generate_series", "string_to_array", "i", "$1", "$", "$$",
      "\"public\"", "public", "lakeward", ",", ";", "set", "time", "zone", "show", "rollback", "to", "deallocate",
      "user",
      "/*", "--", "E'\\", "'", "\"", "delta", "1", "é",
    ]
    var state = seed
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    for _ in 0..<1_500 {
      let text = (0..<random(14)).map { _ in words[random(words.count)] }.joined(separator: random(3) == 0 ? "" : " ")
      for part in PostgresStatement.split(text) + [text] {
        _ = Self.catalog(part)
        guard let statement = try? PostgresStatement(part) else { continue }
        let types = statement.parameters.map { _ in "BIGINT" }
        let written = statement.text(types: types, tables: ["i"])
        #expect(statement.parameters.isEmpty || written.contains("BIGINT"))
      }
    }
  }
}
