import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Simulation
import Testing

@testable import Streaming

/// However rows arrive, are corrected, deleted and moved, and however often a refresh is cut off: a view holds what its SQL
/// gives, and what a full refresh gives.
@Suite struct ViewPropertyTests {
  private struct Kill: Error {}

  @Test(arguments: [1, 4, 9] as [UInt64])
  func incrementalIsFull(seed: UInt64) throws {
    let lake = try ViewLake()
    var random = SeededRandom(seed: seed)
    var next = 0
    var refresher = try lake.refresher()
    let editor = DeltaEditor(connection: lake.connection)
    for round in 0..<7 {
      switch random.integer(below: 10) {
      case 0...5:
        try lake.add(
          (0..<(1 + random.integer(below: 6))).map { _ in
            next += 1
            // Mostly today, at times late by days; some in the same instant, some of no ward.
            let day = random.integer(below: 4) == 0 ? 1 + random.integer(below: 28) : min(28, 1 + round)
            let ward: String? = random.integer(below: 5) == 0 ? nil : "W\(random.integer(below: 3))"
            return (next, ward, "2026-02-\(day < 10 ? "0" : "")\(day)T0\(random.integer(below: 9)):00:00Z")
          })
      case 6: _ = try editor.delete(from: lake.stays, where: "id % 5 = \(random.integer(below: 5))")
      case 7:
        _ = try editor.update(
          lake.stays, set: ["started": "TIMESTAMPTZ '2026-02-1\(random.integer(below: 9))T05:00:00Z'"],
          where: "id % 7 = \(random.integer(below: 7))")
      case 8: _ = try editor.optimize(lake.stays)
      default: _ = try editor.optimize(lake.stays, zorderBy: ["ward"])
      }
      if random.integer(below: 3) == 0 {
        var left = random.integer(below: 4)
        refresher.willCommit = {
          left -= 1
          if left < 0 { throw Kill() }
        }
        do { try lake.refresh(by: refresher) } catch is Kill {}
        refresher = try lake.refresher()
      } else if random.integer(below: 2) == 0 {
        try lake.refresh(by: refresher)
      }
    }
    try lake.refresh(by: refresher)
    try lake.expectFresh("seed \(seed)")
    let incremental = try lake.pipeline.materializedViews.map { try lake.rows($0.name) }
    let full = try lake.refresh(.full)
    #expect(full.values.allSatisfy { $0.outcome == .whole("asked for") })
    #expect(try lake.pipeline.materializedViews.map { try lake.rows($0.name) } == incremental)
    #expect(try lake.refresh().values.allSatisfy { $0.outcome == .unchanged })
    for check in try Verification(
      pipeline: lake.pipeline, lake: lake.lake, connection: lake.connection
    ).run() { #expect(check.holds, "\(check)") }
  }
}
