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

  @Test func mistakesAreNamedWithTheirPlace() throws {
    let lake = try Self.lake("  fill: { run: run risk, cron: '0 0 * *' }\n")
    let check = try lake.start("check", "risk").wait(seconds: 60)
    #expect(check.status == 1)
    #expect(check.output.contains("'run' without --once never ends") && check.output.contains("it has 4 fields"))
  }
}
