internal import Query
internal import Alerts
internal import DuckDB
internal import Foundation

/// `lakeward alerts`
enum AlertsCommand: Command {
  static let name = "alerts"
  static let summary = "look at alerts and work with them; try notifiers and policies"
  static let help = """
    usage: lakeward alerts list [--state STATE,…] [--severity SEVERITY,…] [--ward WARD] [--patient ID] [--pipeline NAME]
           lakeward alerts show ID
           lakeward alerts acknowledge ID [--reason TEXT]
           lakeward alerts snooze ID --minutes N [--reason TEXT]
           lakeward alerts escalate ID [--reason TEXT]
           lakeward alerts comment ID --reason TEXT
           lakeward alerts resolve ID [--reason TEXT]
           lakeward alerts dismiss ID --reason TEXT
           lakeward alerts test-notifier NAME
           lakeward alerts replay [--policy FILE] [--pipeline NAME] [--only POLICY] [--since TIME] [--budget N/UNIT]

    list         alerts that are open or acknowledged, the most urgent first; --state all, or open, acknowledged,
                 resolved, dismissed
    show         one alert and everything that happened to it: who, when, what and why
    acknowledge  take an alert: reminders and escalation stop
    snooze       silence reminders and escalation; high alerts for 10 minutes at most, medium ones for 30
    escalate     tell the next level now
    comment      write something; also at a closed alert
    resolve      close: what it asked for is done
    dismiss      close: it needed nothing
    test-notifier  sends an invented alert
    replay       what policies would have raised from the history in the tables: alerts per bed-day and shift, and, where
                 deteriorations are labelled, precision, recall and the time before their peak. With --budget, such as
                 4/shift, every threshold of the policy is tried, and the one that fits best is named

    Whoever acts is the user of the machine, or --by NAME. An ID may be shortened as long as it is clear among the alerts
    that are not closed.

    examples:
      lakeward alerts list
      lakeward alerts list --severity high --format json
      lakeward alerts test-notifier nurse
      lakeward alerts replay --pipeline vitals --since 2026-01-01
      lakeward alerts replay --pipeline vitals --only news2_high --budget 4/shift
    """
  static let options =
    [
      Option("state", "LIST", "states, separated by commas, or all (default open,acknowledged)"),
      Option("severity", "LIST", "severities, separated by commas"),
      Option("ward", "WARD", "alerts of this ward"),
      Option("patient", "ID", "alerts of this patient"),
      Option("pipeline", "NAME", "alerts of this pipeline"),
      Option("limit", "N", "at most so many (default 1000)"),
      Option("by", "NAME", "who acts (default the user of the machine)"),
      Option("reason", "TEXT", "why, or the comment"),
      Option("minutes", "N", "how long to snooze"),
      Option("format", "FORMAT", "table, csv, json or ndjson"),
    ] + AlertsReplay.options

  static let words: [Subcommand] = [
    Subcommand("list", "") { try list($0, $1) },
    Subcommand("show", "ID") { try show($0, $1) },
    Subcommand("acknowledge", "ID") { try act(.acknowledge, $0, $1) },
    Subcommand("snooze", "ID") { arguments, words in
      guard let minutes = try arguments.number("minutes", minimum: 0.01) else {
        throw UsageError("lakeward alerts snooze: say how long: --minutes N")
      }
      return try act(.snooze(seconds: Int64(min(minutes, 1e6) * 60)), arguments, words)
    },
    Subcommand("escalate", "ID") { try act(.escalate, $0, $1) },
    Subcommand("comment", "ID") { try act(.comment, $0, $1) },
    Subcommand("resolve", "ID") { try act(.resolve, $0, $1) },
    Subcommand("dismiss", "ID") { try act(.dismiss, $0, $1) },
    Subcommand("test-notifier", "NAME") { try testNotifier($0, $1) },
    Subcommand("replay", "") { try AlertsReplay.run($0, $1) },
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    do {
      return try Subcommand.dispatch(arguments, command: name, among: words)
    } catch is OutputSink.ReaderLeft {
      return 0
    }
  }

  // MARK: Words

  private static func desk(_ arguments: Arguments) throws -> AlertDesk {
    let workspace = try Workspace(arguments)
    return try AlertDesk(lake: workspace.lake, policies: try workspace.alertPolicies())
  }

  private static func list(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    _ = try Subcommand.require(words, [], command: "alerts list")
    let format = try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson])
    var filter = AlertFilter()
    if let states = arguments.text("state") { filter.states = states == "all" ? [] : try choices("state", states) }
    if let severities = arguments.text("severity") { filter.severities = try choices("severity", severities) }
    filter.ward = arguments.text("ward")
    filter.patient = arguments.text("patient")
    filter.pipeline = arguments.text("pipeline")
    filter.limit = try arguments.integer("limit", minimum: 1) ?? filter.limit
    let alerts = try desk(arguments).list(filter)
    try format.write(
      TableFacts.columns([
        ("id", .varchar), ("severity", .varchar), ("state", .varchar), ("title", .varchar), ("ward", .varchar),
        ("patient", .varchar), ("since", .timestampTZ), ("holds", .boolean), ("level", .bigint),
        ("taken by", .varchar),
      ]),
      alerts.map { alert in
        [
          .string(alert.id), .string(alert.severity.rawValue), .string(alert.state.rawValue), .string(alert.title),
          TableFacts.text(alert.ward), .string(alert.patient), .timestampTZ(microseconds: alert.since),
          .bool(alert.isActive), .int(Int64(alert.level)), TableFacts.text(alert.acknowledgedBy),
        ]
      }, to: .standardOutput(), note: "")
    return 0
  }

  private static func choices<Choice: RawRepresentable<String> & CaseIterable & Hashable>(
    _ option: String, _ text: String
  ) throws -> Set<Choice> {
    Set(
      try text.split(separator: ",").map { word in
        guard let choice = Choice(rawValue: String(word)) else {
          let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
          throw UsageError("--\(option) \(word): give one of \(known)")
        }
        return choice
      })
  }

  /// The alert that a shortened id means.
  private static func alert(_ words: [String], _ desk: AlertDesk, command: String) throws -> Alert {
    let id = try Subcommand.require(words, ["ID"], command: "alerts \(command)")[0]
    if let alert = try desk.get(id) { return alert }
    let matches = try desk.list().filter { $0.id.hasPrefix(id) }
    guard matches.count <= 1 else {
      throw CommandFailure("\(id) may mean \(matches.count) alerts; give more of the id")
    }
    guard let match = matches.first else {
      throw CommandFailure("there is no alert \(id); lakeward alerts list --state all names those that were raised")
    }
    return match
  }

  private static func show(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let format = try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson])
    let desk = try desk(arguments)
    let alert = try alert(words, desk, command: "show")
    if format == .table {
      Console.write("\(alert.title)\n\(alert.message)")
      Console.write(
        "\(alert.severity.rawValue), \(alert.state.rawValue), policy \(alert.policy.policy), patient \(alert.patient)")
      if let facts = alert.facts { Console.write("at the beginning: \(facts)") }
    }
    try format.write(
      TableFacts.columns([
        ("time", .timestampTZ), ("what", .varchar), ("by", .varchar), ("why", .varchar), ("state", .varchar),
        ("level", .bigint), ("told", .varchar),
      ]),
      try desk.history(of: alert.id).map { event in
        [
          .timestampTZ(microseconds: event.at), .string(event.kind.rawValue), .string(event.by),
          TableFacts.text(event.reason), TableFacts.text(event.state?.rawValue),
          event.level.map { .int(Int64($0)) } ?? .null, .string(event.notify.joined(separator: " ")),
        ]
      }, to: .standardOutput(), note: "")
    return 0
  }

  private static func act(_ action: AlertAction, _ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let desk = try desk(arguments)
    let alert = try alert(words, desk, command: action.word)
    let by = arguments.text("by") ?? NSUserName()
    let after = try desk.apply(action, to: alert.id, by: by, reason: arguments.text("reason"))
    try desk.project()
    var line = "\(after.id): \(after.state.rawValue)"
    if after.level > 0 { line += ", level \(after.level)" }
    if let until = after.snoozedUntil {
      line += ", snoozed until \(InstantText.timestamp(microseconds: until, suffix: "Z"))"
    }
    Console.write(line)
    return 0
  }

  private static func testNotifier(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["NAME"], command: "alerts test-notifier")[0]
    let answer = try NotifierTest.send(to: name, settings: try Workspace(arguments).alertSettings())
    Console.write("\(name): \(answer.text)")
    return answer.isDelivered ? 0 : 1
  }
}
