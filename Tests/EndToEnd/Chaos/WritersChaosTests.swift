import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Simulation
import Synchronization
import Testing

/// Eight processes append to one table while a ninth joins its files, and all are killed again and again.
@Suite struct WritersChaosTests {
  @Test func eightWritersKilledAgainAndAgain() throws {
    let began = Date()
    let rounds = ReliabilityLog.rounds(2)
    let commits = 6 * rounds
    let lake = try SampleLake()
    let table = try lake.table("shared", "SELECT -1::BIGINT AS writer, -1::BIGINT AS number")
    let program = try #require(Places.program("delta-writer"))
    let (location, end) = (lake.location("shared"), lake.directory.file("end"))
    let kills = Atomic<Int>(0)
    let failures = Mutex<[String]>([])
    let group = DispatchGroup()
    /// Runs a process until it succeeds; the first `rounds` times it is killed after a random time.
    @Sendable func insist(_ words: [String], seed: UInt64) {
      var random = SeededRandom(seed: seed)
      for attempt in 0... {
        guard let process = try? ChildProcess(program, words) else {
          return failures.withLock { $0.append("not started") }
        }
        if attempt < rounds {
          // Waiting for a random instant of the run is what this test is about.
          Thread.sleep(forTimeInterval: 0.1 + Double(random.integer(below: 900)) / 1_000)
          if process.isRunning { kills.add(1, ordering: .relaxed) }
          process.signal(SIGKILL)
          _ = try? process.wait()
          continue
        }
        let outcome = try? process.wait(seconds: 120 + 10 * Double(rounds))
        if outcome?.succeeded != true { failures.withLock { $0.append(outcome?.errors ?? "it hangs") } }
        return
      }
    }
    for writer in 0..<8 {
      group.enter()
      Thread.detachNewThread {
        insist(["append", location, "\(writer)", "\(commits)"], seed: UInt64(writer))
        group.leave()
      }
    }
    let compactor = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      insist(["compact", location, end], seed: 99)
      compactor.signal()
    }
    let limit = Date(timeIntervalSinceNow: 600)
    func done() -> Bool {
      let marks = (try? table.snapshot().transactions) ?? [:]
      return (0..<8).allSatisfy { marks["writer \($0)"] == Int64(commits - 1) }
    }
    while !done(), failures.withLock({ $0.isEmpty }), Date() < limit { Thread.sleep(forTimeInterval: 0.1) }
    group.wait()
    try lake.directory.write("", to: "end")
    compactor.wait()
    #expect(failures.withLock { $0 } == [])
    let scan = try DeltaReader.scanSQL(table.snapshot())
    let found = try Database().connect().query(
      "SELECT count(*), count(DISTINCT (writer, number)) FROM \(scan) WHERE writer >= 0"
    ).rows()[0]
    let expected = Int64(8 * commits)
    #expect(found == [.int(expected), .int(expected)])
    #expect(kills.load(ordering: .relaxed) > 0)
    ReliabilityLog.add(
      "8 writers and a compactor on one table, kill -9",
      [
        "records": expected, "faults": Int64(kills.load(ordering: .relaxed)),
        "lost": expected - Int64(found[1].intValue ?? 0),
        "wrong": Int64((found[0].intValue ?? 0) - (found[1].intValue ?? 0)),
      ], since: began)
    guard PeerPython.isReady else { return }
    let comparison = try DeltaPeer.compare(location)
    #expect(comparison.agree, "\(comparison.difference ?? "")")
  }
}
