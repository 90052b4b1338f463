import DuckDB
import LakewardTesting
import Models
import Pipelines
import Testing

@testable import Streaming

/// Lists of recent readings that only a model of sequences looks at.
@Suite struct ListsOnDemandTests {
  /// The scores are those of a pipeline that always makes the lists, whichever version is live, and though a promotion
  /// comes in the middle of the stream.
  @Test func scoresAreTheSameAsWithLists() throws {
    let cases = WatchedWard.cases(1_200, seed: 4)
    let pipelines = [try WatchedVitals(), try WatchedVitals(listsOnDemand: true)]
    for beds in pipelines {
      try beds.train(.isolationForest, seed: 1, promote: true)
      try beds.run(Array(cases[..<400]))
      try beds.train(.lstm, seed: 2, promote: true)
      try beds.run(Array(cases[..<800]))
      try beds.train(.isolationForest, seed: 3, promote: true)
      try beds.run(cases)
    }
    let columns = "patient_id, event_time, anomaly_score, anomaly_flag, model_version"
    let (all, some) = (try pipelines[0].scan("gold_beds"), try pipelines[1].scan("gold_beds"))
    let versions =
      "SELECT model_version || ' ' || count(anomaly_score) FROM \(some) GROUP BY model_version ORDER BY ALL"
    #expect(
      try pipelines[1].rows(versions).map { $0[0].stringValue } == ["1 400", "2 400", "3 400"])
    for (one, other) in [(all, some), (some, all)] {
      let differing = "SELECT count(*) FROM (SELECT \(columns) FROM \(one) EXCEPT ALL SELECT \(columns) FROM \(other))"
      #expect(try pipelines[0].rows(differing)[0][0].intValue == 0)
    }
  }

  /// A version that looks back is shown what came before it was live, and memory is given back when it goes.
  @Test func readingsAreRememberedWhileSomebodyLooks() throws {
    let database = try Database()
    let connection = try database.connect()
    try connection.execute(
      """
      CREATE SCHEMA stage; CREATE SCHEMA state;
      CREATE TABLE rows AS SELECT 0 AS "partition", i::BIGINT AS "offset", 'a' AS patient,
        make_timestamptz(i * 1000000) AS seen, i::DOUBLE AS pulse FROM range(6) r(i)
      """)
    let history = RecentHistory(
      .init(
        name: "last", table: "rows", keys: ["patient"], orderBy: "seen", columns: ["pulse"], rows: 2,
        withinSeconds: 60, includesCurrent: true, model: "beds"),
      latenessSeconds: 0, connection: connection)
    history.types = ["pulse": "DOUBLE"]
    try history.create(like: "rows")
    func lists() throws -> Int? {
      try connection.query("SELECT sum(len(pulse)) FROM \(history.relation)").scalar().intValue
    }
    try history.stage(current: "rows", late: nil)
    #expect(try lists() == 15)
    try history.didCommit("rows", span: OffsetSpan([0: 0..<6]), newest: [:])
    #expect(history.rowsInMemory == 6)
    history.isWanted = false
    try history.stage(current: "rows", late: nil)
    #expect(try lists() == 0)
    try history.didCommit("rows", span: OffsetSpan([0: 6..<12]), newest: [:])
    #expect(history.rowsInMemory == 6)
  }

  /// Of each key the last rows stay, and none of a key that nobody can look back at.
  @Test func whatNobodyNeedsIsForgotten() throws {
    let database = try Database()
    let connection = try database.connect()
    try connection.execute(
      """
      CREATE SCHEMA stage; CREATE SCHEMA state;
      CREATE TABLE rows AS SELECT (i % 2)::INTEGER AS "partition", i::BIGINT AS "offset", 'a' || (i % 6) AS patient,
        make_timestamptz(CASE WHEN i % 6 = 3 THEN 0 ELSE (1000 + i) * 1000000 END) AS seen, i::DOUBLE AS pulse
      FROM range(60) r(i)
      """)
    let history = RecentHistory(
      .init(
        name: "last", table: "rows", keys: ["patient"], orderBy: "seen", columns: ["pulse"], rows: 3, withinSeconds: 90),
      latenessSeconds: 10, connection: connection, slack: 0)
    try history.create(like: "rows")
    let newest: Int64 = 1_060_000_000
    try history.didCommit("rows", span: OffsetSpan([0: 0..<60, 1: 0..<60]), newest: [0: newest, 1: newest])
    // Five of the six patients, the last three of ten rows each.
    #expect(history.rowsInMemory == 15)
    try history.stage(
      current: "(SELECT * REPLACE (\"offset\" + 60 AS \"offset\") FROM rows WHERE \"offset\" < 6)", late: nil)
    let kept = try connection.query(
      "SELECT min(\"offset\"), count(DISTINCT patient) FROM state.\"recent last\""
    ).rows()[0]
    #expect(kept.map(\.intValue) == [42, 5])
  }
}
