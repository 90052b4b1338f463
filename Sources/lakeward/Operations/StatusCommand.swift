internal import Foundation
internal import JSON
internal import Observability
internal import Pipelines
internal import Streaming

/// `lakeward status`
enum StatusCommand: Command {
  static let name = "status"
  static let summary = "how pipelines are: running or not, positions, lag, rates, quarantine, tables"
  static let help = """
    usage: lakeward status [PIPELINE…] [--json] [--watch]

    Looks from outside, at the tables and at what the processes that run the pipelines say. Nothing need run.

    exit code: 0 every pipeline runs, or is paused; 3 one does not run; 4 one failed or waits for something outside, or a
    table lags behind bronze though nothing runs; 1 and 2 as ever.

    examples:
      lakeward status
      lakeward status vitals --watch
      lakeward status --json > status.json
    """
  static let options = [
    Option("json", nil, "one JSON array"),
    Option("watch", nil, "again every two seconds until Ctrl-C"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let pipelines = try workspace.pipelines(arguments.positionals).filter { $0.source != nil }
    let connection = try workspace.engine().connect()
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    var code: Int32 = 0
    repeat {
      let now = Logger.systemClock()
      let statuses = try pipelines.map {
        try PipelineStatus(pipeline: $0, lake: workspace.lake, connection: connection, now: now)
      }
      code = statuses.map(exitCode).max() ?? 0
      if arguments.has("json") {
        Console.write(JSONValue.array(statuses.map(\.json)).text)
      } else {
        if arguments.has("watch"), Console.isTerminal { Console.writeRaw("\u{1B}[H\u{1B}[2J") }
        Console.write(statuses.map { StatusText.block($0, now: now) }.joined(separator: "\n\n"))
      }
      if arguments.has("watch") { stop.wait(seconds: 2) }
    } while arguments.has("watch") && !stop.isStopped
    return code
  }

  private static func exitCode(_ status: PipelineStatus) -> Int32 {
    switch status.state {
    case .running, .starting, .yielding, .paused: 0
    case .stopped: status.lagging.isEmpty ? 3 : 4
    case .retrying, .failed: 4
    }
  }
}

/// Lays a pipeline's status out for people. Pure.
enum StatusText {
  static func block(_ status: PipelineStatus, now: Int64) -> String {
    var lines = ["\(status.pipeline): \(status.state.rawValue)\(pause(status, now: now))"]
    for note in status.processes {
      var line = "  process \(note.process) on \(note.host), \(note.state.rawValue) for \(span(now - note.since))"
      if let reason = note.reason { line += " (\(reason))" }
      lines.append(line)
      line = "  \(Console.grouped(Int64(note.recordsPerSecond.rounded()))) records/s"
      if let lag = note.lagRecords { line += ", \(Console.grouped(lag)) waiting" }
      if let lag = note.lagSeconds { line += ", lag \(String(format: "%.2f", lag)) s" }
      if let time = note.lastCommit { line += ", last commit \(span(now - time)) ago" }
      let batch = note.stageSeconds.filter { !$0.key.hasPrefix("write ") }.values.reduce(0, +)
      line += ", \(Console.grouped(note.batches)) micro-batches of \(String(format: "%.0f", batch * 1_000)) ms"
      lines.append(line)
    }
    if status.tables.isEmpty { lines.append("  no tables yet") }
    let lagging = Set(status.lagging)
    let width = status.tables.map(\.name.count).max() ?? 0
    for table in status.tables {
      let name = table.name.padding(toLength: width, withPad: " ", startingAt: 0)
      let rows = table.rows.map { Console.grouped($0) } ?? "?"
      lines.append(
        "  \(name)  version \(table.version), \(rows) rows, \(Console.grouped(table.files)) files, "
          + "\(size(table.bytes)), \(span(now - table.committed)) ago\(lagging.contains(table.name) ? ", LAGS" : "")")
    }
    if let bronze = status.tables.first, !bronze.positions.isEmpty {
      let positions = bronze.positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
      lines.append("  positions   " + positions.joined(separator: " "))
    }
    for entry in status.quarantine { lines.append("  quarantine  \(Console.grouped(entry.records))  \(entry.reason)") }
    for rule in status.rules where rule.failed > 0 {
      lines.append(
        "  rule        \(rule.table).\(rule.rule) (\(rule.action)): \(Console.grouped(rule.failed)) of "
          + "\(Console.grouped(rule.checked)) rows")
    }
    for entry in status.backfills {
      lines.append(
        "  backfill    \(entry.directory), partition \(entry.partition), \(entry.isDone ? "done" : "under way")")
    }
    return lines.joined(separator: "\n")
  }

  private static func pause(_ status: PipelineStatus, now: Int64) -> String {
    status.pausedSince.map { ", for \(span(now - $0))" } ?? ""
  }

  static func span(_ microseconds: Int64) -> String {
    let seconds = max(0, microseconds / 1_000_000)
    switch seconds {
    case ..<120: return "\(seconds) s"
    case ..<7_200: return "\(seconds / 60) min"
    case ..<172_800: return "\(seconds / 3_600) h"
    default: return "\(seconds / 86_400) days"
    }
  }

  static func size(_ bytes: Int64) -> String {
    switch bytes {
    case ..<1_000: "\(bytes) B"
    case ..<1_000_000: "\(bytes / 1_000) kB"
    case ..<1_000_000_000: String(format: "%.1f MB", Double(bytes) / 1e6)
    default: String(format: "%.1f GB", Double(bytes) / 1e9)
    }
  }
}
