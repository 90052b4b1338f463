internal import DuckDB
internal import Foundation
internal import Pipelines
internal import Streaming
internal import Synchronization

/// The demo's picture of a running pipeline: redrawn in place on a terminal, plain lines elsewhere.
///
/// Only a terminal gets to see patients' (invented) identifiers; lines that may end in a log hold counts alone.
final class LiveView: Sendable {
  private struct State {
    var records: Int64 = 0
    var quarantined: Int64 = 0
    var duplicates: Int64 = 0
    var scored: Int64 = 0
    var ill: Int64 = 0
    var versions: [String: Int64] = [:]
    var rows: [String: Int64] = [:]
    var recent: [(time: ContinuousClock.Instant, records: Int64)] = []
    var alerts: [String] = []
    var batchSeconds = 0.0
    var lastLine = ContinuousClock.now
    var drawnLines = 0
  }

  private let state = Mutex(State())
  let pipeline: Pipeline
  private let address: String
  private let began = ContinuousClock.now

  init(pipeline: Pipeline, address: String) {
    self.pipeline = pipeline
    self.address = address
  }

  /// Takes in what a micro-batch did. Called on the pipeline's thread.
  func observe(_ event: PipelineRunner.Event, _ view: PipelineRunner.BatchView) {
    guard case .committed(let report) = event else { return }
    let share = try? view.query(
      "SELECT count(*), count(*) FILTER (WHERE prediction = 1) FROM stage.gold_patient_data"
    ).first
    let alerts = Console.isTerminal ? (try? view.query(Self.alertQuery)) ?? [] : []
    state.withLock { state in
      state.records += report.records
      state.quarantined += pipeline.source.flatMap { report.rows[$0.quarantineTable] } ?? 0
      state.duplicates += report.duplicates
      if case .int(let scored)? = share?[0], case .int(let ill)? = share?[1] {
        state.scored += scored
        state.ill += ill
      }
      state.versions = report.versions
      state.rows.merge(report.rows) { $0 + $1 }
      state.batchSeconds = report.seconds.values.reduce(0, +)
      state.recent.append((.now, report.records))
      let lines = alerts.compactMap { row in if case .string(let text) = row[0] { text } else { nil } }
      state.alerts = Array((lines + state.alerts).prefix(5))
    }
  }

  private static let alertQuery = """
    SELECT strftime(event_time, '%H:%M:%S') || '  patient ' || left(patient_id, 8) || '  age ' || age_group
      || '  probability ' || printf('%.2f', probability)
    FROM stage.gold_patient_data WHERE prediction = 1 ORDER BY probability DESC LIMIT 2
    """

  /// Draws, where it is time to.
  func draw() {
    let text = state.withLock { state -> String? in
      let now = ContinuousClock.now
      state.recent.removeAll { now - $0.time > .seconds(5) }
      guard Console.isTerminal else {
        guard now - state.lastLine >= .seconds(5) else { return nil }
        state.lastLine = now
        return plainLine(state) + "\n"
      }
      // A line that wrapped would be counted as one when the cursor goes back.
      let width = Console.terminalWidth() ?? 80
      let lines = block(state).map { String($0.prefix(width - 1)) }
      let back = state.drawnLines > 0 ? "\u{1B}[\(state.drawnLines)F\u{1B}[J" : ""
      state.drawnLines = lines.count
      return "\(back)\u{1B}[1m\(lines[0])\u{1B}[0m\n\(lines.dropFirst().joined(separator: "\n"))\n"
    }
    if let text { Console.writeRaw(text) }
  }

  /// Leaves the last picture standing.
  func finish() {
    draw()
    Console.write(Console.isTerminal ? "\nStopping: taking the records that are still waiting." : "stopping")
  }

  private func rate(_ state: State) -> Int64 {
    let span = min(5, max(1, (ContinuousClock.now - began) / .seconds(1)))
    return Int64(Double(state.recent.reduce(0) { $0 + $1.records }) / span)
  }

  private func illShare(_ state: State) -> String {
    state.scored == 0 ? "–" : String(format: "%.1f %%", 100 * Double(state.ill) / Double(state.scored))
  }

  private func plainLine(_ state: State) -> String {
    "\(Console.grouped(rate(state))) records/s, \(Console.grouped(state.records)) records, ill \(illShare(state)), "
      + "\(Console.grouped(state.quarantined)) quarantined, \(Console.grouped(state.duplicates)) duplicates, "
      + "gold version \(state.versions["gold_patient_data"] ?? 0)"
  }

  private func block(_ state: State) -> [String] {
    var lines = [
      "Lakeward  \(address)  pipeline \(pipeline.name), simulated patients  (Ctrl-C ends)",
      "",
      "  records/s     \(Console.grouped(rate(state)))",
      "  records       \(Console.grouped(state.records))   quarantined \(Console.grouped(state.quarantined))   "
        + "duplicates \(Console.grouped(state.duplicates))",
      "  ill           \(illShare(state)) of \(Console.grouped(state.scored)) scored",
      "  micro-batch   \(String(format: "%.0f", state.batchSeconds * 1_000)) ms",
      "",
    ]
    for name in pipeline.streamTableNames {
      let version = state.versions[name].map { "version \($0)" } ?? ""
      lines.append(
        "  \(name.padding(toLength: 26, withPad: " ", startingAt: 0)) \(version.padding(toLength: 14, withPad: " ", startingAt: 0))"
          + "+\(Console.grouped(state.rows[name] ?? 0)) rows")
    }
    lines += ["", "  highest risk of late:"]
    lines += state.alerts.isEmpty ? ["    –"] : state.alerts.map { "    " + $0 }
    return lines
  }
}
