import DeltaLake
import Foundation
import LakewardTesting
import Testing

/// The clock of the machine jumps forward and backward while records stream: the same tables, commits in order.
@Suite struct ClockChaosTests {
  /// Seconds from the true time: two days ahead, three hours behind, more than a year behind and ahead, and so on.
  private static let jumps: [Int64] = [172_800, -10_800, -34_560_000, 31_968_000, -1, 2_592_000, -2_592_000, 0]

  @Test func jumpsWhileStreaming() throws {
    let began = Date()
    let rounds = ReliabilityLog.rounds(5)
    let records = BedRecords(seed: 31, count: 300 * rounds)
    let (calm, disturbed) = (try BedsLake(maxRecords: 20_000), try BedsLake(maxRecords: 100))
    let clock = try disturbed.directory.write([UInt8](repeating: 0, count: 8), to: "clock")
    let process = try disturbed.start(
      ["run", "beds"],
      environment: [
        "LD_PRELOAD": try Preload.build("jumping_clock", in: disturbed.directory), "LAKEWARD_CLOCK_OFFSET": clock,
      ])
    // The file is mapped by the program: it is written in place.
    let hands = try FileHandle(forWritingTo: URL(fileURLWithPath: clock))
    for round in 0..<rounds {
      for lake in [calm, disturbed] {
        try lake.land(records.text((300 * round)..<(300 * (round + 1))), as: "\(1_000 + round).ndjson", round: round)
      }
      let jump = Self.jumps[round % Self.jumps.count]
      try hands.seek(toOffset: 0)
      withUnsafeBytes(of: jump.littleEndian) { hands.write(Data($0)) }
      let limit = Date(timeIntervalSinceNow: 90)
      while disturbed.rows("bronze_beds") < 300 * (round + 1), Date() < limit { Thread.sleep(forTimeInterval: 0.05) }
      #expect(disturbed.rows("bronze_beds") == 300 * (round + 1), "after a jump to \(jump) s: \(process.errorsSoFar)")
    }
    process.signal(SIGTERM)
    let outcome = try process.wait(seconds: 90)
    #expect(outcome.succeeded, "\(outcome.errors)")
    for lake in [calm, disturbed] { try lake.run("run", "beds", "--once") }
    let wrong = try BedsLake.differences(calm, disturbed, excluding: ["ingest_time"])
    let lost = calm.rows("bronze_beds") - disturbed.rows("bronze_beds")
    #expect(wrong == 0 && lost == 0)
    try disturbed.run("verify", "beds")
    let history = try DeltaTable(at: disturbed.directory.file("lake/tables/bronze_beds")).history()
    #expect(history.map(\.version) == (0..<Int64(history.count)).reversed())
    ReliabilityLog.add(
      "clock jumps from -400 days to +370 days while streaming",
      ["records": Int64(records.lines.count), "faults": Int64(rounds), "lost": lost, "wrong": wrong], since: began)
  }
}
