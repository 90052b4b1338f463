internal import DeltaLake
internal import DuckDB
internal import Foundation
public import Models
public import Pipelines

/// Takes records of bronze through the pipeline's SQL and models as they are now, and puts the rows in the place of the old
/// ones: one commit, so one new version, for each table behind bronze.
///
/// The work is done beside the lake, on shallow clones of its tables from which the rows in question have gone. To the
/// runtime these are tables that lag after a crash: the catch-up fills them by the very functions of the live stream, with
/// its books, its deduplication against the rows that stay, its watermark and recent readings, and in bounded memory. Then
/// the difference is committed. Until that moment readers see the old rows; afterwards `--version` shows them still.
public struct Replay {
  /// What a replay did.
  public struct Outcome: Sendable, Hashable {
    /// A table's new version and its rows before and after.
    public struct Table: Sendable, Hashable {
      /// The version that the table has now.
      public var version: Int64
      /// Rows before the replay.
      public var before: Int64
      /// Rows after it.
      public var after: Int64
    }

    /// Records of bronze that were taken again.
    public var records: Int64 = 0
    /// The tables behind bronze.
    public var tables: [String: Table] = [:]
  }

  private let pipeline: Pipeline
  private let source: SourceDefinition
  private let lake: Lake
  private let registry: ModelRegistry?
  private let engine: QueryEngine
  private let shadow: Lake

  /// - Parameter engine: One that no other pipeline uses.
  public init(pipeline: Pipeline, lake: Lake, engine: QueryEngine, registry: ModelRegistry?) throws {
    guard let source = pipeline.source else { throw StreamingError.noSource(pipeline: pipeline.name) }
    self.pipeline = pipeline
    self.source = source
    self.lake = lake
    self.registry = registry
    self.engine = engine
    shadow = Lake(
      root: "\(lake.temporaryFolder)/replay-\(pipeline.name)",
      places: Dictionary(uniqueKeysWithValues: Set(pipeline.externalTables).map { ($0, lake.location(ofTable: $0)) }))
  }

  /// Replays. Nobody else may run the pipeline meanwhile: see `PipelineControl.whileHeld`.
  /// - Parameter progress: Called with the number of records after each micro-batch.
  /// - Throws: `StreamingError.cannotReplay`; errors of the tables. Nothing is changed then, unless a commit of an earlier
  ///   table succeeded: replaying again repairs that.
  public func run(from start: ReplayStart, stop: StopSignal, progress: (Int64) -> Void) throws -> Outcome {
    let own = [source.bronzeTable, source.quarantineTable] + pipeline.streamingTables.map(\.name)
    if let remote = own.first(where: { lake.location(ofTable: $0).contains("://") }) {
      throw StreamingError.cannotReplay(reason: "\(remote) is not in the local file system; copy it here first")
    }
    try? FileManager.default.removeItem(atPath: shadow.root)
    defer { try? FileManager.default.removeItem(atPath: shadow.root) }
    try shadow.prepare()
    let connection = try engine.connect(scratch: "replay")
    let identity = FlowIdentity(pipeline: pipeline.name, stream: source.stream)
    let bronze = try lake.table(named: source.bronzeTable).snapshot()
    let end = identity.positions(in: bronze.transactions)
    let span = start.span(end: end, firstAtTime: try firstOffsets(of: bronze, start, connection))
    guard !span.isEmpty else { return Outcome() }
    let originals = try clone(bronze, identity: identity, end: end, span: span, connection: connection)
    var outcome = Outcome()
    outcome.records = try fill(stop: stop, progress: progress)
    guard !stop.isStopped else { throw StreamingError.cannotReplay(reason: "it was interrupted; nothing was changed") }
    for (name, snapshot) in originals {
      outcome.tables[name] = try swap(name, snapshot, start: start)
    }
    return outcome
  }

  /// The first offset of each partition that was read at the start's time or later.
  private func firstOffsets(of bronze: Snapshot, _ start: ReplayStart, _ connection: Connection) throws -> Positions {
    guard case .time(let time) = start else { return [:] }
    let scan = try DeltaReader.scanSQL(
      bronze, columns: ["partition", "offset", "ingest_time"],
      filters: [ColumnFilter("ingest_time", .greaterOrEqual(.timestamp(microseconds: time)))])
    let rows = try connection.query(
      """
      SELECT "partition", min("offset") FROM \(scan) WHERE ingest_time >= make_timestamptz(\(time)) GROUP BY 1
      """
    ).rows()
    var positions: Positions = [:]
    for row in rows {
      if let partition = row[0].integer, let offset = row[1].integer { positions[Int32(clamping: partition)] = offset }
    }
    return positions
  }

  /// Clones every table; those behind bronze without the span's rows. Gives the versions that were cloned, in the order of
  /// commits.
  private func clone(
    _ bronze: Snapshot, identity: FlowIdentity, end: Positions, span: OffsetSpan, connection: Connection
  ) throws -> [(name: String, snapshot: Snapshot)] {
    _ = try DeltaTable.shallowClone(
      of: bronze, files: Array(bronze.files), at: shadow.location(ofTable: source.bronzeTable),
      transactions: identity.transactions(end)
        + identity.eventTimeTransactions(identity.newestEventTimes(in: bronze.transactions)))
    let isWhole = end.allSatisfy { span.ranges[$0.key]?.lowerBound == 0 }
    var before = end
    for (partition, range) in span.ranges { before[partition] = range.lowerBound }
    before = before.filter { $0.value > 0 }
    var times: [Int32: Int64] = [:]
    if !isWhole { times = try newestEventTimes(in: bronze, before: span, connection) }
    var originals: [(name: String, snapshot: Snapshot)] = []
    for name in [source.quarantineTable] + pipeline.streamingTables.map(\.name) {
      let location = lake.location(ofTable: name)
      guard DeltaTable.exists(at: location) else { continue }
      let snapshot = try DeltaTable(at: location).snapshot()
      originals.append((name, snapshot))
      let place = shadow.location(ofTable: name)
      if isWhole {
        _ = try DeltaTable.shallowClone(of: snapshot, files: [], at: place, transactions: [])
        continue
      }
      let columns = Set(snapshot.schema.fields.map { $0.name.lowercased() })
      guard columns.isSuperset(of: ["partition", "offset"]) else {
        throw StreamingError.cannotReplay(
          reason: "\(name) has no columns partition and offset, so the rows of these records cannot be found; "
            + "replay from the beginning")
      }
      let condition = RowSelection.condition(span)
      let editor = DeltaEditor(connection: connection)
      let (touched, untouched) = try editor.separate(snapshot, condition)
      let table = try DeltaTable.shallowClone(
        of: snapshot, files: untouched, at: place,
        transactions: identity.transactions(before) + identity.eventTimeTransactions(times))
      guard !touched.isEmpty else { continue }
      let scan = try DeltaReader.scanSQL(snapshot, files: touched)
      let kept = try DeltaWriter(connection: connection).write(
        "SELECT * FROM \(scan) WHERE (\(condition)) IS NOT TRUE", into: table)
      if !kept.isEmpty { _ = try table.append(kept) }
    }
    return originals
  }

  /// The newest event times of the records before the span, on which the watermark rests.
  private func newestEventTimes(
    in bronze: Snapshot, before span: OffsetSpan, _ connection: Connection
  ) throws -> [Int32: Int64] {
    guard let rule = pipeline.eventTime else { return [:] }
    let graph = GraphSQL(pipeline, source: source)
    try graph.register(on: connection)
    // What is before the span, and all of the partitions that are not in it.
    let inside = span.ranges.map { "(\"partition\" = \($0.key) AND \"offset\" >= \($0.value.lowerBound))" }
    let earlier = "(SELECT * FROM \(try DeltaReader.scanSQL(bronze)) WHERE NOT (\(inside.joined(separator: " OR "))))"
    let time = SQL.quote(identifier: rule.column)
    let rows = try connection.query(
      """
      SELECT _partition, max(epoch_us(\(time)))
      FROM (\(EventTimeJudge.withoutFuture(graph.parse(earlier), rule: rule)))
      WHERE \(RecordParser.reasonColumn) IS NULL AND \(time) IS NOT NULL GROUP BY 1
      """
    ).rows()
    var newest: [Int32: Int64] = [:]
    for row in rows {
      if let partition = row[0].integer, let time = row[1].integer { newest[Int32(clamping: partition)] = time }
    }
    return newest
  }

  /// Lets the clones catch up with bronze.
  private func fill(stop: StopSignal, progress: (Int64) -> Void) throws -> Int64 {
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: shadow, engine: engine, source: NoRecords(), registry: registry)
    var records: Int64 = 0
    try runner.run(.once, stop: stop) { event, _ in
      guard case .committed(let report) = event else { return }
      records += report.records
      progress(records)
    }
    return records
  }

  /// Commits what the clone holds instead of the original's rows.
  private func swap(
    _ name: String, _ snapshot: Snapshot, start: ReplayStart
  ) throws -> Outcome.Table {
    let table = try DeltaTable(at: lake.location(ofTable: name))
    let clone = try DeltaTable(at: shadow.location(ofTable: name))
    let (removed, added) = try table.difference(from: snapshot, to: clone)
    let before = try snapshot.rowCount() ?? 0
    let after = try clone.snapshot().rowCount() ?? 0
    guard !removed.isEmpty || !added.isEmpty else {
      return Outcome.Table(version: snapshot.version, before: before, after: after)
    }
    try table.adopt(added, from: clone)
    let replacement = Replacement(
      removed: removed, added: added, operation: "REPLAY", parameters: ["from": "\(start)"],
      metrics: ["numOutputRows": String(after)])
    switch try table.commit(replacement, on: snapshot) {
    case .committed(let version): return Outcome.Table(version: version, before: before, after: after)
    case .overtaken(let reason):
      throw StreamingError.cannotReplay(reason: "\(name) was changed meanwhile (\(reason)); replay again")
    }
  }

}

extension PipelineControl {
  /// Runs what needs the pipeline's tables for itself: asks whoever runs the pipeline to make room, and gives it back.
  /// - Throws: `StreamingError.held` if another command has the pipeline, or its holder does not make room in time.
  public func whileHeld<Result>(
    seconds: Double = 120, stop: StopSignal, _ body: () throws -> Result
  ) throws -> Result {
    guard let interrupt = try interrupt() else {
      throw StreamingError.held(pipeline: pipeline, holder: "another command")
    }
    defer { withExtendedLifetime(interrupt) {} }
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      if let lease = try lease(.exclusive) {
        defer { withExtendedLifetime(lease) {} }
        return try body()
      }
      guard ContinuousClock.now < end, !stop.isStopped else {
        throw StreamingError.held(pipeline: pipeline, holder: "a process that does not make room")
      }
      stop.wait(seconds: 0.1)
    }
  }
}
