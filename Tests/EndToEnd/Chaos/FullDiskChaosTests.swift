import Foundation
import LakewardTesting
import Simulation
import Testing

/// The disk of the tables is full, at another place each time: one clear line, and the rest comes when there is room.
@Suite struct FullDiskChaosTests {
  @Test func stopsCleanlyAndTheRestComesLater() throws {
    let began = Date()
    let rounds = ReliabilityLog.rounds(1)
    let lake = try TestLake(models: TestLake.trainedModels(), maxRecords: 2_000)
    var simulator = IllnessRecordSimulator(seed: 21, patients: 100)
    var lines: [UInt8] = []
    simulator.append(count: 40_000, startingAt: 1_767_225_600_000_000, to: &lines)
    try Data(lines).write(to: URL(fileURLWithPath: lake.landing + "/good.ndjson"))
    let tables = lake.lake + "/tables"
    try FileManager.default.createDirectory(atPath: tables, withIntermediateDirectories: true)
    guard try ChildProcess.run("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", tables]).succeeded else {
      return Places.note("skipped: a small file system cannot be mounted here, so no disk can be full")
    }
    defer { _ = try? ChildProcess.run("umount", [tables]) }
    var full: Int64 = 0
    for round in 0..<rounds {
      let outcome = try lake.start("run", "illness", "--once").wait()
      // With a larger disk each time the last rounds may come to the end.
      if round == 0 || outcome.status != 0 {
        #expect(outcome.status == 1)
        #expect(outcome.errors.lowercased().contains("full") || outcome.errors.contains("space"), "\(outcome.errors)")
        full += 1
      }
      let size = 2 * 1_024 + (round + 1) * 300
      #expect(try ChildProcess.run("mount", ["-o", "remount,size=\(size)k", tables]).succeeded)
    }
    #expect(try ChildProcess.run("mount", ["-o", "remount,size=200m", tables]).succeeded)
    try lake.run("run", "illness", "--once")
    let lost = Int64(simulator.truth.records) - (try lake.count("SELECT count(*) FROM {bronze_patient_data}"))
    let wrong = Int64(simulator.truth.accepted) - (try lake.count("SELECT count(*) FROM {gold_patient_data}"))
    #expect(lost == 0 && wrong == 0)
    try lake.run("verify", "illness")
    ReliabilityLog.add(
      "full disk", ["records": Int64(simulator.truth.records), "faults": full, "lost": lost, "wrong": abs(wrong)],
      since: began)
  }
}
