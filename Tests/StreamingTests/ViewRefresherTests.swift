import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// Materialized views: what changed rows touch is computed again, and nothing else.
@Suite struct ViewRefresherTests {
  @Test func onlyTouchedPartitionsAreComputed() throws {
    let lake = try ViewLake()
    try lake.add([(1, "A", "2026-01-05T08:00:00Z"), (2, "A", "2026-01-06T08:00:00Z"), (3, nil, "2026-01-07T08:00:00Z")])
    let first = try lake.refresh()
    #expect(first.values.allSatisfy { $0.outcome == .whole("first refresh") })
    try lake.expectFresh()
    let before = Set(try lake.lake.table(named: "stays_by_day").snapshot().files.map(\.path))

    try lake.add([(4, "A", "2026-01-06T09:00:00Z")])
    let second = try lake.refresh()
    #expect(second["stays_by_day"]?.outcome == .partitions(1))
    #expect(second["stays_by_day"]?.rows == 1)
    #expect(second["gaps"]?.outcome == .partitions(1))
    #expect(second["shares"]?.outcome == .partitions(1))
    #expect(second["busiest"]?.outcome == .whole("changed inputs"))
    try lake.expectFresh()
    let after = Set(try lake.lake.table(named: "stays_by_day").snapshot().files.map(\.path))
    #expect(before.intersection(after).count == 2)
    #expect(after.count == 3)

    let third = try lake.refresh()
    #expect(third.values.allSatisfy { $0.outcome == .unchanged })
    // What was only moved changes nothing.
    _ = try DeltaEditor(connection: lake.connection).optimize(lake.stays)
    #expect(try lake.refresh().values.allSatisfy { $0.outcome == .unchanged })
  }

  @Test func correctionsAndDeletesTouchTheirPartitions() throws {
    let lake = try ViewLake()
    try lake.add((0..<20).map { ($0, "W\($0 % 3)", "2026-01-0\(1 + $0 % 5)T0\($0 % 9):00:00Z") })
    try lake.refresh()
    let editor = DeltaEditor(connection: lake.connection)
    _ = try editor.update(lake.stays, set: ["started": "TIMESTAMPTZ '2026-01-09T00:00:00Z'"], where: "id = 7")
    #expect(try lake.refresh()["stays_by_day"]?.didWrite == true)
    try lake.expectFresh("after a correction")
    _ = try editor.delete(from: lake.stays, where: "ward = 'W1'")
    try lake.refresh()
    try lake.expectFresh("after a delete")
    _ = try editor.delete(from: lake.stays, where: "CAST(started AS DATE) = DATE '2026-01-02'")
    try lake.refresh()
    try lake.expectFresh("after a day went")
    #expect(try lake.rows("stays_by_day").allSatisfy { $0[0] != .date(days: 20_455) })
    _ = try editor.restore(lake.stays, to: 1)
    try lake.refresh()
    try lake.expectFresh("after a restore")
  }

  /// A kill between computing and committing leaves the view as it was, and files that no version names.
  @Test func whatIsCutOffIsDoneAgain() throws {
    struct Kill: Error {}
    let lake = try ViewLake()
    try lake.add([(1, "A", "2026-01-05T08:00:00Z")])
    try lake.refresh()
    try lake.add([(2, "A", "2026-01-05T09:00:00Z"), (3, "B", "2026-01-04T09:00:00Z")])
    let before = try lake.rows("stays_by_day")
    let killed = try lake.refresher()
    killed.willCommit = { throw Kill() }
    let view = try #require(lake.pipeline.table(named: "stays_by_day"))
    #expect(throws: Kill.self) { try killed.refresh(view) }
    #expect(try lake.rows("stays_by_day") == before)
    let again = try lake.refresh()
    #expect(again["stays_by_day"]?.outcome == .partitions(2))
    try lake.expectFresh()
    let table = try lake.lake.table(named: "stays_by_day")
    let left = try table.vacuum(retentionHours: 0, allowShortRetention: true)
    #expect(left.count >= 2)
    try lake.expectFresh("after the clean-up")
  }

  /// Of two refreshes at once one commits; the other looks again and finds nothing left to do, or less.
  @Test func twoAtOnceAreSafe() throws {
    let lake = try ViewLake()
    try lake.add([(1, "A", "2026-01-05T08:00:00Z")])
    try lake.refresh()
    try lake.add([(2, "A", "2026-01-05T09:00:00Z")])
    let view = try #require(lake.pipeline.table(named: "stays_by_day"))
    let slow = try lake.refresher()
    let quick = try lake.refresher()
    var meanwhile: ViewReport?
    slow.willCommit = {
      if meanwhile == nil {
        try lake.add([(3, "B", "2026-01-06T09:00:00Z")])
        meanwhile = try quick.refresh(view)
      }
    }
    let report = try slow.refresh(view)
    #expect(meanwhile?.outcome == .partitions(2))
    #expect(report.outcome == .unchanged && report.overtaken == 1)
    #expect(try lake.rows("stays_by_day") == lake.computed("stays_by_day"))
    meanwhile = nil
    #expect(try slow.refresh(view, .full).overtaken == 1)
    #expect(try lake.rows("stays_by_day") == lake.computed("stays_by_day"))
  }

  @Test func anotherDefinitionIsComputedWhole() throws {
    let lake = try ViewLake()
    try lake.add([(1, "A", "2026-01-05T08:00:00Z"), (2, "B", "2025-12-31T08:00:00Z")])
    try lake.refresh()
    lake.pipeline = try ViewLake.pipeline(
      """
      CREATE MATERIALIZED VIEW stays_by_day PARTITIONED BY (year) COMMENT 'by year' AS
      SELECT year(started) AS year, count(*) AS stays FROM stays GROUP BY year(started)
      """)
    #expect(try lake.refresh()["stays_by_day"]?.outcome == .whole("another definition"))
    try lake.expectFresh()
    let snapshot = try lake.lake.table(named: "stays_by_day").snapshot()
    #expect(snapshot.schema.names == ["year", "stays"] && snapshot.partitionColumns == ["year"])
    try lake.add([(3, "B", "2025-12-31T08:00:00Z")])
    #expect(try lake.refresh()["stays_by_day"]?.outcome == .partitions(1))
    // And back again: what the table remembers of the first definition does not count.
    lake.pipeline = try ViewLake.pipeline(ViewLake.sql)
    #expect(try lake.refresh()["stays_by_day"]?.outcome == .whole("another definition"))
    try lake.expectFresh()
  }

  @Test func aLostLogMeansAWholeRefresh() throws {
    let lake = try ViewLake()
    for day in 1...9 {
      try lake.add([(day, "A", "2026-01-0\(day)T08:00:00Z")])
      if day == 2 { try lake.refresh() }
    }
    try lake.stays.checkpoint()
    #expect(try lake.stays.cleanUpLog(keeping: 0) > 0)
    let view = try #require(lake.pipeline.table(named: "stays_by_day"))
    #expect(
      try lake.refresher().refresh(view).outcome == .whole("the log of stays no longer tells what changed"))
    try lake.refresh()
    try lake.expectFresh()
    // A table that was made anew is another one, whatever its version.
    try FileManager.default.removeItem(atPath: lake.lake.location(ofTable: "stays"))
    let again = try DeltaTable.create(at: lake.lake.location(ofTable: "stays"), schema: lake.stays.snapshot().schema)
    _ = try again.append(
      DeltaWriter(connection: lake.connection).write(
        "SELECT 1::BIGINT AS id, TIMESTAMPTZ '2026-01-01' AS started", into: again))
    #expect(try lake.refresher().refresh(view).outcome == .whole("stays was made anew"))
    try lake.refresh()
    try lake.expectFresh()
  }

  @Test func whatIsMissingIsWaitedFor() throws {
    let lake = try ViewLake(
      sql: "CREATE MATERIALIZED VIEW v AS SELECT s.ward FROM stays AS s JOIN wards AS w ON s.ward = w.ward")
    let report = try lake.refresh()["v"]
    #expect(report?.outcome == .waiting("table wards") && report?.version == nil)
    #expect(!DeltaTable.exists(at: lake.lake.location(ofTable: "v")))
  }

  @Test func aTableOfAnotherIsNotTouched() throws {
    let lake = try ViewLake(sql: "CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM stays")
    try lake.add([(1, "A", "2026-01-05T08:00:00Z")])
    _ = try DeltaTable.create(at: lake.lake.location(ofTable: "v"), schema: lake.stays.snapshot().schema)
    #expect(throws: StreamingError.self) { try lake.refresh() }
    #expect(try lake.lake.table(named: "v").snapshot().version == 0)
  }

  /// Rows are stored in the order of CLUSTER BY, within each partition.
  @Test func clusteredRowsAreStoredInOrder() throws {
    let lake = try ViewLake()
    try lake.add((0..<4_000).map { ($0, "W\($0 * 7_919 % 4_001)", "2026-01-0\(1 + $0 % 2)T08:00:00Z") })
    try lake.refresh()
    for file in try lake.lake.table(named: "stays_by_day").snapshot().files {
      let path = "\(lake.lake.location(ofTable: "stays_by_day"))/\(file.decodedPath)"
      let wards = try lake.connection.query(
        "SELECT ward FROM read_parquet('\(path)', file_row_number = true) ORDER BY file_row_number"
      ).rows().compactMap { $0[0].stringValue }
      #expect(wards.count > 1_000 && wards == wards.sorted())
    }
  }
}
