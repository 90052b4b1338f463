import Foundation
import LakewardTesting
import Testing

/// A real Kafka broker is killed and started again, and then the program too, while records stream.
@Suite struct BrokerChaosTests {
  @Test(.enabled(if: PeerPython.isReady)) func restartsWhileStreaming() throws {
    let began = Date()
    guard let broker = try DurableBroker(), let client = TansuBroker.clientLibraryFolder else { return }
    let rounds = ReliabilityLog.rounds(2)
    let part = 400
    let records = BedRecords(seed: 61, count: part * rounds)
    let disturbed = try BedsLake(maxRecords: 50)
    let path = [client, ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"] ?? ""].joined(separator: ":")
    let words = ["run", "beds", "--brokers", broker.address]
    var faults: Int64 = 0
    func wait(for rows: Int, _ process: ChildProcess) {
      let limit = Date(timeIntervalSinceNow: 90)
      while disturbed.rows("bronze_beds") < rows, process.isRunning, Date() < limit {
        Thread.sleep(forTimeInterval: 0.05)
      }
    }
    for round in 0..<rounds {
      let file = try disturbed.directory.write(records.text((part * round)..<(part * (round + 1))), to: "part")
      try broker.send(file, to: "beds", partitions: 2)
      let process = try disturbed.start(words, environment: ["LD_LIBRARY_PATH": path])
      wait(for: part * round + part / 4, process)
      try broker.kill()
      faults += 1
      // Every second time the program is killed while there is no broker.
      if round % 2 == 1 {
        process.signal(SIGKILL)
        try process.wait()
        faults += 1
      }
      try broker.start()
      let next = process.isRunning ? process : try disturbed.start(words, environment: ["LD_LIBRARY_PATH": path])
      wait(for: part * (round + 1), next)
      #expect(disturbed.rows("bronze_beds") == part * (round + 1), "round \(round): \(next.errorsSoFar)")
      next.signal(SIGTERM)
      let outcome = try next.wait(seconds: 90)
      #expect(outcome.succeeded, "\(outcome.errors)")
    }
    let calm = try BedsLake(maxRecords: 20_000)
    try calm.land(records.text(0..<records.lines.count), as: "all.ndjson", round: 0)
    try calm.run("run", "beds", "--once")
    var wrong: Int64 = 0
    for table in BedsLake.tables {
      // The same records by another way have other coordinates; of repeats it does not matter which came first.
      wrong += try BedsLake.differences(
        calm, disturbed, table, excluding: ["source", "partition", "offset", "ingest_time"])
    }
    let lost = Int64(records.lines.count) - disturbed.rows("bronze_beds")
    #expect(wrong == 0 && lost == 0)
    try disturbed.run("verify", "beds")
    ReliabilityLog.add(
      "Kafka broker killed and started again, the program too",
      ["records": Int64(records.lines.count), "faults": faults, "lost": lost, "wrong": wrong], since: began)
  }
}
