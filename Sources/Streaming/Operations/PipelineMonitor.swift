public import DeltaLake
internal import Foundation
public import Observability
internal import Synchronization

/// Turns what happens in one pipeline into metrics, health, log lines and the figures of its status. Any thread may ask;
/// the pipeline's thread tells.
///
/// Every label is a name of the pipeline's definition, every value a count or a time: no patient's data.
public final class PipelineMonitor: Sendable {
  /// The pipeline's name.
  public let pipeline: String
  private let quarantine: String
  private let meters: PipelineMeters
  private let health: Health
  private let log: Logger
  private let clock: @Sendable () -> Int64
  private let state: Mutex<PipelineFigures>

  /// - Parameters:
  ///   - quarantine: The name of the pipeline's quarantine table.
  ///   - clock: The time of day, microseconds since 1970.
  public init(
    pipeline: String, quarantine: String, metrics: MetricRegistry, health: Health, log: Logger = .silent,
    clock: @escaping @Sendable () -> Int64 = Logger.systemClock
  ) {
    self.pipeline = pipeline
    self.quarantine = quarantine
    self.health = health
    self.log = log
    self.clock = clock
    meters = PipelineMeters(metrics, pipeline: pipeline)
    state = Mutex(PipelineFigures(pipeline: pipeline, since: clock()))
    set(.starting)
  }

  /// What the pipeline has done since this process runs it.
  public var figures: PipelineFigures { state.withLock { $0 } }

  /// Notes what the pipeline is doing.
  public func set(_ state: PipelineState, reason: String? = nil) {
    let now = clock()
    let isNew = self.state.withLock { figures in
      defer {
        figures.state = state
        figures.reason = reason
      }
      if figures.state != state { figures.since = now }
      return figures.state != state || figures.reason != reason
    }
    health.set(pipeline, state, reason: reason)
    meters.set(state)
    // A retry has a line of its own, and how a pipeline ended is for whoever runs it to say.
    guard isNew, state != .retrying, state != .failed else { return }
    if let reason {
      log.info(
        "pipeline", ["pipeline": .name(pipeline), "state": .name(state.rawValue), "reason": .name(reason)])
    } else {
      log.info("pipeline", ["pipeline": .name(pipeline), "state": .name(state.rawValue)])
    }
  }

  /// Takes in an event of the runner. To be called on its thread.
  public func observe(_ event: PipelineRunner.Event) {
    switch event {
    case .started: set(.running)
    case .idle: noteIdle()
    case .committed(let report): note(report)
    case .overtaken(let table):
      meters.overtaken.add()
      log.warning("another process committed first", ["pipeline": .name(pipeline), "table": .name(table)])
    case .retrying(let error, let seconds):
      meters.retries.add()
      set(.retrying, reason: "\(error)")
      log.warning(
        "trying again", ["pipeline": .name(pipeline), "after": .seconds(seconds), "reason": .error(error)])
    case .noticed(let notice):
      log.warning("notice", ["pipeline": .name(pipeline), "notice": .name("\(notice)")])
    case .maintenanceFailed(let error):
      meters.maintenanceFailures.add()
      log.warning("small files are left as they are", ["pipeline": .name(pipeline), "reason": .error(error)])
    }
  }

  /// Makes files, bytes and versions of the tables part of the metrics.
  public func watch(_ tables: [String: DeltaTable], in metrics: MetricRegistry) {
    let figures = TableMeters(metrics, pipeline: pipeline, tables: tables)
    metrics.onCollect { figures.collect() }
  }

  private func noteIdle() {
    let wasBehind = state.withLock { figures in
      defer {
        figures.lagRecords = figures.lagRecords == nil ? nil : 0
        figures.lagSeconds = figures.lagSeconds == nil ? nil : 0
      }
      return (figures.lagSeconds ?? 0) > 0 || (figures.lagRecords ?? 0) > 0
    }
    guard wasBehind else { return }
    meters.setLag(records: 0, seconds: 0)
    health.didCommit(pipeline, lagRecords: 0, lagSeconds: 0, isCommit: false)
  }

  private func note(_ report: BatchReport) {
    let now = clock()
    let lagSeconds = report.oldestArrival.map { max(0, Double(now - $0) / 1e6) }
    let quarantined = report.rows[quarantine] ?? 0
    state.withLock { figures in
      figures.take(report, quarantined: quarantined, now: now, lagSeconds: lagSeconds)
    }
    meters.take(report, quarantined: quarantined, lagSeconds: lagSeconds, now: now)
    health.didCommit(pipeline, lagRecords: report.waitingRecords, lagSeconds: lagSeconds)
    log.debug(
      report.isCatchUp ? "tables brought level" : "micro-batch committed",
      [
        "pipeline": .name(pipeline), "records": .count(report.records), "quarantined": .count(quarantined),
        "duplicates": .count(report.duplicates), "seconds": .seconds(report.totalSeconds),
        "waiting": .count(report.waitingRecords ?? 0),
      ])
    for (rule, count) in report.breaches.sorted(by: { $0.key < $1.key }) {
      log.debug("rule broken", ["pipeline": .name(pipeline), "rule": .name(rule), "rows": .count(count)])
    }
  }
}

extension BatchReport {
  /// From the first record's reading to the last table's commit, without the files that are written meanwhile, seconds.
  public var totalSeconds: Double {
    seconds.reduce(0) { $1.key.hasPrefix("write ") ? $0 : $0 + $1.value }
  }
}
