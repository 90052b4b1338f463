import DuckDB
import Pipelines
import Testing

@testable import Streaming

/// By which values a view can be computed piecewise, and by which it cannot.
@Suite struct ViewLineageTests {
  private static let columns: [String: [Column]] = [
    "stays": [
      Column(name: "id", type: .bigint), Column(name: "ward", type: .varchar),
      Column(name: "started", type: .timestampTZ), Column(name: "offset", type: .bigint),
      Column(name: "date", type: .date),
    ],
    "wards": [
      Column(name: "ward", type: .varchar), Column(name: "date", type: .date), Column(name: "beds", type: .integer),
    ],
  ]

  private func lineage(_ partition: String, _ select: String) throws -> ViewLineage {
    let pipeline = try ViewLake.pipeline(
      "CREATE MATERIALIZED VIEW v PARTITIONED BY (\(partition)) AS \(select)")
    let view = try #require(pipeline.table(named: "v"))
    return try LineageFinder(view, of: pipeline, probing: LineageFinder.probingConnection(models: nil)) {
      Self.columns[$0] ?? []
    }.find(by: view.partitionedBy)
  }

  private static let day = "CAST(started AS DATE)"

  @Test(arguments: [
    ("d", "SELECT CAST(started AS DATE) AS d, count(*) AS n FROM stays GROUP BY CAST(started AS DATE)", [[day]]),
    (
      "d", "SELECT date AS d, ward FROM stays WHERE ward > 'A' UNION ALL SELECT date, ward FROM wards",
      [["date"], ["date"]]
    ),
    ("y", "SELECT year(started) AS y, count(*) AS n FROM stays GROUP BY 1", [["\"year\"(started)"]]),
    ("m", "SELECT date_trunc('MONTH', started) AS m, id FROM stays", [["date_trunc('MONTH', started)"]]),
    // Windows: within a partition it can be computed piecewise, across partitions it cannot.
    (
      "d", "SELECT date AS d, lead(started) OVER (PARTITION BY date, ward ORDER BY started) AS next FROM stays",
      [["date"]]
    ),
    ("d", "SELECT date AS d, lead(started) OVER (PARTITION BY ward ORDER BY started) AS next FROM stays", [[]]),
    ("d", "SELECT date AS d, id FROM stays QUALIFY row_number() OVER (PARTITION BY ward ORDER BY started) = 1", [[]]),
    ("d", "SELECT date AS d, id FROM stays ORDER BY id LIMIT 10", [[]]),
    ("d", "SELECT max(date) AS d, ward FROM stays GROUP BY ward", [[]]),
    // Joins: by the partition, both tell; by something else, only the one that gives it.
    ("d", "SELECT s.date AS d, w.beds FROM stays AS s JOIN wards AS w ON s.date = w.date", [["date"], ["date"]]),
    ("d", "SELECT s.date AS d, w.beds FROM stays AS s LEFT JOIN wards AS w ON s.date = w.date", [["date"], ["date"]]),
    ("d", "SELECT s.date AS d, w.beds FROM stays AS s JOIN wards AS w ON s.ward = w.ward", [["date"], []]),
    // The right side of a left join makes rows of NULL, which no value of its own tells.
    ("d", "SELECT w.date AS d, s.id FROM stays AS s LEFT JOIN wards AS w ON s.date = w.date", [[], []]),
    ("d", "SELECT date AS d FROM stays WHERE ward IN (SELECT ward FROM wards)", [["date"], []]),
    // One table read twice.
    (
      "d",
      """
      WITH a AS (SELECT date, count(*) AS n FROM stays GROUP BY date), b AS (SELECT date, max(id) AS m FROM stays GROUP BY date)
      SELECT a.date AS d, n, m FROM a JOIN b ON a.date = b.date
      """, [["date"], ["date"]]
    ),
    (
      "d",
      """
      WITH x AS (SELECT *, CAST(started AS DATE) AS day FROM stays)
      SELECT a.day AS d, b.n FROM x AS a JOIN (SELECT day, count(*) AS n FROM x GROUP BY day) AS b ON a.day = b.day
      """, [[day]]
    ),
    // A name that the plan does not quote must not be taken for something else.
    ("o", "SELECT \"offset\" AS o, id FROM stays", [[]]),
    (
      "w", "SELECT coalesce(ward, 'none') AS w, count(*) AS n FROM stays GROUP BY 1",
      [["COALESCE(ward, CAST('none' AS VARCHAR))"]]
    ),
    ("p", "SELECT 'all' AS p, count(*) AS n FROM stays", [[]]),
  ])
  func isFound(partition: String, select: String, expected: [[String]]) throws {
    let lineage = try lineage(partition, select)
    #expect(lineage.inputs.map { $0.keys.first ?? [] } == expected, "\(select)")
    #expect(lineage.keyColumns == (expected.allSatisfy(\.isEmpty) ? [] : [partition]))
  }

  @Test func severalPartitionColumns() throws {
    let lineage = try lineage(
      "d, w, n", "SELECT date AS d, ward AS w, count(*) AS n, max(id) AS m FROM stays GROUP BY date, ward")
    #expect(lineage.keyColumns == ["d", "w"])
    #expect(lineage.inputs[0].keys == [["date"], ["ward"]])
  }

  @Test func conditionsOfPlansAreRead() {
    #expect(PlanText.opaqueArgument("(hash(f(x, ')')) != 12)", number: "12") == "f(x, ')')")
    #expect(PlanText.opaqueArgument("((hash(y) != 3) AND (hash(x) != 12))", number: "12") == "x")
    #expect(PlanText.opaqueArgument("(hash(x) != 13)", number: "12") == nil)
    #expect(PlanText.comparedWithConstant("date='1234-05-06'::DATE", mark: "'1234-05-06'::DATE") == "date")
    #expect(PlanText.comparedWithConstant("(CAST(t AS DATE) = 7)", mark: "7") == "CAST(t AS DATE)")
    #expect(PlanText.comparedWithConstant("((a = 1) AND (f(b) = 7))", mark: "7") == "f(b)")
    #expect(PlanText.comparedWithConstant("((a = 1) OR b = 7)", mark: "7") == nil)
    #expect(PlanText.comparedWithConstant("a b=7", mark: "7") == nil)
  }

  @Test func rangesAreJoined() {
    #expect(KeyBounds.joined([5..<6, 1..<2, 2..<3]) == [1..<3, 5..<6])
    #expect(KeyBounds.joined([0..<1, 10..<11, 12..<13], atMost: 2) == [0..<1, 10..<13])
    #expect(KeyBounds("CAST(started AS DATE)") == .day("started"))
    #expect(KeyBounds("\"year\"(started)") == .year("started"))
    #expect(KeyBounds("date_trunc('HOUR', started)") == .truncated("started", unit: "hour"))
    #expect(KeyBounds("CAST(f(started) AS DATE)") == nil)
  }

  /// Refreshing takes a quarter of the time at most, whichever view; what fails is tried again later and later.
  @Test func scheduleIsFair() {
    var schedule = ViewSchedule([("a", 10), ("b", 0)])
    #expect(schedule.due(at: 0) == "a")
    schedule.didRefresh("a", seconds: 2, at: 2)
    #expect(schedule.due(at: 7) == nil && schedule.next == 8)
    #expect(schedule.due(at: 8) == "b")
    schedule.didRefresh("b", seconds: 7, at: 15)
    #expect(schedule.due(at: 35) == nil && schedule.next == 36)
    #expect(schedule.due(at: 36) == "a", "both are due, and this one has been for longer")
    schedule.didRefresh("a", seconds: 0, at: 36)
    #expect(schedule.due(at: 36) == "b")
    schedule.didRefresh("b", seconds: 0, at: 36)
    #expect(schedule.due(at: 46) == "b")
    schedule.didRefresh("b", seconds: 0, at: 47)
    #expect(schedule.due(at: 47) == "a")
    #expect(schedule.didFail("a", at: 12) == 20)
    #expect(schedule.didFail("a", at: 32) == 40)
    for _ in 0..<20 { _ = schedule.didFail("a", at: 100) }
    #expect(schedule.didFail("a", at: 100) == ViewSchedule.longestPause)
    #expect(schedule.due(at: 101) == "b")
  }
}
