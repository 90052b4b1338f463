import Pipelines
import Schedule
import Testing

/// What starts when, with the time given.
@Suite struct ScheduleBookTests {
  private static func jobs(_ yaml: String) throws -> [ScheduledJob] {
    let configuration = try LakeConfiguration(yaml: "schedule:\n" + yaml, file: "lakeward.yml")
    return try ScheduledJob.read(try #require(configuration.schedule), commands: ["refresh", "train", "run", "import"])
  }

  private static func start(_ job: String, _ due: Double, _ attempt: Int = 1) -> ScheduleBook.Start {
    .init(job: job, due: due, attempt: attempt)
  }

  @Test func startsWhenDueAndOnlyOnce() throws {
    var book = ScheduleBook(try Self.jobs("  a: { run: refresh, cron: '*/10 * * * *' }"), now: 0)
    #expect(book.nextTime == 600)
    #expect(book.decide(at: 599) == [])
    #expect(book.decide(at: 600) == [.start(Self.start("a", 600))])
    #expect(book.decide(at: 601) == [])
    book.ended(Self.start("a", 600), succeeded: true, at: 700)
    // Times that passed together are one run.
    #expect(book.decide(at: 2_500) == [.start(Self.start("a", 2_400))])
  }

  @Test func overlap() throws {
    let jobs = try Self.jobs(
      "  s: { run: refresh, cron: '* * * * *' }\n  q: { run: refresh, cron: '* * * * *', overlap: queue }")
    var book = ScheduleBook(jobs, now: 0)
    #expect(book.decide(at: 60) == [.start(Self.start("s", 60)), .start(Self.start("q", 60))])
    #expect(book.decide(at: 120) == [.skip(Self.start("s", 120), "the run before is not over")])
    book.ended(Self.start("s", 60), succeeded: true, at: 130)
    book.ended(Self.start("q", 60), succeeded: true, at: 130)
    #expect(book.decide(at: 131) == [.start(Self.start("q", 120))])
  }

  @Test func failuresAreTriedAgainLaterAndLater() throws {
    let jobs = try Self.jobs("  a: { run: refresh, cron: '0 0 * * *', retries: 2, retry_delay: 10 s }")
    var book = ScheduleBook(jobs, now: 0)
    #expect(book.decide(at: 86_400) == [.start(Self.start("a", 86_400))])
    book.ended(Self.start("a", 86_400), succeeded: false, at: 86_500)
    #expect(book.nextTime == 86_510)
    #expect(book.decide(at: 86_509) == [])
    #expect(book.decide(at: 86_510) == [.start(Self.start("a", 86_400, 2))])
    book.ended(Self.start("a", 86_400, 2), succeeded: false, at: 86_600)
    #expect(book.decide(at: 86_619) == [])
    #expect(book.decide(at: 86_620) == [.start(Self.start("a", 86_400, 3))])
    book.ended(Self.start("a", 86_400, 3), succeeded: false, at: 86_700)
    #expect(book.nextTime == 172_800)
  }

  @Test func jobsFollowOthers() throws {
    let jobs = try Self.jobs(
      "  load: { run: [import, x], cron: '0 * * * *' }\n  both: { run: refresh, after: [load, train] }\n"
        + "  train: { run: [train, m], after: load }")
    var book = ScheduleBook(jobs, now: 0)
    #expect(book.decide(at: 3_600) == [.start(Self.start("load", 3_600))])
    #expect(book.decide(at: 3_601) == [])
    book.ended(Self.start("load", 3_600), succeeded: true, at: 3_610)
    #expect(book.decide(at: 3_611) == [.start(Self.start("train", 3_611))])
    book.ended(Self.start("train", 3_611), succeeded: true, at: 3_620)
    #expect(book.decide(at: 3_621) == [.start(Self.start("both", 3_621))])
    book.ended(Self.start("both", 3_621), succeeded: true, at: 3_630)
    // Nothing follows until the first one succeeds again.
    #expect(book.decide(at: 3_640) == [])
    #expect(book.decide(at: 7_200) == [.start(Self.start("load", 7_200))])
    book.ended(Self.start("load", 7_200), succeeded: false, at: 7_210)
    #expect(book.decide(at: 7_211) == [])
  }

  @Test func timesThatPassedAreMadeUpForIfAsked() throws {
    let jobs = try Self.jobs(
      "  a: { run: refresh, cron: '0 * * * *' }\n  b: { run: refresh, cron: '0 * * * *', catch_up: true }")
    var memory = ScheduleBook.Memory()
    memory.lastDue = 3_600
    var book = ScheduleBook(jobs, memories: ["a": memory, "b": memory], now: 20_000)
    #expect(book.decide(at: 20_000) == [.start(Self.start("b", 18_000))])
  }

  @Test(arguments: [
    "  a: { run: refresh }", "  a: { cron: '* * * * *' }", "  a: { run: rm, cron: '* * * * *' }",
    "  a: { run: [run, x], cron: '* * * * *' }", "  a: { run: refresh, cron: '* * * *' }",
    "  a: { run: refresh, cron: '0 0 30 2 *' }", "  a: { run: refresh, cron: '* * * * *', time_zone: Moon/Base }",
    "  a: { run: refresh, after: b }", "  a: { run: refresh, after: b }\n  b: { run: refresh, after: a }",
    "  a: { run: refresh, cron: '* * * * *', overlap: twice }", "  a: { run: refresh, cron: '* * * * *', colour: red }",
  ])
  func wrongEntriesAreRefused(_ yaml: String) {
    #expect(throws: DefinitionError.self) { try Self.jobs(yaml) }
  }
}
