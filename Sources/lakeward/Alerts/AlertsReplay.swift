internal import Alerts
internal import DuckDB
internal import Foundation
internal import Pipelines
internal import Query
internal import Streaming

/// `lakeward alerts replay`
enum AlertsReplay {
  static let options = [
    Option("policy", "FILE", "replay: policies to try (default the pipeline's own)"),
    Option("only", "NAME", "replay: this policy of the file alone"),
    Option("since", "TIME", "replay: from this event time on, such as 2026-01-31 (default the whole history)"),
    Option("truth", "DIR", "replay: folder with _episodes.csv (default the pipeline's landing directory)"),
    Option("budget", "N/UNIT", "replay: find the threshold with at most N alerts per shift, bed-day or hour"),
    Option("shift-hours", "N", "replay: length of a shift (default 12)"),
  ]

  static func run(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    _ = try Subcommand.require(words, [], command: "alerts replay")
    let format = try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson])
    let workspace = try Workspace(arguments)
    let engine = try workspace.engine()
    let (pipeline, all) = try policies(arguments, workspace)
    var policies = all
    if let name = arguments.text("only") {
      policies = all.filter { $0.name == name }
      guard !policies.isEmpty else {
        throw CommandFailure("there is no policy \(name) (there are: \(all.map(\.name).joined(separator: ", ")))")
      }
    }
    let since = try arguments.text("since").map { text in
      Int64(try InstantReader.milliseconds(text, try engine.connect())) * 1_000
    }
    let landing = pipeline.source?.landing.map { workspace.lake.resolve($0.path) }
    let replay = try PolicyReplay(
      lake: workspace.lake, pipeline: pipeline, engine: engine, since: since,
      truthFolder: arguments.text("truth") ?? landing)
    let hours = try arguments.number("shift-hours", minimum: 0.1) ?? 12
    guard let text = arguments.text("budget") else {
      let result = try replay.replay(policies)
      var reports = policies.map { ReplayReport(result, policy: $0, shiftHours: hours) }
      if policies.count > 1 { reports.append(ReplayReport(result, shiftHours: hours)) }
      try write(reports, chosen: nil, result, format)
      return 0
    }
    return try search(text, policies, replay, hours: hours, format)
  }

  /// The policies of a file, and the pipeline that has their tables.
  private static func policies(_ arguments: Arguments, _ workspace: Workspace) throws -> (Pipeline, [AlertPolicy]) {
    let named = arguments.text("pipeline")
    guard let file = arguments.text("policy") else {
      guard let named else { throw UsageError("lakeward alerts replay: give --policy FILE, or --pipeline NAME") }
      let pipeline = try workspace.pipeline(named)
      return (pipeline, try PolicyFile.load(pipeline).filter { !$0.isAboutModels })
    }
    if let named {
      let pipeline = try workspace.pipeline(named)
      return (pipeline, try PolicyFile.load(file, pipeline).filter { !$0.isAboutModels })
    }
    var failure: (any Error)?
    for pipeline in try workspace.pipelines([]) {
      do {
        return (pipeline, try PolicyFile.load(file, pipeline).filter { !$0.isAboutModels })
      } catch {
        failure = failure ?? error
      }
    }
    throw CommandFailure(
      "\(failure.map { "\($0)" } ?? "there is no pipeline"); --pipeline NAME says whose tables the policies are on")
  }

  private static func search(
    _ text: String, _ policies: [AlertPolicy], _ replay: PolicyReplay, hours: Double, _ format: OutputFormat
  ) throws -> Int32 {
    guard let budget = AlertBudget(text) else {
      throw UsageError("--budget \(text): write a number and shift, bed-day or hour, such as 4/shift")
    }
    let open = policies.filter { policy in
      if case .condition(_, let threshold?) = policy.trigger { !threshold.candidates.isEmpty } else { false }
    }
    guard open.count == 1, let policy = open.first, case .condition(let condition, let threshold?) = policy.trigger
    else {
      throw CommandFailure(
        open.isEmpty
          ? "no policy has numbers to try; write threshold: { value: 7, from: 4, to: 12, step: 1 } and use threshold in its condition"
          : "\(open.count) policies have numbers to try (\(open.map(\.name).joined(separator: ", "))); name one with --only"
      )
    }
    var reports: [ReplayReport] = []
    var last = PolicyReplay.Result()
    for number in threshold.candidates {
      var candidate = policy
      candidate.trigger = .condition(condition, threshold: .init(number))
      last = try replay.replay([candidate])
      reports.append(ReplayReport(last, policy: candidate, shiftHours: hours))
    }
    let best = budget.best(of: reports)
    try write(reports, chosen: best, last, format)
    guard let best, let number = best.threshold, let rate = budget.rate(best) else {
      Console.warn("no threshold from \(threshold.candidates[0]) on stays within \(text); widen the numbers to try")
      return 1
    }
    Console.warn(
      "\(policy.name): threshold \(number) gives \(rounded(rate)) alerts per \(budget.unit.rawValue), within \(text)")
    return 0
  }

  private static func rounded(_ number: Double) -> String { String(format: "%.2f", number) }

  private static func write(
    _ reports: [ReplayReport], chosen: ReplayReport?, _ result: PolicyReplay.Result, _ format: OutputFormat
  ) throws {
    func number(_ value: Double?, _ digits: Double = 1_000) -> Value {
      value.map { .double(($0 * digits).rounded() / digits + 0) } ?? .null
    }
    let rows = reports.map { report -> [Value] in
      [
        .string(report.policy ?? "all"), number(report.threshold), .int(Int64(report.alerts)),
        .int(Int64(report.covered)), number(report.perBedDay), number(report.perShift), number(report.precision),
        number(report.recall), number(report.medianLeadSeconds.map { $0 / 60 }, 10),
        number(report.medianDelaySeconds.map { $0 / 60 }, 10), report.unknown.map { .int(Int64($0)) } ?? .null,
        .bool(report == chosen),
      ]
    }
    let days = rounded(result.patientSeconds / 86_400)
    var note =
      "\(Console.grouped(result.rows)) readings of \(Console.grouped(result.patients)) patients, \(days) bed-days"
    note += result.truth.map { ", \($0.episodes.count) labelled deteriorations" } ?? ", no truth"
    try format.write(
      TableFacts.columns([
        ("policy", .varchar), ("threshold", .double), ("alerts", .bigint), ("covered", .bigint),
        ("per bed-day", .double), ("per ward and shift", .double), ("precision", .double), ("recall", .double),
        ("lead to peak (min)", .double), ("after onset (min)", .double), ("about unknown patients", .bigint),
        ("chosen", .boolean),
      ]), rows, to: .standardOutput(), note: note)
  }
}
