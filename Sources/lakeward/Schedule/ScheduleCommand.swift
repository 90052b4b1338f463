internal import DuckDB
internal import Foundation
internal import Pipelines
internal import Query
internal import Schedule
internal import Streaming

/// `lakeward schedule`
enum ScheduleCommand: Command {
  static let name = "schedule"
  static let summary = "run Lakeward's own commands at set times: start, list, run, history"
  static let help = """
    usage: lakeward schedule start
           lakeward schedule list
           lakeward schedule run JOB
           lakeward schedule history [JOB] [--limit N]

    Jobs stand under schedule in lakeward.yml. start runs them when they are due, until Ctrl-C; lakeward run and
    lakeward serve do the same beside their own work. Of several such processes over one lake, one runs jobs. Every attempt is
    a row of the table schedule_history.

    examples:
      lakeward schedule list
      lakeward schedule run nightly_import
      lakeward schedule history --limit 20
    """
  static let options = [
    Option("limit", "N", "at most this many attempts (default 50)"),
    Option("format", "FORMAT", "table, csv, json or ndjson"),
  ]

  /// Commands that a job may run: those that end by themselves.
  static let commands: Set<String> = [
    "alerts", "backfill", "check", "export", "import", "infer", "load", "models", "query", "refresh", "replay", "run",
    "table", "train", "verify",
  ]

  private static let words: [Subcommand] = [
    Subcommand("start", "") { try start($0, $1) },
    Subcommand("list", "") { try list($0, $1) },
    Subcommand("run", "JOB") { try run($0, $1) },
    Subcommand("history", "[JOB]") { try history($0, $1) },
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    try Subcommand.dispatch(arguments, command: name, among: words)
  }

  private static func start(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    _ = try Subcommand.require(words, [], command: "schedule start")
    let workspace = try Workspace(arguments)
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    guard let scheduler = try ScheduleDuty.start(workspace, arguments, stop: stop) else {
      throw CommandFailure("lakeward.yml has no jobs under schedule")
    }
    while !stop.isStopped { stop.wait(seconds: 3_600) }
    scheduler.wait()
    return 0
  }

  private static func list(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    _ = try Subcommand.require(words, [], command: "schedule list")
    let workspace = try Workspace(arguments)
    let jobs = try workspace.scheduledJobs()
    let memories = try ScheduleHistory(workspace.lake).memories()
    let now = Date().timeIntervalSince1970
    func instant(_ seconds: Double?) -> Value {
      seconds.map { .timestampTZ(microseconds: Int64($0 * 1_000_000)) } ?? .null
    }
    let rows = jobs.map { job -> [Value] in
      [
        .string(job.name), .string(job.words.joined(separator: " ")), TableFacts.text(job.cron?.text),
        .string(job.timeZone.identifier), TableFacts.text(job.after.isEmpty ? nil : job.after.joined(separator: ", ")),
        instant(ScheduleBook.next(job, after: now)), instant(memories[job.name]?.lastStart),
        instant(memories[job.name]?.lastSuccess),
      ]
    }
    try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson]).write(
      TableFacts.columns([
        ("job", .varchar), ("command", .varchar), ("cron", .varchar), ("time zone", .varchar), ("after", .varchar),
        ("next", .timestampTZ), ("last start", .timestampTZ), ("last success", .timestampTZ),
      ]), rows, to: .standardOutput(), note: "")
    return 0
  }

  private static func run(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["JOB"], command: "schedule run")[0]
    let workspace = try Workspace(arguments)
    let jobs = try workspace.scheduledJobs()
    guard let job = jobs.first(where: { $0.name == name }) else {
      let guess = nearest(to: name, among: jobs.map(\.name)).map { "; did you mean \($0)?" } ?? ""
      throw CommandFailure(
        "there is no job \(name)\(guess) (there are: \(jobs.map(\.name).joined(separator: ", ")))")
    }
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    let entry = try ScheduleDuty.scheduler(workspace, arguments).runNow(job, stop: stop)
    return entry.outcome == .succeeded ? 0 : 1
  }

  private static func history(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    guard words.count <= 1 else { throw UsageError("lakeward schedule history: name one job at most") }
    let limit = try arguments.integer("limit", minimum: 1) ?? 50
    let workspace = try Workspace(arguments)
    guard try workspace.lake.tableNames().contains(ScheduleHistory.table) else {
      Console.warn("no job has run on this lake yet")
      return 0
    }
    let condition = words.first.map { "WHERE job = \(SQL.quote(literal: $0))" } ?? ""
    let connection = try workspace.engine().connect()
    let query = try LakeQuery(
      QueryScope(lake: workspace.lake, registry: nil, openTable: workspace.deltaTable),
      QueryText("SELECT * FROM \(ScheduleHistory.table) \(condition) ORDER BY due DESC, attempt DESC LIMIT \(limit)"),
      on: connection)
    defer { query.finish() }
    let result = try query.result()
    let columns = result.columns
    try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson]).write(
      columns, try result.rows(), to: .standardOutput(), note: "")
    return 0
  }
}

/// Scheduled jobs beside whatever else a process does.
enum ScheduleDuty {
  /// Starts the scheduler; nil if there are no jobs.
  static func start(_ workspace: Workspace, _ arguments: Arguments, stop: StopSignal) throws -> Scheduler? {
    guard try !workspace.scheduledJobs().isEmpty else { return nil }
    let scheduler = try scheduler(workspace, arguments)
    scheduler.start(stop: stop)
    return scheduler
  }

  static func scheduler(_ workspace: Workspace, _ arguments: Arguments) throws -> Scheduler {
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    var options: [String] = []
    for name in ["config", "lake"] {
      if let value = arguments.text(name) { options += ["--\(name)", value] }
    }
    return try Scheduler(try workspace.scheduledJobs(), lake: workspace.lake, program: program, options: options) {
      event in
      switch event {
      case .started(let job, let attempt):
        Console.warn("\(job): begins\(attempt > 1 ? ", attempt \(attempt)" : "")")
      case .ended(let entry):
        let time = entry.span.map { String(format: " after %.1f s", $0.upperBound - $0.lowerBound) } ?? ""
        Console.warn("\(entry.job): \(entry.outcome.rawValue)\(time)\(entry.error.map { ": \($0)" } ?? "")")
      case .failed(let error): Console.warn("schedule: \(error)")
      }
    }
  }
}

extension Workspace {
  /// The jobs under `schedule` in the configuration.
  func scheduledJobs() throws -> [ScheduledJob] {
    guard let node = configuration.schedule else { return [] }
    return try ScheduledJob.read(node, commands: ScheduleCommand.commands)
  }
}
