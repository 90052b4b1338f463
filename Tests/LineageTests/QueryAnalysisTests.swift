import DuckDB
import Lineage
import Testing

/// The lineage of single queries, by DuckDB's own parse of them.
@Suite struct QueryAnalysisTests {
  static let columns: [String: [String]] = [
    "visits": ["id", "patient", "start", "code"], "people": ["id", "birthdate", "gender"], "codes": ["code", "name"],
  ]

  /// `column <- table.column USE[+USE], …` for each column, and `rows <- …`.
  static func lines(_ sql: String) throws -> [String] {
    let connection = try Database().connect()
    let lineage = try #require(
      QueryAnalysis.lineage(ofSyntax: try connection.syntaxTree(of: sql)) { columns[$0.lowercased()] })
    func text(_ uses: ColumnUses) -> String {
      uses.sorted { $0.key < $1.key }.map { name, uses in
        "\(name.table).\(name.column) \(uses.map(\.rawValue).sorted().joined(separator: "+"))"
      }.joined(separator: ", ")
    }
    return lineage.columns.map { "\($0.name) <- \(text($0.uses))" }
      + (lineage.rows.isEmpty ? [] : ["rows <- \(text(lineage.rows))"])
  }

  @Test(arguments: [
    ("SELECT id, start AS s FROM visits", ["id <- visits.id IDENTITY", "s <- visits.start IDENTITY"]),
    (
      "SELECT v.* FROM visits AS v WHERE v.code = 'x'",
      [
        "id <- visits.id IDENTITY", "patient <- visits.patient IDENTITY", "start <- visits.start IDENTITY",
        "code <- visits.code IDENTITY", "rows <- visits.code FILTER",
      ]
    ),
    (
      "SELECT * EXCLUDE (start, patient) REPLACE (upper(code) AS code) FROM visits",
      ["id <- visits.id IDENTITY", "code <- visits.code TRANSFORMATION"]
    ),
    ("SELECT 1 AS one, count(*) AS n FROM visits", ["one <- ", "n <- "]),
    // Unqualified names are found in the relation that has them.
    (
      "SELECT gender, max(start) AS newest FROM visits JOIN people ON patient = people.id GROUP BY gender",
      [
        "gender <- people.gender IDENTITY", "newest <- visits.start AGGREGATION",
        "rows <- people.gender GROUP_BY, people.id JOIN, visits.patient JOIN",
      ]
    ),
    // Through a subquery: what is done twice is the stronger of the two.
    (
      "SELECT total + 1 AS t FROM (SELECT sum(id) AS total FROM visits WHERE code IS NOT NULL) AS s",
      ["t <- visits.id AGGREGATION", "rows <- visits.code FILTER"]
    ),
    (
      "WITH a AS (SELECT patient, code FROM visits), b(x) AS (SELECT code FROM a) SELECT x FROM b",
      ["x <- visits.code IDENTITY"]
    ),
    (
      "SELECT CASE WHEN gender = 'F' THEN birthdate END AS d FROM people",
      ["d <- people.birthdate TRANSFORMATION, people.gender CONDITIONAL"]
    ),
    (
      "SELECT row_number() OVER (PARTITION BY patient ORDER BY start) AS n FROM visits",
      ["n <- visits.patient WINDOW, visits.start WINDOW"]
    ),
    // A correlated subquery looks into the query around it.
    (
      "SELECT (SELECT max(name) FROM codes WHERE codes.code = v.code) AS name FROM visits AS v",
      ["name <- codes.code FILTER, codes.name AGGREGATION, visits.code FILTER"]
    ),
    (
      "SELECT id FROM visits UNION ALL SELECT patient FROM visits",
      ["id <- visits.id IDENTITY, visits.patient IDENTITY"]
    ),
    (
      "SELECT id, w FROM visits, LATERAL unnest([code, patient]) AS e(w)",
      ["id <- visits.id IDENTITY", "w <- visits.code TRANSFORMATION, visits.patient TRANSFORMATION"]
    ),
    (
      "SELECT * FROM visits JOIN codes USING (code)",
      [
        "id <- visits.id IDENTITY", "patient <- visits.patient IDENTITY", "start <- visits.start IDENTITY",
        "code <- visits.code IDENTITY", "name <- codes.name IDENTITY", "rows <- codes.code JOIN, visits.code JOIN",
      ]
    ),
    (
      "SELECT id + 1 AS next, next * 2 AS twice FROM visits",
      ["next <- visits.id TRANSFORMATION", "twice <- visits.id TRANSFORMATION"]
    ),
    (
      "SELECT visits.id FROM visits SEMI JOIN people ON people.id = visits.patient",
      ["id <- visits.id IDENTITY", "rows <- people.id JOIN, visits.patient JOIN"]
    ),
    // A table of which nobody knows the columns takes what no other has.
    (
      "SELECT gender, other FROM people JOIN unknown ON true",
      ["gender <- people.gender IDENTITY", "other <- unknown.other IDENTITY"]
    ),
    ("SELECT v.k FROM (VALUES (1), (2)) AS v(k)", ["k <- "]),
  ])
  func query(_ sql: String, _ expected: [String]) throws {
    #expect(try Self.lines(sql) == expected)
  }

  @Test func whatIsNoQueryHasNone() throws {
    #expect(QueryAnalysis.lineage(ofSyntax: "{") { _ in nil } == nil)
    #expect(QueryAnalysis.lineage(ofSyntax: #"{"error":true}"#) { _ in nil } == nil)
    #expect(throws: DuckDBError.self) { try Database().connect().syntaxTree(of: "SELEC 1") }
  }
}
