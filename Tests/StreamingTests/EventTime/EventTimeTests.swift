import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// Lateness and recent readings follow from the order of records alone: not from micro-batches, restarts or crashes.
@Suite struct EventTimeTests {
  /// Readings of eight patients in two partitions, most in order, some early, late, doubled, impossible or from the
  /// future; the same for the same seed.
  static func readings(seed: UInt64, count: Int = 240) -> [Int32: [ReadingsBench.Reading]] {
    var random = SplitMix(state: seed)
    var partitions: [Int32: [ReadingsBench.Reading]] = [0: [], 1: []]
    for index in 0..<count {
      let partition = Int32(index % 2)
      var reading = ReadingsBench.Reading(
        patient: "p\(partition)-\(random.below(4))", second: 1_000 + index * 20 + random.below(20),
        pulse: 50 + random.below(80))
      switch random.below(20) {
      case 0: reading.second -= 300 + random.below(200)
      case 1: reading.second -= 700 + random.below(5_000)
      case 2: reading.pulse = 0
      case 3: reading.second = ReadingsBench.future + index
      case 4: if let earlier = partitions[partition]?.randomElement(using: &random) { reading = earlier }
      default: break
      }
      if index == 36 { reading = .init(patient: "p0-0", second: 2, pulse: 70) }
      reading.second = max(0, reading.second)
      partitions[partition]?.append(reading)
    }
    return partitions
  }

  @Test(arguments: [EventTime.LateAction.table, .quarantine], [1, 17, 1_000])
  func anyCutIntoMicroBatchesGivesTheSame(late: EventTime.LateAction, maxRecords: Int) throws {
    // Single records take a commit each.
    let readings = Self.readings(seed: 3, count: maxRecords == 1 ? 40 : 240)
    let bench = try ReadingsBench(late: late)
    let reports = try bench.run(readings, maxRecords: maxRecords)
    let expected = bench.expected(readings)
    #expect(try bench.found() == expected)
    #expect(Set(expected.quarantined.values).count == (late == .table ? 2 : 3))
    #expect(reports.reduce(0) { $0 + $1.late } > 0)
    try bench.verify()
  }

  @Test(arguments: [EventTime.LateAction.table, .quarantine], [1, 2] as [UInt64])
  func restartsAndCrashesChangeNothing(late: EventTime.LateAction, seed: UInt64) throws {
    let readings = Self.readings(seed: seed)
    let bench = try ReadingsBench(late: late)
    var random = SplitMix(state: seed)
    let tables = ["gold_readings", "silver_readings", "quarantine_readings"]
    var caughtUp = 0
    for _ in 0..<5 {
      let reports = try bench.run(readings, maxRecords: 10 + random.below(30), batches: 1 + random.below(2))
      caughtUp += reports.filter(\.isCatchUp).count
      // Tables are committed in the reverse of this order, so a crash takes the first of them.
      for table in tables.prefix(random.below(4)) { try bench.forgetLastCommit(of: table) }
    }
    try bench.run(readings, maxRecords: 40)
    #expect(caughtUp > 0)
    #expect(try bench.found() == bench.expected(readings))
    try bench.verify()
  }

  @Test func aClockThatRunsAheadDoesNotMoveTheWatermark() throws {
    let bench = try ReadingsBench(late: .quarantine)
    let readings: [ReadingsBench.Reading] = [
      .init(patient: "a", second: 1_000, pulse: 60), .init(patient: "a", second: ReadingsBench.future, pulse: 60),
      .init(patient: "a", second: 500, pulse: 60), .init(patient: "a", second: 399, pulse: 60),
    ]
    let reports = try bench.run([0: readings], maxRecords: 100)
    #expect(reports.last?.newestEventTimes == [0: Int64(ReadingsBench.beginning + 1_000) * 1_000_000])
    #expect(try bench.found().quarantined == ["0/1": "seen: in the future", "0/3": "seen: too late"])
  }

  @Test func aTableThatIsNewIsFilledWithTheSameRecentReadings() throws {
    let readings = Self.readings(seed: 9)
    let bench = try ReadingsBench(late: .table)
    try bench.run(readings, maxRecords: 30)
    for table in ["gold_readings", "silver_readings"] {
      try FileManager.default.removeItem(atPath: bench.lake.location(ofTable: table))
      try bench.run(readings, maxRecords: 17)
      #expect(try bench.found() == bench.expected(readings))
    }
  }
}

import Foundation

/// A small generator of repeatable chance (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
