import Foundation
import JSON
import LakewardTesting
import Server
import Testing

/// What cannot be noted down is neither told nor done; and what was told is noted down as soon as it can be.
@Suite struct FullAuditLogTests {
  /// Lets the table's folder be none, or be itself again.
  private static func setWritable(_ isWritable: Bool, _ harness: ServerHarness) throws {
    let (place, aside) = (harness.directory.file("lake/_audit/audit_log"), harness.directory.file("aside"))
    if isWritable {
      try FileManager.default.removeItem(atPath: place)
      try FileManager.default.moveItem(atPath: aside, toPath: place)
    } else {
      try FileManager.default.moveItem(atPath: place, toPath: aside)
      try Data("no folder".utf8).write(to: URL(fileURLWithPath: place))
    }
  }

  /// Asks until an answer is as wanted.
  private static func wait(
    for status: Int, seconds: Double = 60, _ ask: () throws -> ServerHarness.Answer
  ) throws -> (answer: ServerHarness.Answer, others: Int) {
    let end = ContinuousClock.now + .seconds(seconds)
    var others = 0
    while true {
      let answer = try ask()
      if answer.status == status || ContinuousClock.now > end { return (answer, others) }
      others += 1
      Thread.sleep(forTimeInterval: 0.05)
    }
  }

  @Test func nothingAboutPatientsIsAnsweredAndNothingChangedByHTTP() throws {
    let harness = try ServerHarness(auditBacklog: 5)
    let question = "SELECT count(*) AS asked FROM silver_readings"
    #expect(try harness.query(question).status == 200)
    try Self.setWritable(false, harness)
    let refused = try Self.wait(for: 503) { try harness.query(question) }
    #expect(refused.answer.status == 503 && refused.answer["type"]?.string?.hasSuffix("audit-log") == true)
    #expect(refused.answer.headers["content-type"]?.hasPrefix("application/problem+json") == true)
    #expect(refused.answer["rows"] == nil && refused.others <= 6)
    #expect(try harness.send("GET", "/patients").status == 503)
    #expect(try harness.send("POST", "/alerts/none/acknowledge", "{}").status == 503)
    // What is about nobody goes on.
    #expect(try harness.send("GET", "/health").status == 200)
    try Self.setWritable(true, harness)
    #expect(try Self.wait(for: 200) { try harness.query("SELECT 1") }.answer.status == 200)
    let told = try harness.query("SELECT count(*) FROM audit_log WHERE status = 200 AND detail = '\(question)'")
    #expect(told["rows"] == .array([.array([.int(Int64(1 + refused.others))])]), "each that was told, once")
  }

  /// While the last write has failed nothing is changed, although there is room for entries.
  @Test func aChangeIsRefusedBeforeItIsMade() throws {
    let harness = try ServerHarness()
    try Self.setWritable(false, harness)
    #expect(try harness.query("SELECT 1").status == 200)
    let ask = { try harness.send("POST", "/alerts/none/acknowledge", "{}") }
    #expect(try Self.wait(for: 503, ask).answer.status == 503)
    #expect(try harness.query("SELECT 1").status == 200)
    try Self.setWritable(true, harness)
    #expect(try Self.wait(for: 404, ask).answer.status == 404)
  }

  @Test(.enabled(if: ConnectPeers.isReady)) func nothingIsAnsweredByPostgreSQL() throws {
    let harness = try ServerHarness(auditBacklog: 3, postgres: { _ in })
    let port = try #require(harness.server.postgresPort)
    func ask() throws -> ProcessOutcome {
      try ChildProcess.run(
        "psql",
        [
          "-X", "-A", "-t", "-h", "127.0.0.1", "-p", "\(port)", "-U", "reader", "-d", "lakeward", "-c",
          "SELECT count(*) FROM silver_readings",
        ], environment: ["PGCONNECT_TIMEOUT": "60", "PGPASSFILE": "/dev/null"],
        seconds: 120)
    }
    #expect(try ask().output == "50\n")
    try Self.setWritable(false, harness)
    var last = try ask()
    for _ in 0..<6 where last.succeeded { last = try ask() }
    #expect(!last.succeeded && last.output.isEmpty)
    #expect(last.errors.contains("The audit log cannot be written"), "\(last.errors)")
    try Self.setWritable(true, harness)
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end, try !ask().succeeded { Thread.sleep(forTimeInterval: 0.05) }
    #expect(try ask().output == "50\n")
  }
}
