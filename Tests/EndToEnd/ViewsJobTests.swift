import Foundation
import LakewardTesting
import Simulation
import Testing

/// The views of the vitals pipeline with the built program: killed at any instant, and with readings in any order.
@Suite struct ViewsJobTests {
  private static let views = [
    "gold_patient_summary", "patient_risk_scores", "ward_alert_counts", "vital_signs_hourly_trend",
  ]

  /// Readings of a simulated ward on four days, some around midnight.
  private static func readings() throws -> [String] {
    let lake = try TestLake()
    var lines: [String] = []
    for start in ["2026-01-01T23:59:59Z", "2026-01-03T08:00:00Z", "2026-01-04T21:00:00Z"] {
      let folder = lake.directory.file("ward-\(lines.count)")
      try lake.run(
        "simulate", "vitals", "--count", "1500", "--patients", "12", "--speed", "600", "--seed", "3", "--start", start,
        "--to", folder)
      for file in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where file.hasSuffix(".ndjson") {
        lines += try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8).split(separator: "\n").map(
          String.init)
      }
    }
    return lines
  }

  private static func land(_ lines: some Sequence<String>, as name: String, in lake: TestLake) throws {
    let folder = lake.lake + "/landing/patient_vitals"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try (lines.joined(separator: "\n") + "\n").write(toFile: "\(folder)/.\(name)", atomically: true, encoding: .utf8)
    try FileManager.default.moveItem(atPath: "\(folder)/.\(name)", toPath: "\(folder)/\(name)")
  }

  private func expectEqual(_ left: TestLake, _ right: TestLake) throws {
    for view in Self.views {
      #expect(try left.count("SELECT count(*) FROM {\(view)}") > 0, "\(view)")
      #expect(try TestLake.differences(left, right, select: "*", table: view) == 0, "\(view)")
    }
  }

  /// Whatever the order in which readings arrive and however they are cut into batches: the same gold tables, to the
  /// last digit.
  @Test func anyOrderOfArrivalGivesTheSameGold() throws {
    let lines = try Self.readings()
    let calm = try TestLake()
    try Self.land(lines, as: "a.ndjson", in: calm)
    try calm.run("run", "vitals", "--once")
    let shuffled = try TestLake(maxRecords: 500)
    var random = SeededRandom(seed: 9)
    var order = lines
    for index in order.indices.reversed() { order.swapAt(index, random.integer(below: index + 1)) }
    for (number, start) in stride(from: 0, to: order.count, by: 1_500).enumerated() {
      try Self.land(order[start..<min(order.count, start + 1_500)], as: "part-\(number).ndjson", in: shuffled)
      try shuffled.run("run", "vitals", "--once")
    }
    #expect(try calm.count("SELECT count(DISTINCT date) FROM {gold_patient_summary}") == 4)
    try expectEqual(calm, shuffled)
    let again = try shuffled.run("refresh", "--pipeline", "vitals")
    #expect(again.output.split(separator: "\n").allSatisfy { $0.hasSuffix(": unchanged") }, "\(again.output)")
    try shuffled.run("verify", "vitals")
  }

  /// kill -9 of runs and of refreshes; what they leave is what an undisturbed run gives.
  @Test func killedRefreshesLeaveNothingWrong() throws {
    let lines = try Self.readings()
    let calm = try TestLake()
    try Self.land(lines, as: "a.ndjson", in: calm)
    try calm.run("run", "vitals", "--once")
    let disturbed = try TestLake(maxRecords: 250)
    var random = SeededRandom(seed: 4)
    var killed = 0
    let rounds = 4
    for round in 0..<rounds {
      let part = lines[(lines.count * round / rounds)..<(lines.count * (round + 1) / rounds)]
      try Self.land(part, as: "part-\(round).ndjson", in: disturbed)
      for words in [["run", "vitals"], ["refresh"], ["refresh", "gold_patient_summary", "--full"]] {
        let process = try disturbed.start(words)
        // Waiting for a random instant of the run is what this test is about.
        Thread.sleep(forTimeInterval: 0.1 + Double(random.integer(below: 900)) / 1_000)
        if process.isRunning { killed += 1 }
        process.signal(SIGKILL)
        try process.wait()
      }
    }
    Places.note("views: killed \(killed) of \(rounds * 3) processes")
    #expect(killed > 0)
    try disturbed.run("run", "vitals", "--once")
    try expectEqual(calm, disturbed)
    try disturbed.run("verify", "vitals")
    let full = try disturbed.run("refresh", "--pipeline", "vitals", "--full")
    #expect(full.output.contains("gold_patient_summary: whole (asked for)"))
    try expectEqual(calm, disturbed)
  }

  @Test func wrongWordsAreSaidInOneLine() throws {
    let lake = try TestLake()
    let unknown = try lake.start("refresh", "gold_patient_sumary").wait()
    #expect(unknown.status == 1)
    #expect(
      unknown.errors.hasPrefix(
        "lakeward refresh: no pipeline defines a view gold_patient_sumary; did you mean gold_patient_summary?"))
    let other = try lake.start("refresh", "ward_alert_counts", "--pipeline", "illness").wait()
    #expect(other.errors == "lakeward refresh: the pipeline illness has no view ward_alert_counts\n")
    let waiting = try lake.run("refresh", "ward_alert_counts")
    #expect(
      waiting.output == "ward_alert_counts: waits for the table silver_patient_vitals, which does not exist yet\n")
  }
}
