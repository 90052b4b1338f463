internal import DeltaLake
internal import Foundation
internal import Observability
internal import Pipelines
internal import Streaming
internal import Synchronization

/// What happened lately: commits of the pipelines' tables, whichever process made them, and gauges of this process.
final class LakeHistory: Sendable {
  /// One commit of a pipeline's table.
  struct Commit: Sendable {
    var pipeline: String
    var table: String
    /// bronze, quarantine, stream or view.
    var role: String
    var version: Int64
    var milliseconds: Int64
    var operation: String?
    var rows: Int64?
    var duplicates: Int64?
  }

  /// The value of a gauge at one moment.
  struct Sample: Sendable {
    var milliseconds: Int64
    var metric: String
    var pipeline: String
    var value: Double
  }

  private struct State {
    var commits: [String: [Commit]] = [:]
    var samples: [Sample] = []
  }

  /// Commits that are kept of each table.
  private static let kept = 2_000
  /// Commits that are read of a table when it is first asked for.
  private static let firstLook = 600
  /// Five-second samples of half an hour.
  private static let samplesPerSeries = 360
  private static let gauges = ["lakeward_lag_seconds", "lakeward_lag_records", "lakeward_watermark_delay_seconds"]

  private let lake: Lake
  private let tables: [(pipeline: String, table: String, role: String)]
  private let metrics: MetricRegistry
  private let state = Mutex(State())
  // Made in `init`, then only cancelled: safe from any thread.
  private nonisolated(unsafe) let timer: any DispatchSourceTimer

  init(lake: Lake, pipelines: [Pipeline], metrics: MetricRegistry) {
    self.lake = lake
    self.metrics = metrics
    tables = pipelines.flatMap { pipeline -> [(pipeline: String, table: String, role: String)] in
      let fixed = pipeline.source.map { [($0.bronzeTable, "bronze"), ($0.quarantineTable, "quarantine")] } ?? []
      let defined =
        pipeline.streamingTables.map { ($0.name, "stream") } + pipeline.materializedViews.map { ($0.name, "view") }
      return (fixed + defined).map { (pipeline.name, $0.0, $0.1) }
    }
    timer = DispatchSource.makeTimerSource(queue: .global(qos: .utility))
    timer.schedule(deadline: .now() + 5, repeating: 5)
    timer.setEventHandler { [weak self] in self?.sample() }
    timer.resume()
  }

  /// Ends the sampling.
  func stop() { timer.cancel() }

  /// The commits of the last time, oldest first within each table; what is new is read from the logs.
  func commits() throws -> [Commit] {
    try state.withLock { state in
      for entry in tables where DeltaTable.exists(at: lake.location(ofTable: entry.table)) {
        let table = try lake.table(named: entry.table)
        let newest = try table.snapshot().version
        var known = state.commits[entry.table] ?? []
        let last = known.last?.version ?? newest - Int64(Self.firstLook)
        guard newest > last else { continue }
        let count = Int(min(newest - last, Int64(Self.kept)))
        known += try table.history(limit: count).reversed().filter { $0.version > last }.compactMap { info in
          guard let milliseconds = info.timestamp else { return nil }
          return Commit(
            pipeline: entry.pipeline, table: entry.table, role: entry.role, version: info.version,
            milliseconds: milliseconds, operation: info.operation,
            rows: info.operationMetrics["numOutputRows"].flatMap { Int64($0) },
            duplicates: info.operationMetrics["numDuplicates"].flatMap { Int64($0) })
        }
        state.commits[entry.table] = Array(known.suffix(Self.kept))
      }
      return tables.flatMap { state.commits[$0.table] ?? [] }
    }
  }

  /// The samples of the last half hour, oldest first.
  func samples() -> [Sample] { state.withLock { $0.samples } }

  private func sample() {
    let now = Int64(Date().timeIntervalSince1970 * 1_000)
    let found = Self.parse(metrics.exposition(), at: now)
    guard !found.isEmpty else { return }
    let oldest = now - Int64(Self.samplesPerSeries) * 5_000
    state.withLock { state in
      state.samples.append(contentsOf: found)
      state.samples.removeAll { $0.milliseconds < oldest }
    }
  }

  /// Lines such as `lakeward_lag_seconds{pipeline="vitals"} 0.4`.
  static func parse(_ exposition: String, at milliseconds: Int64) -> [Sample] {
    exposition.split(separator: "\n").compactMap { line in
      guard let metric = gauges.first(where: { line.hasPrefix($0 + "{") }),
        let label = line.firstRange(of: "pipeline=\""),
        let end = line[label.upperBound...].firstIndex(of: "\""), let space = line.lastIndex(of: " "),
        let value = Double(line[line.index(after: space)...]), value.isFinite
      else { return nil }
      return Sample(
        milliseconds: milliseconds, metric: metric, pipeline: String(line[label.upperBound..<end]), value: value)
    }
  }
}
