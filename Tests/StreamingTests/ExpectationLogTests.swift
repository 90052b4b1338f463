import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// The lake's table of what became of every rule: each record is counted once, whatever happens in between.
@Suite struct ExpectationLogTests {
  private func counts(_ lake: Lake) throws -> [[Value]] {
    let scan = try DeltaReader.scanSQL(lake.table(named: "expectations").snapshot())
    return try QueryEngine(lake: lake).connect().query(
      """
      SELECT pipeline, table_name, rule, action, sum(checked)::BIGINT, sum(failed)::BIGINT FROM \(scan)
      GROUP BY ALL ORDER BY ALL
      """
    ).rows()
  }

  private func expected(_ bench: ReadingsBench, _ readings: [Int32: [ReadingsBench.Reading]]) -> [[Value]] {
    let expected = bench.expected(readings)
    let records = readings.values.reduce(0) { $0 + $1.count }
    let failed = expected.quarantined.values.filter { $0.contains("pulse_positive") }.count
    let checked = records - expected.quarantined.count + failed
    return [
      [
        .string("readings"), .string("silver_readings"), .string("pulse_positive"), .string("quarantine"),
        .int(Int64(checked)), .int(Int64(failed)),
      ]
    ]
  }

  @Test(arguments: [EventTime.LateAction.table, .quarantine])
  func everyRecordIsCountedOnceInSpiteOfCrashes(late: EventTime.LateAction) throws {
    let readings = EventTimeTests.readings(seed: 11)
    let bench = try ReadingsBench(late: late)
    for (batches, lost) in [(2, ["expectations"]), (1, ["gold_readings", "silver_readings"]), (3, ["expectations"])] {
      try bench.run(readings, maxRecords: 30, batches: batches)
      for table in lost { try bench.forgetLastCommit(of: table) }
    }
    let reports = try bench.run(readings, maxRecords: 70)
    #expect(reports.contains { !$0.expectations.isEmpty && !$0.isCatchUp })
    #expect(try counts(bench.lake) == expected(bench, readings))
    try bench.verify()
  }

  @Test func aRunThatWasNeverCountedIsCountedFromBronze() throws {
    let readings = EventTimeTests.readings(seed: 12)
    let bench = try ReadingsBench(late: .quarantine)
    try bench.run(readings, maxRecords: 1_000)
    try FileManager.default.removeItem(atPath: bench.lake.location(ofTable: "expectations"))
    try bench.run(readings, maxRecords: 64)
    #expect(try counts(bench.lake) == expected(bench, readings))
  }
}

import Foundation
