internal import DeltaLake
internal import DuckDB
internal import Lineage
public import Models
public import Pipelines

/// Brings the materialized views of one pipeline up to date with the tables that they read.
///
/// A refresh compares the versions of the inputs that a view reflects, which its table holds, with their newest. It finds
/// the partitions, or the keys of rows, that changed rows touch, computes these from all the inputs' rows that belong to
/// them, and replaces them in one commit, which holds the new positions too. A refresh that is cut off leaves nothing but files
/// that no version names; one that is repeated finds nothing to do. Of two processes that refresh one view at once, one
/// commits, and the other looks again.
///
/// Use it from one thread; `interrupt` may be called from any.
public final class ViewRefresher {
  /// How much to compute.
  public enum Mode: Sendable, Hashable {
    /// What changes of the inputs touch.
    case incremental
    /// Every row.
    case full
  }

  /// How often a refresh is worked out again before another process's being faster is an error.
  private static let attempts = 20

  /// Versions of an input that brought no rows, after which the position is written all the same: the log that tells so
  /// does not last for ever.
  private static let idleLag: Int64 = 500

  /// The pipeline.
  public let pipeline: Pipeline
  let lake: Lake
  private let registry: ModelRegistry?
  let engine: (any ViewEngine)?
  let connection: Connection
  private var models: LiveModels?
  private var probing: Connection?
  private var tables: [String: DeltaTable] = [:]
  /// What is known of the pipeline's tables; made when the first view is written.
  private lazy var catalogue = Catalogue([pipeline], lake: lake, connection: connection)
  private var lineages: [LineageKey: (inputs: [String: String], lineage: ViewLineage)] = [:]
  /// Called between the writing of a view's files and its commit.
  var willCommit: (() throws -> Void)?

  /// A refresher with a database of its own, so that it neither sees nor delays what runs elsewhere.
  /// - Parameters:
  ///   - registry: Where the models are that the views' SQL asks.
  ///   - threads: Threads of its database, the calling one among them; nil: one per processor.
  ///   - memoryLimitBytes: What it may hold in memory before it spills; nil: 80 % of the machine's.
  ///   - engine: Computes the rows in place of the embedded engine, each view as a whole.
  public init(
    pipeline: Pipeline, lake: Lake, registry: ModelRegistry?, threads: Int? = nil, memoryLimitBytes: Int? = nil,
    engine: (any ViewEngine)? = nil
  ) throws {
    self.pipeline = pipeline
    self.engine = engine
    self.lake = lake
    self.registry = registry
    try lake.prepare()
    connection = try QueryEngine(lake: lake, threads: threads, memoryLimitBytes: memoryLimitBytes).connect()
  }

  /// Stops the running query, which then throws. From any thread.
  public var interrupt: @Sendable () -> Void {
    let connection = connection
    return { connection.interrupt() }
  }

  /// Brings one view up to date; those that it reads must be brought up to date before.
  /// - Throws: `StreamingError`, and errors of the SQL and of the store. The view's table is then as it was.
  public func refresh(_ view: TableDefinition, _ mode: Mode = .incremental) throws -> ViewReport {
    let start = ContinuousClock.now
    var overtaken = 0
    while true {
      let attempt: ViewReport?
      do {
        attempt = try self.attempt(view, mode)
      } catch {
        // A table whose folder was made anew is opened anew.
        tables = [:]
        throw error
      }
      if var report = attempt {
        report.overtaken = overtaken
        report.seconds = (ContinuousClock.now - start) / .seconds(1)
        return report
      }
      overtaken += 1
      guard overtaken < Self.attempts else {
        throw StreamingError.overtaken(pipeline: pipeline.name, table: view.name)
      }
    }
  }

  /// The tables of which a change makes a view be computed whole, because nothing proves which partitions or keys their rows
  /// belong to; nil if a table or model that it needs does not exist yet, so that nobody can tell.
  public func tablesWithoutPartitions(of view: TableDefinition) throws -> [String]? {
    guard try prepareModels(ViewState.models(of: view, in: pipeline)) == nil,
      let inputs = try inputs(of: view).snapshots
    else { return nil }
    let partitions = try lineage(of: view, inputs, by: .partitions)
    let keys = try lineage(of: view, inputs, by: .keys)
    return partitions.tables.filter { !partitions.tellsKeys($0) && !keys.tellsKeys($0) }
  }

  // MARK: One attempt

  private func attempt(_ view: TableDefinition, _ mode: Mode) throws -> ViewReport? {
    let asked = try ViewState.models(of: view, in: pipeline)
    if let missing = try prepareModels(asked) {
      return ViewReport(view: view.name, outcome: .waiting("model \(missing)"))
    }
    let found = try inputs(of: view)
    guard let inputs = found.snapshots else {
      return ViewReport(view: view.name, outcome: .waiting("table \(found.missing ?? "")"))
    }
    let lineage = try lineage(of: view, inputs, by: .partitions)
    let versions = try asked.reduce(into: [:]) { $0[$1] = try models?.model($1)?.card.version }
    let fingerprint = try ViewState.fingerprint(
      of: view, in: pipeline, columns: lineage.columns, modelVersions: versions)
    let table = try open(view, lineage)
    let work = Work(
      view: view, table: table, base: try table.snapshot(), inputs: inputs, lineage: lineage, fingerprint: fingerprint)
    switch try plan(work, mode) {
    case .nothing(let lag):
      guard lag > Self.idleLag else { return report(work, .unchanged, version: work.base.version) }
      return try commit(Replacement(removed: [], added: [], operation: "REFRESH"), work, .unchanged, as: nil)
    case .whole(let reason): return try commit(work, .whole(reason), touched: nil)
    case .partitions(let touched, let count): return try commit(work, .partitions(count), touched: touched)
    case .keys(let touched, let count): return try commit(work, .keys(count), touched: touched)
    }
  }

  /// Everything that one attempt rests on.
  struct Work {
    var view: TableDefinition
    var table: DeltaTable
    var base: Snapshot
    /// By name in small letters.
    var inputs: [String: Snapshot]
    var lineage: ViewLineage
    var fingerprint: String

    func input(_ name: String) throws -> Snapshot {
      guard let snapshot = inputs[name.lowercased()] else { throw StreamingError.unknownTable(name: name, lake: "") }
      return snapshot
    }
  }

  /// Computes, writes and commits; nil if another writer was faster.
  private func commit(_ work: Work, _ outcome: ViewReport.Outcome, touched: TouchedKeys?) throws -> ViewReport? {
    let definition = touched == nil ? try redefined(work) : nil
    var select = try engine.map { try computed(work, on: $0) } ?? select(work, touched)
    switch try comparison(work, select, outcome) {
    case .none: break
    case .same:
      return try commit(Replacement(removed: [], added: [], operation: "REFRESH"), work, .unchanged, as: nil)
    case .different(let computed): select = computed
    }
    var removed = Array(work.base.files)
    if let touched {
      if case .keys = outcome {
        removed = try touched.filesWithRows(of: work.base)
        if !removed.isEmpty { select = try keeping(removed, of: work, besides: select, touched) }
      } else {
        removed = try touched.files(of: work.base)
      }
      select = Self.ordered(select, work.view)
    }
    let added = try DeltaWriter(connection: connection).write(select, into: work.table, as: definition ?? work.base)
    try willCommit?()
    var replacement = Replacement(removed: removed, added: added, operation: "REFRESH")
    switch outcome {
    case .partitions(let count):
      replacement.parameters["mode"] = "partitions"
      replacement.metrics["numPartitions"] = String(count)
    case .keys(let count):
      replacement.parameters["mode"] = "keys"
      replacement.metrics["numKeys"] = String(count)
    case .whole(let reason):
      replacement.parameters["mode"] = "whole"
      replacement.parameters["reason"] = reason
    case .unchanged, .waiting: break
    }
    return try commit(replacement, work, outcome, as: definition)
  }

  func commit(
    _ replacement: Replacement, _ work: Work, _ outcome: ViewReport.Outcome, as definition: Snapshot?
  ) throws -> ViewReport? {
    var replacement = replacement
    let rows = replacement.added.reduce(0) { $0 + ($1.rowCount ?? 0) }
    replacement.metrics["numOutputRows"] = String(rows)
    replacement.transactions = [ViewState(work.base).next]
    replacement.positions = try work.lineage.tables.map { name in
      let input = try work.input(name)
      return AppTransaction(appId: ViewState.appId(input: name, id: input.metadata.id), version: input.version)
    }
    replacement.parameters["inputs"] = try work.lineage.tables.map { "\($0) \(try work.input($0).version)" }
      .joined(separator: ", ")
    switch try work.table.commit(replacement, on: work.base, as: definition) {
    case .committed(let version): return report(work, outcome, version: version, rows: rows)
    case .overtaken: return nil
    }
  }

  /// The SQL of the computed rows, in the view's order where it is the whole view.
  private func select(_ work: Work, _ touched: TouchedKeys?) throws -> String {
    var place = 0
    let rows = try pipeline.select(work.view) { reference in
      defer { place += 1 }
      let snapshot = try work.input(reference.name)
      if let touched, touched.lineage.inputs[place].tellsKeys {
        return try touched.rows(of: snapshot, at: touched.lineage.inputs[place])
      }
      return try DeltaReader.scanSQL(snapshot)
    }
    let select = "SELECT \(Self.list(work.lineage.columns)) FROM (\(rows)\n) AS v"
    return touched.map { "\(select) \($0.join())" } ?? Self.ordered(select, work.view)
  }

  /// The columns as they are stored: DuckDB adds whole numbers up in 128 bits, Spark and Delta tables in 64.
  static func list(_ columns: [Column]) -> String {
    columns.map { column in
      let name = "v.\(SQL.quote(identifier: column.name))"
      return column.type == stored(column.type)
        ? name : "CAST(\(name) AS \(stored(column.type).description)) AS \(SQL.quote(identifier: column.name))"
    }.joined(separator: ", ")
  }

  static func stored(_ type: LogicalType) -> LogicalType {
    type == .hugeint || type == .uhugeint || type == .ubigint ? .bigint : type
  }

  func report(
    _ work: Work, _ outcome: ViewReport.Outcome, version: Int64, rows: Int64 = 0
  ) -> ViewReport {
    var report = ViewReport(view: work.view.name, outcome: outcome)
    report.version = version
    report.rows = rows
    for name in work.lineage.tables { report.inputs[name] = work.inputs[name.lowercased()]?.version }
    return report
  }

  // MARK: What it rests on

  private func inputs(of view: TableDefinition) throws -> (snapshots: [String: Snapshot]?, missing: String?) {
    var snapshots: [String: Snapshot] = [:]
    var missing: String?
    _ = try pipeline.select(view) { reference in
      let name = reference.name.lowercased()
      if snapshots[name] == nil, missing == nil {
        if DeltaTable.exists(at: lake.location(ofTable: reference.name)) {
          snapshots[name] = try inputTable(reference.name).snapshot()
        } else {
          tables[name] = nil
          missing = reference.name
        }
      }
      return ""
    }
    return missing == nil ? (snapshots, nil) : (nil, missing)
  }

  /// The table of an input. It is kept open, unless its folder was made anew.
  func inputTable(_ name: String) throws -> DeltaTable {
    if let table = tables[name.lowercased()] { return table }
    let table = try lake.table(named: name)
    tables[name.lowercased()] = table
    return table
  }

  /// By what a view may be computed piecewise.
  enum Pieces {
    case partitions
    case keys
  }

  private struct LineageKey: Hashable {
    var view: String
    var pieces: Pieces
  }

  func lineage(of view: TableDefinition, _ inputs: [String: Snapshot], by pieces: Pieces) throws -> ViewLineage {
    let schemas = inputs.mapValues(\.metadata.schemaString)
    let key = LineageKey(view: view.name, pieces: pieces)
    if let known = lineages[key], known.inputs == schemas { return known.lineage }
    let probing = try self.probing ?? LineageFinder.probingConnection(models: models)
    self.probing = probing
    let lineage = try LineageFinder(view, of: pipeline, probing: probing) { name in
      guard let snapshot = inputs[name.lowercased()] else {
        throw StreamingError.unknownTable(name: name, lake: lake.root)
      }
      return try connection.columns(of: "SELECT * FROM \(try DeltaReader.scanSQL(snapshot, files: []))")
    }.find(by: view.partitionedBy, with: pieces == .keys ? Self.keyColumn(of: view) : nil)
    lineages[key] = (schemas, lineage)
    return lineage
  }

  /// Opens the view's table, or makes it without rows.
  private func open(_ view: TableDefinition, _ lineage: ViewLineage) throws -> DeltaTable {
    let location = lake.location(ofTable: view.name)
    let table: DeltaTable
    if DeltaTable.exists(at: location) {
      table = try DeltaTable(at: location)
    } else {
      table = try DeltaTable.create(
        at: location, schema: try schema(view, lineage), partitionColumns: try partitionColumns(view, lineage),
        name: view.name, description: catalogue[view.name].summary, configuration: properties(view))
    }
    guard ViewState(try table.snapshot()).owner == pipeline.name else {
      throw StreamingError.notAView(table: view.name, pipeline: pipeline.name)
    }
    // A definition in hand that makes other columns writes them with the rows.
    if try table.snapshot().schema.names == lineage.columns.map(\.name) {
      try table.describe(TableDescription(catalogue[view.name]))
    }
    return table
  }

  private func schema(_ view: TableDefinition, _ lineage: ViewLineage) throws -> Schema {
    try Schema(columns: lineage.columns.map { ($0.name, Self.stored($0.type).description) })
      .described(by: TableDescription(catalogue[view.name]))
  }

  /// The partition columns as the view's SQL spells them.
  private func partitionColumns(_ view: TableDefinition, _ lineage: ViewLineage) throws -> [String] {
    try view.partitionedBy.map { name in
      guard let column = lineage.columns.first(where: { $0.name.lowercased() == name.lowercased() }) else {
        throw StreamingError.missingColumn(table: view.name, column: name, reason: "to divide the table by")
      }
      return column.name
    }
  }

  private func properties(_ view: TableDefinition) -> [String: String] {
    var properties = TableMaintenance.tableProperties
    // A refresh replaces whole files, often: nobody reads old ones for long.
    properties["delta.deletedFileRetentionDuration"] = "interval 1 hours"
    properties.merge(view.properties) { $1 }
    properties.merge(TableDescription(catalogue[view.name]).properties) { $1 }
    properties[ViewState.ownerProperty] = pipeline.name
    properties[Snapshot.clusterProperty] = view.clusteredBy.joined(separator: ",")
    return properties
  }

  /// The table with the columns, partitioning and properties of the definition in hand.
  private func redefined(_ work: Work) throws -> Snapshot {
    var properties = work.view.properties
    properties[Snapshot.clusterProperty] = work.view.clusteredBy.joined(separator: ",")
    properties[ViewState.definitionProperty] = work.fingerprint
    return try work.base.redefined(
      schema: try schema(work.view, work.lineage), partitionColumns: try partitionColumns(work.view, work.lineage),
      description: catalogue[work.view.name].summary, properties: properties)
  }

  /// Makes the models known that a view asks, in their live versions. Returns the name of one that has none.
  private func prepareModels(_ names: [String]) throws -> String? {
    guard !names.isEmpty, let registry else { return names.first }
    if let models {
      _ = try models.refresh()
      return nil
    }
    var all: Set<String> = []
    for view in pipeline.materializedViews { all.formUnion(try ViewState.models(of: view, in: pipeline)) }
    let asked = pipeline.models.filter { all.contains($0.name) }
    for model in asked where try !model.isOptional && registry.liveVersion(of: model.name) == nil { return model.name }
    models = try ScoringFunctions.register(registry, on: connection, uses: asked.map(ModelUse.init))
    probing = nil
    return nil
  }
}
