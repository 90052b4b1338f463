public import DuckDB
public import DeltaLake
internal import Foundation
internal import Lineage
public import Models
public import Pipelines

/// Runs one pipeline: takes micro-batches from its source through the graph and commits them, exactly once.
///
/// `run` blocks its thread. All state lives in the tables: after a crash a new runner reads the tables' positions,
/// repairs the tables that lag, and goes on where the source's records were last committed.
public final class PipelineRunner {
  /// How long to run.
  public enum Mode: Sendable, Hashable {
    /// Until the source has given everything that it holds now.
    case once
    /// Until the stop signal.
    case continuous
  }

  /// Something that happened while running.
  public enum Event: Sendable {
    /// The tables are repaired and the source is being read.
    case started
    /// Nothing waits in the source.
    case idle
    /// A micro-batch is durable in every table.
    case committed(BatchReport)
    /// Another process committed the same records first; this one starts again from the tables.
    case overtaken(table: String)
    /// Something outside failed; it is tried again after the pause.
    case retrying(any Error, afterSeconds: Double)
    /// Something that somebody should know; each once in a run.
    case noticed(Notice)
    /// Small files could not be joined or old ones not deleted; the stream goes on.
    case maintenanceFailed(any Error)
  }

  /// Reads the rows of the last committed micro-batch, by table name, on the runner's thread.
  public struct BatchView {
    let connection: Connection

    /// Runs a query in which `stage.TABLE` is what the last micro-batch added to the streaming table TABLE.
    public func query(_ sql: String) throws -> [[Value]] { try connection.query(sql).rows() }
  }

  /// DuckDB's tasks are 122,880 rows of a table; a micro-batch of fewer is one task in each of its statements.
  private static let recordsForWorkers = 122_880

  private let pipeline: Pipeline
  private let lake: Lake
  private var source: any RecordSource
  private let engine: QueryEngine
  private let connection: Connection
  private let tables: PipelineTables
  let executor: GraphExecutor
  private let scan: RecordBatchScan
  private let scanFunction: String
  private let models: LiveModels?
  private var size: BatchSize
  let maintenance: TableMaintenance
  private let expectations: ExpectationLog?
  private var noticed: Set<Notice> = []
  private var unknownFieldsTime: ContinuousClock.Instant?

  /// A runner that has opened, and where needed created, every table of the pipeline.
  /// - Parameters:
  ///   - engine: The query engine; the runner makes its own connection.
  ///   - source: The records; the runner alone uses it.
  ///   - registry: Where the models are that the pipeline's SQL uses.
  public convenience init(
    pipeline: Pipeline, lake: Lake, engine: QueryEngine, source: any RecordSource, registry: ModelRegistry?
  ) throws {
    try self.init(
      pipeline: pipeline, lake: lake, engine: engine, source: source, registry: registry,
      maintenance: TableMaintenance.Schedule())
  }

  init(
    pipeline: Pipeline, lake: Lake, engine: QueryEngine, source: any RecordSource, registry: ModelRegistry?,
    maintenance schedule: TableMaintenance.Schedule, keyBudget: Int64 = Deduplicator.defaultBudget
  ) throws {
    guard let definition = pipeline.source else { throw StreamingError.noSource(pipeline: pipeline.name) }
    self.pipeline = pipeline
    self.lake = lake
    self.source = source
    self.engine = engine
    try lake.prepare()
    let connection = try engine.connect(scratch: pipeline.name)
    self.connection = connection
    let models = try registry.flatMap {
      try Self.liveModels(pipeline, registry: $0, engine: engine, connection: connection)
    }
    self.models = models
    // Functions belong to the whole engine, where other pipelines may run.
    scanFunction = "source_records_\(pipeline.name)"
    scan = try connection.registerRecordBatch(name: scanFunction)
    tables = PipelineTables(
      pipeline: pipeline, source: definition, lake: lake,
      catalogue: Catalogue([pipeline], lake: lake, connection: connection))
    executor = GraphExecutor(
      pipeline: pipeline, source: definition, tables: tables, lake: lake, connection: connection,
      writerConnection: try engine.connect(scratch: pipeline.name), keyBudget: keyBudget,
      looksBack: { models?.looksBack($0) ?? false })
    size = BatchSize(
      maximum: BatchLimit(records: pipeline.trigger.maxRecords, bytes: pipeline.trigger.maxBytes),
      intervalSeconds: pipeline.trigger.intervalSeconds)
    try executor.prepare()
    expectations = try ExpectationLog(pipeline, identity: tables.identity, lake: lake, connection: connection)
    maintenance = try TableMaintenance(
      tables: tables, splits: lake.splitsLocation(pipeline: pipeline.name),
      expectations: expectations == nil ? nil : lake.location(ofTable: ExpectationLog.table), lake: lake,
      schedule: schedule)
  }

  /// Gives the runner a source for its next `run`, which closed the one before.
  public func attach(_ source: any RecordSource) { self.source = source }

  /// Every table that the pipeline writes, by name.
  public var deltaTables: [String: DeltaTable] { tables.tables }

  private static func liveModels(
    _ pipeline: Pipeline, registry: ModelRegistry, engine: QueryEngine, connection: Connection
  ) throws -> LiveModels? {
    guard !pipeline.models.isEmpty else { return nil }
    for model in pipeline.models where try !model.isOptional && registry.liveVersion(of: model.name) == nil {
      throw StreamingError.noLiveModel(name: model.name, pipeline: pipeline.name)
    }
    return try ScoringFunctions.register(
      registry, on: connection, uses: pipeline.models.map(ModelUse.init), directory: engine.models)
  }

  /// Runs until the mode or the signal ends it, then closes the source.
  ///
  /// In continuous mode a failure outside the pipeline (a broker that is away, a full disk) is reported and tried
  /// again with growing pauses; a failure that waiting cannot mend is thrown. Once-mode throws every failure.
  public func run(_ mode: Mode, stop: StopSignal, observe: (Event, BatchView) -> Void) throws {
    defer { source.close() }
    let view = BatchView(connection: connection)
    maintenance.start()
    defer {
      if let error = maintenance.stop(lastRound: mode == .once) { observe(.maintenanceFailed(error), view) }
    }
    defer {
      // What cannot be written now is counted again at the next start.
      _ = try? expectations?.write(isDue: true)
    }
    var failures = 0
    while !stop.isStopped {
      do {
        try recover(stop: stop) { observe(.committed($0), view) }
        observe(.started, view)
        if try flow(
          mode, stop: stop,
          observe: { event in
            failures = 0
            observe(event, view)
          })
        {
          return
        }
      } catch let error where mode == .continuous && Outage.mayPass(error) {
        failures += 1
        let pause = min(30, 0.5 * Double(1 << min(failures, 10)))
        observe(.retrying(error, afterSeconds: pause), view)
        stop.wait(seconds: pause)
      }
    }
  }

  // MARK: Notices

  /// Says what has changed about tables and records, each thing once; looks at most once a second.
  private func notice(observe: (Event) -> Void) throws {
    let now = ContinuousClock.now
    if let unknownFieldsTime, now - unknownFieldsTime < .seconds(1) { return }
    unknownFieldsTime = now
    let fields = try executor.takeUnknownFields()
    let stream = pipeline.source?.stream ?? pipeline.name
    for notice in tables.notices + fields.map({ .unknownField(stream: stream, $0) })
    where noticed.insert(notice).inserted {
      observe(.noticed(notice))
    }
  }

  // MARK: Recovery

  /// Repairs the tables that lag behind bronze, then goes to bronze's positions in the source.
  private func recover(stop: StopSignal, observe: (BatchReport) -> Void) throws {
    scan.clear()
    try executor.rebuildState()
    expectations?.forget()
    while !stop.isStopped {
      let positions = try tables.positions()
      // What lags in a partition of another process is being committed by it at this moment.
      let owned = source.ownedPartitions
      let ours = positions.bronze.filter { owned?.contains($0.key) ?? true }
      guard let step = CatchUpStep.next(bronze: ours, tables: positions.others) else {
        if try !countAgain(upTo: ours) { continue }
        try source.start(from: positions.bronze)
        return
      }
      guard let report = try catchUp(step) else { continue }
      observe(report)
    }
  }

  /// Counts what rules found in records whose counts a crash lost. False: there is more, or another process is at it.
  private func countAgain(upTo bronze: Positions) throws -> Bool {
    guard let expectations else { return true }
    let written = try expectations.positions()
    guard let step = CatchUpStep.next(bronze: bronze, tables: [ExpectationLog.table: written]) else { return true }
    var (batch, _) = try slice(step)
    batch.tables = []
    batch.counted = try expectations.newestEventTimes()
    let report = try executor.execute(batch).report
    if try expectations.note(report, span: batch.span) { _ = try expectations.write(isDue: true) }
    return false
  }

  /// One repair step, at most a micro-batch's worth of records; nil if another process was faster.
  private func catchUp(_ step: CatchUpStep) throws -> BatchReport? {
    let (batch, count) = try slice(step)
    var result = try executor.execute(batch)
    result.report.isCatchUp = true
    result.report.records = min(count, Int64(size.records))
    return try commit(result.changes, span: batch.span, report: &result.report) == nil ? result.report : nil
  }

  /// The rows of bronze that a repair step begins with, at most a micro-batch's worth, and the number of all.
  private func slice(_ step: CatchUpStep) throws -> (batch: MicroBatch, count: Int64) {
    let snapshot = try tables.table(tables.bronze).snapshot()
    let whole = OffsetSpan([step.partition: step.range])
    let scan = try DeltaReader.scanSQL(snapshot, filters: GraphExecutor.pruning(whole))
    let last = try connection.query(
      """
      SELECT max("offset") FROM (SELECT "offset" FROM \(scan) WHERE \(RowSelection.condition(whole))
      ORDER BY "offset" LIMIT \(size.records))
      """
    ).scalar().integer
    // A span without any record left, or the rest of the range fits: go to its end.
    let count =
      try connection.query(
        "SELECT count(*) FROM \(scan) WHERE \(RowSelection.condition(whole))"
      ).scalar().integer ?? 0
    let end = count > Int64(size.records) ? (last ?? step.range.upperBound - 1) + 1 : step.range.upperBound
    let span = OffsetSpan([step.partition: step.range.lowerBound..<end])
    let batch = MicroBatch(
      bronze: "(SELECT * FROM \(scan) WHERE \(RowSelection.condition(span)))", span: span, tables: step.tables)
    return (batch, count)
  }

  // MARK: The flow

  /// Reads and commits micro-batches. True: the end was reached; false: start again from the tables.
  private func flow(_ mode: Mode, stop: StopSignal, observe: (Event) -> Void) throws -> Bool {
    while !stop.isStopped {
      let start = ContinuousClock.now
      if let error = maintenance.commitReady() { observe(.maintenanceFailed(error)) }
      let wait = mode == .once ? 0.2 : max(0.05, min(1, pipeline.trigger.intervalSeconds))
      let next: SourceBatch?
      do {
        next = try source.next(limit: size.limit, deadline: start + .seconds(wait))
      } catch is PartitionsMoved {
        return false
      }
      for text in source.takeNotices() { observe(.noticed(.source(text))) }
      guard let records = next else {
        if mode == .once, try source.isExhausted() { return true }
        observe(.idle)
        continue
      }
      let readSeconds = (ContinuousClock.now - start) / .seconds(1)
      var (report, overtakenTable) = try process(records)
      if let overtakenTable {
        observe(.overtaken(table: overtakenTable))
        return false
      }
      report.seconds["read"] = readSeconds
      report.oldestArrival = records.oldestArrival
      report.waitingRecords = source.waitingRecords()
      try notice(observe: observe)
      let isCounted = try count(report, span: OffsetSpan(from: records.first, to: records.next))
      source.didCommit(records.next)
      report.batchLimit = size.records
      observe(.committed(report))
      size.took(
        records.records.count, seconds: report.totalSeconds, isCut: records.hasMore,
        lagSeconds: report.oldestArrival.map { Double(LandingSource.systemClock() - $0) / 1e6 })
      maintenance.didCommitBatch()
      if !isCounted { return false }
      if mode == .continuous, !records.hasMore {
        stop.wait(seconds: pipeline.trigger.intervalSeconds - (ContinuousClock.now - start) / .seconds(1))
      }
    }
    return true
  }

  /// Gathers what rules found, and writes it now and then. False: start again from the tables.
  private func count(_ report: BatchReport, span: OffsetSpan) throws -> Bool {
    guard let expectations else { return true }
    return try expectations.note(report, span: span) && expectations.write()
  }

  private func process(_ records: SourceBatch) throws -> (report: BatchReport, overtaken: String?) {
    _ = try models?.refresh()
    try engine.usesWorkers(records.records.count >= Self.recordsForWorkers, on: connection)
    scan.bind(records.records)
    defer { scan.clear() }
    // The only clock that reaches a table: every later step reads it from bronze.
    let now = Int64(Date().timeIntervalSince1970 * 1e6)
    let span = OffsetSpan(from: records.first, to: records.next)
    let batch = MicroBatch(
      bronze: """
        (SELECT raw, raw_encoding, "source", "partition", "offset", make_timestamptz(\(now)) AS ingest_time
        FROM \(SQL.quote(identifier: scanFunction))())
        """,
      span: span, tables: Set(tables.tables.keys))
    var result = try executor.execute(batch)
    let overtaken = try commit(result.changes, span: span, report: &result.report)
    return (result.report, overtaken)
  }

  /// Commits the changes, bronze first. Returns the table that another process had committed already, if any.
  private func commit(_ changes: [TableChange], span: OffsetSpan, report: inout BatchReport) throws -> String? {
    let start = ContinuousClock.now
    let transactions = tables.identity.transactions(span.next)
    let starts = span.ranges.map { (tables.identity.appId(partition: $0.key), $0.value.lowerBound) }
    let continuing = Dictionary(uniqueKeysWithValues: starts)
    CrashPoint.filesWritten.reached()
    for (index, change) in changes.enumerated() {
      let table = try tables.table(change.table)
      let known = tables.identity.newestEventTimes(in: try table.snapshot().transactions)
      let newer = report.newestEventTimes.filter { $0.value > known[$0.key] ?? .min }
      let outcome = try table.append(
        change.files, transactions: transactions + tables.identity.eventTimeTransactions(newer),
        continuing: continuing, operation: "STREAMING UPDATE", metrics: change.metrics)
      switch outcome {
      case .committed(let version):
        report.rows[change.table] = change.rows
        report.versions[change.table] = version
        report.written[change.table] = (change.files.count, change.files.reduce(0) { $0 + $1.size })
        report.committedAt[change.table] = LandingSource.systemClock()
        CrashPoint.committed(index + 1)?.reached()
      case .stale:
        return change.table
      }
    }
    CrashPoint.allCommitted.reached()
    try executor.didCommit(changes, span: span)
    report.seconds["commit"] = (ContinuousClock.now - start) / .seconds(1)
    return nil
  }
}
