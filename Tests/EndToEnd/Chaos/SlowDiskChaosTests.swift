import DeltaLake
import Foundation
import HTTP
import LakewardTesting
import Simulation
import Testing

/// Every sync takes a tenth of a second or more: slower, not wrong, and nothing is acknowledged before it is durable.
@Suite(.serialized) struct SlowDiskChaosTests {
  private let library: String
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory("slow-disk")
    library = try Preload.build("slow_disk", in: folder)
  }

  private func disk(_ milliseconds: Int) -> [String: String] {
    [
      "LD_PRELOAD": library, "LAKEWARD_SLOW_SYNC_MS": "\(milliseconds)",
      "LAKEWARD_SLOW_SYNC_COUNT": folder.file("syncs"),
    ]
  }

  private var syncs: Int64 {
    (try? FileManager.default.attributesOfItem(atPath: folder.file("syncs"))[.size] as? NSNumber)?.int64Value ?? 0
  }

  /// kill -9 while the disk is slow: between a write and its sync there is now always time.
  @Test func killedWhileTheDiskIsSlow() throws {
    let began = Date()
    let rounds = ReliabilityLog.rounds(3)
    let records = BedRecords(seed: 21, count: 500 * rounds)
    let (calm, disturbed) = (try BedsLake(maxRecords: 20_000), try BedsLake(maxRecords: 100))
    var random = SeededRandom(seed: 21)
    var kills: Int64 = 0
    for round in 0..<rounds {
      for lake in [calm, disturbed] {
        try lake.land(records.text((500 * round)..<(500 * (round + 1))), as: "\(1_000 + round).ndjson", round: round)
      }
      let process = try disturbed.start(["run", "beds", "--once"], environment: disk(100))
      // Waiting for a random instant of the run is what this test is about.
      Thread.sleep(forTimeInterval: 0.3 + Double(random.integer(below: 2_500)) / 1_000)
      if process.isRunning { kills += 1 }
      process.signal(SIGKILL)
      try process.wait()
    }
    let last = try disturbed.start(["run", "beds", "--once"], environment: disk(20)).wait(seconds: 600)
    #expect(last.succeeded, "\(last.errors)")
    try calm.run("run", "beds", "--once")
    let wrong = try BedsLake.differences(calm, disturbed, excluding: ["ingest_time"])
    let lost = calm.rows("bronze_beds") - disturbed.rows("bronze_beds")
    #expect(wrong == 0 && lost == 0)
    #expect(syncs > 20)
    try disturbed.run("verify", "beds")
    ReliabilityLog.add(
      "slow disk (every sync takes 100 ms), kill -9",
      ["records": Int64(records.lines.count), "faults": syncs + kills, "lost": lost, "wrong": wrong], since: began)
  }

  /// Pushed records are answered after the sync, and are there after a kill that follows the answer at once.
  @Test func noAnswerBeforeTheSync() throws {
    let began = Date()
    let rounds = ReliabilityLog.rounds(3)
    let lake = try BedsLake(maxRecords: 1_000)
    var sent: Int64 = 0
    for round in 0..<rounds {
      let portFile = lake.directory.file("port-\(round)")
      let process = try lake.start(
        ["run", "beds", "--http", "127.0.0.1:0", "--port-file", portFile], environment: disk(150))
      let port = try lake.port(in: portFile, of: process)
      for _ in 0..<5 {
        let line = "{\"patient_id\":\"p\(sent)\",\"event_time\":\"2026-03-01T00:00:00Z\",\"pulse\":70}\n"
        let start = ContinuousClock.now
        let answer = try HTTPRequest(
          method: "POST", url: "http://127.0.0.1:\(port)/ingest/beds",
          headers: [("Content-Type", "application/x-ndjson")], body: Array(line.utf8), timeoutSeconds: 60
        ).send()
        #expect(answer.status == 200)
        #expect(ContinuousClock.now - start >= .milliseconds(150), "the answer came before the sync")
        sent += 1
      }
      process.signal(SIGKILL)
      try process.wait()
    }
    try lake.run("run", "beds", "--once")
    let lost = sent - lake.rows("silver_beds")
    #expect(lost == 0)
    try lake.run("verify", "beds")
    ReliabilityLog.add(
      "slow disk, kill -9 right after an answer to pushed records",
      ["records": sent, "faults": Int64(rounds), "lost": max(0, lost), "wrong": max(0, -lost)], since: began)
  }
}
