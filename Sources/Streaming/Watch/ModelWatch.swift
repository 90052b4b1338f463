internal import DuckDB
internal import Foundation
public import Models
public import Pipelines

/// Watches a pipeline's models: silent trials, drift, errors and updates where outcomes arrive.
///
/// It follows committed tables with a database of its own, so that the stream never waits for it. Use it from one
/// thread; `interrupt` may be called from any.
public final class ModelWatch {
  /// What a round did.
  public struct Report: Sendable {
    /// Rows scored by versions in silent trial, by model; nothing for models without one.
    public var silentRows: [String: Int64] = [:]
    /// Figures that went into the table `model_monitoring`.
    public var figures: [MonitoringFigure] = []
    /// Labelled records that an online learner took, by model.
    public var learnedRows: [String: Int] = [:]
    /// Versions that an online learner registered, by model.
    public var newVersions: [String: String] = [:]

    /// The figures that are drift.
    public var drift: [MonitoringFigure] { figures.filter(\.isDrift) }
  }

  /// The table to which every watch adds its figures.
  public static let monitoringTable = MonitoringTable.name

  /// The pipeline.
  public let pipeline: Pipeline
  private let connection: Connection
  private let monitoring: MonitoringTable
  private let trials: [SilentTrial]
  private let drifts: [DriftWatch]
  private let errors: [ErrorWatch]
  private let learners: [OnlineLearning]
  private let models: [String]
  private let upkeep: WatchUpkeep

  /// A watch over a pipeline; nil if it has no model whose answers a streaming table holds.
  /// - Parameters:
  ///   - policy: What counts as drift.
  ///   - memoryLimitBytes: What it may hold in memory before it spills.
  public init?(
    pipeline: Pipeline, lake: Lake, registry: ModelRegistry, policy: DriftPolicy = DriftPolicy(),
    memoryLimitBytes: Int? = 1 << 30
  ) throws {
    let queries = pipeline.models.compactMap { ScoringQuery($0, of: pipeline, lake: lake) }
    guard !queries.isEmpty else { return nil }
    try lake.prepare()
    // One thread: DuckDB then works on the calling one, whose priority may be low.
    let engine = try QueryEngine(lake: lake, threads: 1, memoryLimitBytes: memoryLimitBytes)
    let connection = try engine.connect()
    let live = try queries.map { query in
      let use = ModelUse(query.model)
      return try LiveModels(
        registry,
        uses: [
          use.inSlot(query.model.name, stage: .live),
          use.inSlot(SilentTrial.slot(query.model.name), stage: .silent),
          use.inSlot(DriftWatch.slot(query.model.name), stage: .live, isObserved: true),
        ])
    }
    for models in live { try ScoringFunctions.register(models, on: connection, directory: engine.models) }
    self.pipeline = pipeline
    self.connection = connection
    models = queries.map(\.model.name)
    upkeep = WatchUpkeep(
      tables: [SilentTrial.table(pipeline.name), MonitoringTable.name], lake: lake, connection: connection)
    monitoring = MonitoringTable(lake: lake, connection: connection)
    trials = zip(queries, live).map {
      SilentTrial($0, pipeline: pipeline, lake: lake, live: $1, connection: connection)
    }
    drifts = zip(queries, live).map {
      DriftWatch($0, pipeline: pipeline, live: $1, connection: connection, policy: policy)
    }
    errors = queries.map {
      ErrorWatch($0.model, table: $0.table, pipeline: pipeline, lake: lake, connection: connection)
    }
    learners = try queries.compactMap {
      try OnlineLearning($0, lake: lake, registry: registry, connection: connection)
    }
  }

  /// Notes where the tables are: trials and windows begin with what comes from now on. To be called before the pipeline
  /// runs.
  public func begin() throws { _ = try round(closing: false) }

  /// Looks at what has come since the last round.
  /// - Parameter closing: The stream ends: windows that are full enough are judged as they are.
  @discardableResult
  public func round(closing: Bool) throws -> Report {
    var report = Report()
    for (index, model) in models.enumerated() {
      if let rows = try trials[index].round() { report.silentRows[model] = rows }
      report.figures += try drifts[index].round(closing: closing)
      report.figures += try errors[index].round()
    }
    for learner in learners {
      let outcome = try learner.round()
      if outcome.rows > 0 { report.learnedRows[learner.model] = outcome.rows }
      if let version = outcome.version { report.newVersions[learner.model] = version }
    }
    try monitoring.append(report.figures, time: Int64(Date().timeIntervalSince1970 * 1e6))
    try upkeep.round()
    return report
  }

  /// Stops the running query, which then throws. From any thread.
  public var interrupt: @Sendable () -> Void {
    let connection = connection
    return { connection.interrupt() }
  }
}
