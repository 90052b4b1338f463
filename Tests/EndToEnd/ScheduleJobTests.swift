import DuckDB
import Foundation
import LakewardTesting
import Testing

/// Scheduled jobs with the built program.
@Suite struct ScheduleJobTests {
  private static func lake(_ schedule: String) throws -> TestLake {
    let lake = try TestLake()
    let file = lake.directory.file("lakeward.yml")
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try (text + "schedule:\n" + schedule).write(toFile: file, atomically: true, encoding: .utf8)
    return lake
  }

  @Test func jobsRunAndAreNoted() throws {
    let lake = try Self.lake(
      """
        fill: { run: run risk --once, cron: "0 0 1 1 *" }
        after_fill: { run: [table, list], after: fill }
        wrong: { run: [table, show, nothing], cron: "0 0 1 1 *", retries: 1, retry_delay: 0 s }

      """)
    try lake.run("simulate", "risk", "--count", "40")
    try lake.run("schedule", "run", "fill")
    #expect(try lake.count("SELECT count(*) FROM {silver_raw_patient}") == 40)
    let wrong = try lake.start("schedule", "run", "wrong").wait(seconds: 120)
    #expect(wrong.status == 1 && wrong.errors.contains("there is no table nothing"))
    func rows(_ job: String, _ outcome: String) throws -> Int64 {
      try lake.count("SELECT count(*) FROM {schedule_history} WHERE job = '\(job)' AND outcome = '\(outcome)'")
    }
    #expect(try rows("fill", "succeeded") == 1)
    #expect(try rows("wrong", "failed") == 2)
    #expect(
      try lake.count(
        "SELECT count(*) FROM {schedule_history} WHERE attempt = 2 AND exit_code = 1 AND error LIKE '%no table nothing%'"
      )
        == 1)
    // What follows runs as soon as a scheduler is there; the others are not due before next year.
    let scheduler = try lake.start("schedule", "start")
    let end = Date(timeIntervalSinceNow: 120)
    while try rows("after_fill", "succeeded") == 0, Date() < end { Thread.sleep(forTimeInterval: 0.2) }
    kill(scheduler.identifier, SIGTERM)
    #expect(try scheduler.wait(seconds: 60).status == 0)
    #expect(try rows("after_fill", "succeeded") == 1 && rows("fill", "succeeded") == 1)
    let list = try lake.run("schedule", "list", "--format", "csv").output
    #expect(list.contains("fill,run risk --once,0 0 1 1 *,GMT,"))
    #expect(try lake.run("schedule", "history", "wrong").output.contains("no table nothing"))
  }

  /// A query that would take years is ended: by its time limit, and by the end of the scheduler.
  @Test func jobsThatHangAreEnded() throws {
    let forever = "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE hash(x + y) = 0"
    let lake = try Self.lake(
      """
        first: { run: [table, list], cron: "0 0 1 1 *" }
        slow: { run: [query, "\(forever)"], cron: "0 0 1 1 *", timeout: 1 s }
        endless: { run: [query, "\(forever)"], after: first }

      """)
    try lake.run("simulate", "risk", "--count", "10")
    let slow = try lake.start("schedule", "run", "slow").wait(seconds: 120)
    #expect(slow.status == 1 && slow.errors.contains("slow: timed out"), "\(slow.errors)")
    try lake.run("schedule", "run", "first")
    let scheduler = try lake.start("schedule", "start")
    try scheduler.waitFor("endless: begins", seconds: 120)
    scheduler.signal(SIGTERM)
    let end = try scheduler.wait(seconds: 120)
    #expect(end.status == 0 && end.errors.contains("endless: stopped"), "\(end.errors)")
    let ended = "SELECT count(*) FROM {schedule_history} WHERE exit_code IS NULL AND outcome ="
    #expect(try lake.count("\(ended) 'timed out' AND job = 'slow'") == 1)
    #expect(try lake.count("\(ended) 'stopped' AND job = 'endless'") == 1)
    // SIGTERM was enough: by force it would have taken ten seconds more.
    #expect(try lake.count("\(ended) 'timed out' AND seconds < 11") == 1)
  }

  @Test func mistakesAreNamedWithTheirPlace() throws {
    let lake = try Self.lake("  fill: { run: run risk, cron: '0 0 * *' }\n")
    let check = try lake.start("check", "risk").wait(seconds: 60)
    #expect(check.status == 1)
    #expect(check.output.contains("'run' without --once never ends") && check.output.contains("it has 4 fields"))
  }
}
