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
}
