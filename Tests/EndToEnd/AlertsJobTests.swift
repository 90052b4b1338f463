import Foundation
import JSON
import LakewardTesting
import Simulation
import Testing

/// Alerts with the built program: raised once whatever is killed, and worked with from the command line.
@Suite(.serialized) struct AlertsJobTests {
  private static let simulated = [
    "simulate", "vitals", "--count", "30000", "--patients", "40", "--speed", "1440", "--seed", "5",
  ]

  private func simulate(_ lake: TestLake) throws {
    let outcome = try lake.start(Self.simulated).wait(seconds: 120)
    try #require(outcome.succeeded, "\(outcome.errors)")
  }

  @Test func killedRunsRaiseTheAlertsOfAnUndisturbedOne() throws {
    let calm = try TestLake(maxRecords: 10_000)
    let disturbed = try TestLake(maxRecords: 1_000)
    for lake in [calm, disturbed] { try simulate(lake) }
    try calm.run("run", "vitals", "--once")
    var random = SeededRandom(seed: 9)
    for _ in 0..<3 {
      let process = try disturbed.start("run", "vitals")
      // Waiting for a random instant of the run is what this test is about.
      Thread.sleep(forTimeInterval: 0.4 + Double(random.integer(below: 1_500)) / 1_000)
      process.signal(SIGKILL)
      try process.wait()
    }
    try disturbed.run("run", "vitals", "--once")
    #expect(try calm.count("SELECT count(*) FROM {alert_events} WHERE kind = 'opened'") > 20)
    #expect(
      try TestLake.differences(
        calm, disturbed, select: "kind, alert_id, policy, patient_id, event_time, state, reason", table: "alert_events")
        == 0)
    // Every alert's row is the sum of its events.
    #expect(
      try disturbed.count(
        """
        SELECT count(*) FROM (SELECT alert_id, max(sequence) AS s FROM {alert_events} WHERE alert_id IS NOT NULL
        GROUP BY 1) AS e FULL JOIN {alerts} AS a USING (alert_id) WHERE a.sequence IS DISTINCT FROM e.s
        """) == 0)
  }

  /// Clocks that are up to two days ahead, late readings, duplicates: an archive is judged all the same, however it is cut.
  @Test func anArchiveWithFaultsRaisesWhatItShouldHoweverItIsCut() throws {
    let lakes = try [20_000, 1_700].map { try TestLake(maxRecords: $0) }
    for lake in lakes {
      let simulated = try lake.run(
        "simulate", "vitals", "--count", "20000", "--patients", "10", "--apart", "8", "--seed", "11", "--faults",
        "--start",
        "2026-03-01T00:00:00Z")
      let faults = try #require(JSONValue(parsing: simulated.output)?.object?["faults"]?.object)
      try #require(faults["clockSkewed"]?.int ?? 0 > 50)
      try lake.run("run", "vitals", "--once")
    }
    #expect(
      try TestLake.differences(
        lakes[0], lakes[1], select: "kind, alert_id, policy, patient_id, event_time, state, reason",
        table: "alert_events")
        == 0)
    let report = try lakes[0].run(
      "alerts", "replay", "--pipeline", "vitals", "--only", "news2_high", "--format", "json")
    let row = try #require(JSONValue(parsing: report.output)?.array?.first?.object)
    let recall = try #require(row["recall"]?.number)
    #expect(recall >= 0.8, "recall \(recall)")
  }

  /// `kill -9` after messages were sent and before that was noted: nothing is lost, and what comes twice has its id.
  @Test(.enabled(if: PeerPython.isReady)) func messagesOfAKilledProcessAreRepeatedUnderTheirIds() throws {
    let lake = try TestLake()
    let port = try FreePort.next()
    let receiver = try ChildProcess(
      try #require(PeerPython.interpreter),
      ["\(Places.packageRoot())/Tests/LakewardTesting/peers/receiver.py", "\(port)", "\(try FreePort.next())"])
    defer { receiver.signal(SIGKILL) }
    try receiver.waitFor("\"ready\"", seconds: 30)
    let file = lake.directory.file("lakeward.yml")
    let settings = """
      notifiers:
        nurse: { type: webhook, url: "http://127.0.0.1:\(port)/webhook", secret: s3cret, timeout: 1 s }
      """
    try (String(contentsOfFile: file, encoding: .utf8) + settings).write(
      toFile: file, atomically: true, encoding: .utf8)
    try lake.run("simulate", "vitals", "--count", "3000", "--patients", "40", "--speed", "1440", "--start", "now")
    lake.environment["LAKEWARD_CRASH"] = "alerts-sent"
    #expect(try lake.start("run", "vitals", "--once").wait(seconds: 120).succeeded == false)
    func messages() -> [[String: Any]] {
      receiver.outputSoFar.split(separator: "\n").compactMap {
        try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }.filter { $0["kind"] as? String == "webhook" }
    }
    let first = Set(messages().compactMap { $0["id"] as? String })
    #expect(!first.isEmpty)
    lake.environment = [:]
    // The dead process's lease, a minute and two timeouts, must have passed: waiting for it is what this test is about.
    let process = try lake.start("run", "vitals")
    defer { process.signal(SIGKILL) }
    let open = """
      SELECT count(*) FROM (SELECT arg_max(status, "sequence") AS status FROM {alert_deliveries} GROUP BY delivery_id)
      WHERE status NOT IN ('delivered', 'dropped')
      """
    let end = ContinuousClock.now + .seconds(240)
    while try ContinuousClock.now < end && (lake.count(open) > 0 || messages().count < first.count * 2) {
      Thread.sleep(forTimeInterval: 0.5)
    }
    process.signal(SIGTERM)
    try process.wait(seconds: 60)
    #expect(try lake.count(open) == 0)
    let all = messages()
    #expect(all.allSatisfy { ($0["problems"] as? [String])?.isEmpty == true })
    let times = Dictionary(grouping: all.compactMap { $0["id"] as? String }) { $0 }.mapValues(\.count)
    // Every message of the dead process came again or was dropped because its alert was over; no other came twice.
    #expect(times.allSatisfy { $0.value == 1 || (first.contains($0.key) && $0.value == 2) })
    #expect(first.contains { times[$0] == 2 })
    #expect(
      try lake.count("SELECT count(DISTINCT delivery_id) FROM {alert_deliveries} WHERE status = 'delivered'")
        == Int64(times.filter { $0.value == 2 || !first.contains($0.key) }.count))
  }

  @Test func anAlertIsWorkedWithAndStaysSo() throws {
    let lake = try TestLake()
    try simulate(lake)
    try lake.run("run", "vitals", "--once")
    let list = try lake.run("alerts", "list", "--severity", "high", "--format", "csv").output
    let id = try #require(list.split(separator: "\n").dropFirst().first?.split(separator: ",").first.map(String.init))
    let refused = try lake.start(["alerts", "dismiss", id]).wait(seconds: 60)
    #expect(refused.status == 1 && refused.errors.contains("say why"))
    #expect(try lake.run("alerts", "acknowledge", id, "--by", "nurse-7").output.contains("\(id): "))
    try lake.run("alerts", "comment", String(id.prefix(12)), "--by", "nurse-7", "--reason", "on oxygen now")
    try lake.run("run", "vitals", "--once")
    let shown = try lake.run("alerts", "show", id).output
    #expect(shown.contains("nurse-7") && shown.contains("on oxygen now"))
    #expect(
      try lake.count("SELECT count(*) FROM {alerts} WHERE alert_id = '\(id)' AND acknowledged_by = 'nurse-7'") == 1)
    let unknown = try lake.start(["alerts", "show", "no-such-alert"]).wait(seconds: 60)
    #expect(unknown.status == 1 && unknown.errors.contains("there is no alert"))
  }
}
