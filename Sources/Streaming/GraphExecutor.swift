internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// Takes a micro-batch through a pipeline's graph in memory and writes the files of every table.
///
/// Each streaming table's SELECT reads the rows of the step before it from memory. Nothing is visible to readers
/// until the caller commits what `execute` returns.
final class GraphExecutor {
  let pipeline: Pipeline
  let tables: PipelineTables
  private let lake: Lake
  let connection: Connection
  private let writer: FileWriterQueue
  let graph: GraphSQL
  private(set) var deduplicators: [String: Deduplicator] = [:]
  /// The most keys for deduplication in memory, for each table.
  private let keyBudget: Int64
  /// Recent readings, by the relation's name in small letters.
  var histories: [String: RecentHistory] = [:]
  /// The histories that the micro-batch in hand has read, with the rows that it adds to them.
  var usedHistories: [String: String] = [:]
  /// Whether the version of a model that is live looks at more than one reading.
  let looksBack: (_ model: String) -> Bool
  let judge: EventTimeJudge?
  private var isCounting = false
  /// The late records of the micro-batch in hand, if there are any.
  var lateRecords: String?
  /// The newest event time of each partition before the micro-batch in hand, microseconds since 1970.
  var newestBefore: [Int32: Int64] = [:]
  /// For each table that reads its own recent readings, the columns that its rules and its history need.
  var candidateColumns: [String: String] = [:]
  var report: BatchReport

  /// The parsed records of the micro-batch in hand, as SQL that can stand in FROM.
  var records = ""
  /// The one table that reads the source, if there is one only: then records are parsed on their way into it, and
  /// never stored in between.
  private let onlyReader: String?
  /// The tables whose rows name their record.
  var withCoordinates: Set<String> = []

  /// - Parameters:
  ///   - connection: Computes the steps.
  ///   - writerConnection: Writes files at the same time; of the same database.
  init(
    pipeline: Pipeline, source: SourceDefinition, tables: PipelineTables, lake: Lake, connection: Connection,
    writerConnection: Connection, keyBudget: Int64 = Deduplicator.defaultBudget,
    looksBack: @escaping (_ model: String) -> Bool = { _ in true }
  ) {
    self.keyBudget = keyBudget
    self.looksBack = looksBack
    self.pipeline = pipeline
    self.tables = tables
    self.lake = lake
    self.connection = connection
    writer = FileWriterQueue(connection: writerConnection)
    graph = GraphSQL(pipeline, source: source)
    report = BatchReport(pipeline: pipeline.name)
    judge = pipeline.eventTime.map { EventTimeJudge(rule: $0, connection: connection) }
    let graph = graph
    let readers = pipeline.streamingTables.filter { $0.references.contains(where: graph.isSource) }
    // Event times are judged before any table sees the records.
    onlyReader = readers.count == 1 && pipeline.eventTime == nil ? readers[0].name : nil
  }

  // MARK: Preparing

  /// Opens or creates the pipeline's tables, running the graph once over no rows to learn their columns.
  func prepare() throws {
    try connection.execute("CREATE SCHEMA IF NOT EXISTS stage; CREATE SCHEMA IF NOT EXISTS state")
    try graph.register(on: connection)
    try tables.openFixedTables()
    let none = PipelineTables.bronzeColumns.map { "CAST(NULL AS \($0.type)) AS \(SQL.quote(identifier: $0.name))" }
    try FailingRecords.reset(connection)
    try parse("(SELECT \(none.joined(separator: ", ")) WHERE false)")
    if let judge { _ = try judge.judge(records, newest: [:], lateTable: Self.late) }
    for recent in pipeline.recents {
      histories[recent.name.lowercased()] = RecentHistory(
        recent, latenessSeconds: pipeline.eventTime?.allowedLatenessSeconds ?? 0, connection: connection)
    }
    var staged: Set<String> = []
    for definition in pipeline.streamingTables {
      if pipeline.readsItself(definition) { try createOwnHistories(definition) }
      try stage(definition, staged: staged, span: OffsetSpan([:]))
      try createHistories(of: definition)
      if pipeline.readsItself(definition) {
        try complete(definition, condition: nil, staged: staged, span: OffsetSpan([:]))
      }
      let columns = try connection.columns(
        of: "SELECT * EXCLUDE (\(RowSelection.violationColumn)) FROM \(rows(definition.name))")
      try requireCoordinates(definition, columns: columns)
      try requireEventTime(definition, columns: columns)
      try tables.open(definition, columns: columns)
      try expose(definition.name, condition: nil)
      staged.insert(definition.name)
    }
    try rebuildState()
  }

  private func requireCoordinates(_ definition: TableDefinition, columns: [Column]) throws {
    let names = Set(columns.map { $0.name.lowercased() })
    if names.isSuperset(of: ["partition", "offset"]) { withCoordinates.insert(definition.name) }
    let isRead = pipeline.streamingTables.contains { $0.streamInputs.contains(definition.name) }
    let selects = definition.deduplicate != nil || definition.expectations.contains { $0.action == .quarantine }
    guard isRead || selects else { return }
    for column in ["partition", "offset"] where !names.contains(column) {
      throw StreamingError.missingColumn(
        table: definition.name, column: column,
        reason: "to find its rows' records (write _\(column) AS \(column))")
    }
  }

  /// Deduplication compares event times with instants.
  private func requireEventTime(_ definition: TableDefinition, columns: [Column]) throws {
    guard let name = definition.deduplicate?.eventTime else { return }
    guard let column = columns.first(where: { $0.name.lowercased() == name.lowercased() }) else {
      throw StreamingError.missingColumn(table: definition.name, column: name, reason: "to find repeated records")
    }
    guard column.type == .timestampTZ else {
      throw StreamingError.notAnInstant(
        table: definition.name, column: column.name, type: column.type.description)
    }
  }

  /// Reads the keys of recent rows from the tables again, and recent readings when they are needed next.
  func rebuildState() throws {
    for history in histories.values { history.forget() }
    for definition in pipeline.streamingTables {
      guard let rule = definition.deduplicate else { continue }
      let deduplicator = Deduplicator(
        table: definition.name, rule: rule, identity: tables.identity, connection: connection, budget: keyBudget)
      try deduplicator.rebuild(from: try tables.table(definition.name).snapshot(), staged: rows(definition.name))
      deduplicators[definition.name] = deduplicator
    }
  }

  // MARK: Executing

  /// Writes the files of every table that the micro-batch is for, in the order in which they must be committed.
  func execute(_ batch: MicroBatch) throws -> (changes: [TableChange], report: BatchReport) {
    report = BatchReport(pipeline: pipeline.name)
    do {
      try compute(batch)
    } catch {
      // What is being written belongs to no commit; the queue must be empty before the next micro-batch.
      _ = try? writer.finish()
      throw error
    }
    var (changes, seconds) = try timed("wait for files") { try writer.finish() }
    report.seconds.merge(seconds) { $1 }
    changes.sort { rank($0.table) < rank($1.table) }
    report.records = changes.first { $0.table == tables.bronze }?.rows ?? 0
    return (changes, report)
  }

  /// Bronze first, quarantine next, then the streaming tables in graph order.
  private func rank(_ table: String) -> Int {
    if table == tables.bronze { return -2 }
    if table == tables.quarantine { return -1 }
    return pipeline.streamingTables.firstIndex { $0.name == table } ?? 0
  }

  private func compute(_ batch: MicroBatch) throws {
    isCounting = batch.counted != nil
    if batch.tables.contains(tables.bronze) {
      // Raw records hardly repeat: looking for a dictionary, or long for matches, costs half of the writing time for
      // a tenth of the size.
      writer.write(
        tables.bronze, into: try tables.table(tables.bronze),
        select: "SELECT \(Self.list(PipelineTables.bronzeColumns)) FROM \(batch.bronze)",
        options: DeltaWriter.Options(compressionLevel: 1, usesDictionaries: false))
    }
    let wantsQuarantine = batch.tables.contains(tables.quarantine)
    try timed("parse") { try parse(batch.bronze) }
    try timed("event time") { try judgeEventTimes(batch) }
    try FailingRecords.reset(connection)
    usedHistories = [:]
    var staged: Set<String> = []
    var inspected: [TableDefinition] = []
    for definition in pipeline.streamingTables {
      let isWanted = batch.tables.contains(definition.name)
      let mayReject = readsSource(definition) || definition.expectations.contains { $0.action == .quarantine }
      let isCounted = batch.counted != nil && !definition.expectations.isEmpty
      guard isWanted || isCounted || (wantsQuarantine && mayReject) else { continue }
      try timed(definition.name) {
        for recent in pipeline.recents(neededBy: definition)
        where isWanted || recent.table.lowercased() != definition.name.lowercased() {
          try prepare(recent, for: definition, staged: staged, batch: batch)
        }
        try stage(definition, staged: staged, span: batch.span)
        inspected.append(definition)
        if isCounted { try countBreaches(definition) }
        guard isWanted else { return }
        try select(definition, staged: staged, span: batch.span)
        staged.insert(definition.name)
      }
    }
    if wantsQuarantine { try timed("quarantine") { try quarantine(inspected, bronze: batch.bronze) } }
  }

  /// The rows became durable: remember their keys.
  func didCommit(_ changes: [TableChange], span: OffsetSpan) throws {
    for change in changes { try deduplicators[change.table]?.didCommit(span: span) }
    for (name, current) in usedHistories {
      try histories[name]?.didCommit(current, span: span, newest: report.newestEventTimes)
    }
  }

  /// Fields that records had since the last call and that the definition does not name.
  func takeUnknownFields() throws -> [UnknownField] { try graph.takeUnknownFields(on: connection) }

  private func parse(_ bronze: String) throws {
    if onlyReader != nil {
      records = "(\(graph.parse(bronze)))"
    } else {
      records = "stage._records"
      try connection.execute("CREATE OR REPLACE TABLE \(records) AS \(graph.parse(bronze))")
    }
  }

  /// Evaluates a table's SELECT and its rules over the rows of the step before it.
  ///
  /// Records on which the SELECT raises an error are taken out of the micro-batch and go to quarantine.
  private func stage(_ definition: TableDefinition, staged: Set<String>, span: OffsetSpan) throws {
    let select = { [self] (records: String) in
      try graph.rows(of: definition) { try relation($0, records: records, staged: staged, span: span) }
    }
    let readsItself = pipeline.readsItself(definition)
    let create = { [self] in
      if readsItself { try stageNoHistory(definition, staged: staged, span: span) }
      let columns = readsItself ? try candidateColumns(of: definition, rows: select(records)) : "*"
      try connection.execute(
        "CREATE OR REPLACE TABLE \(judged(definition)) AS SELECT \(columns) FROM (\(try select(records)))")
    }
    do {
      try create()
    } catch  where readsSource(definition) && FailingRecords.isAboutData(error) {
      try FailingRecords(connection: connection, rows: select).separate(records, for: definition, after: error)
      records = FailingRecords.others
      try create()
    }
  }

  private func readsSource(_ definition: TableDefinition) -> Bool {
    definition.references.contains { $0.isStream && graph.isSource($0) }
  }

  /// Decides which staged rows stay, and writes them.
  private func select(_ definition: TableDefinition, staged: Set<String>, span: OffsetSpan) throws {
    var metrics: [String: String] = [:]
    let inspect = { [self] in
      try countBreaches(definition)
      return try deduplicators[definition.name]?.inspect(
        staged: judged(definition), snapshot: try tables.table(definition.name).snapshot())
    }
    var outcome = try inspect()
    var condition = outcome?.condition
    if pipeline.readsItself(definition) {
      do {
        try complete(definition, condition: condition, staged: staged, span: span)
      } catch  where readsSource(definition) && FailingRecords.isAboutData(error) {
        // Columns that only now were computed fail on some records: without those, others have another history.
        try stageNoHistory(definition, staged: staged, span: span)
        let select = { [self] (records: String) in
          try graph.rows(of: definition) { try relation($0, records: records, staged: staged, span: span) }
        }
        try FailingRecords(connection: connection, rows: select).separate(records, for: definition, after: error)
        records = FailingRecords.others
        try stage(definition, staged: staged, span: span)
        outcome = try inspect()
        try complete(definition, condition: outcome?.condition, staged: staged, span: span)
      }
      // Only rows that stay were completed.
      condition = nil
    }
    if let outcome {
      metrics["numDuplicates"] = String(outcome.duplicates)
      report.duplicates += outcome.duplicates
    }
    try expose(definition.name, condition: condition)
    writer.write(
      definition.name, into: try tables.table(definition.name),
      select: "SELECT * FROM \(accepted(definition.name))", metrics: metrics)
  }

  /// Counts the rows that break each rule. Quarantine rules are counted over the few rows that break one.
  private func countBreaches(_ definition: TableDefinition) throws {
    guard !definition.expectations.isEmpty else { return }
    report.expectations.removeAll { $0.table == definition.name }
    let all = judged(definition)
    let checked = try connection.query("SELECT count(*) FROM \(all)").scalar().integer ?? 0
    let broken = "(SELECT * FROM \(all) WHERE \(RowSelection.violationColumn) IS NOT NULL)"
    for (isQuarantine, relation) in [(true, broken), (false, all)] {
      let rules = definition.expectations.filter { ($0.action == .quarantine) == isQuarantine }
      try countBreaches(of: rules, definition, in: relation, checked: checked)
    }
  }

  private func countBreaches(
    of rules: [Expectation], _ definition: TableDefinition, in relation: String, checked: Int64
  ) throws {
    guard !rules.isEmpty else { return }
    let counts = try connection.query(RowSelection.breaches(rules, staged: relation)).rows()[0]
    for (rule, value) in zip(rules, counts) {
      let failed = value.integer ?? 0
      report.expectations.append(
        ExpectationCount(
          table: definition.name, rule: rule.name, action: rule.action, checked: checked, failed: failed))
      guard failed > 0 else { continue }
      // Rows that are only counted again are in the tables already.
      if rule.action == .fail, !isCounting {
        throw StreamingError.expectationFailed(table: definition.name, rule: rule.name, rows: failed)
      }
      report.breaches["\(definition.name).\(rule.name)"] = failed
    }
  }

  private func quarantine(_ inspected: [TableDefinition], bronze: String) throws {
    var suspects = records
    if let reader = inspected.first(where: { $0.name == onlyReader && withCoordinates.contains($0.name) }) {
      // Only records that did not get into the table can be unreadable.
      suspects =
        "(\(graph.parse("(FROM \(bronze) AS b ANTI JOIN \(rows(reader.name)) USING (\"partition\", \"offset\"))")))"
    }
    let parse = """
      SELECT _partition AS "partition", _offset AS "offset", \(RecordParser.reasonColumn) AS reason
      FROM \(suspects) WHERE \(RecordParser.reasonColumn) IS NOT NULL
      """
    let violations = inspected.filter { $0.expectations.contains { $0.action == .quarantine } }.map {
      """
      SELECT "partition", "offset", \(RowSelection.violationColumn) FROM \(judged($0))
      WHERE \(RowSelection.violationColumn) IS NOT NULL
      """
    }
    let failing = "FROM \(FailingRecords.table)"
    let reasons = ([parse, failing] + violations).joined(separator: " UNION ALL ")
    try connection.execute(
      """
      CREATE OR REPLACE TABLE stage._rejected AS
      SELECT "partition", "offset", string_agg(DISTINCT reason, '; ' ORDER BY reason) AS reason
      FROM (\(reasons)) GROUP BY ALL
      """)
    let rejected = try connection.query("SELECT count(*) FROM stage._rejected").scalar().integer ?? 0
    writer.write(
      tables.quarantine, into: try tables.table(tables.quarantine),
      select: """
        SELECT raw AS record, raw_encoding AS record_encoding, reason, "source", "partition", "offset", ingest_time
        FROM \(rejected == 0 ? "(FROM \(bronze) LIMIT 0)" : bronze) AS b
        JOIN stage._rejected USING ("partition", "offset")
        """)
  }

  // MARK: Relations

  func rows(_ table: String) -> String { "stage.\(SQL.quote(identifier: table + "_rows"))" }

  func accepted(_ table: String) -> String { "stage.\(SQL.quote(identifier: table))" }

  private func expose(_ table: String, condition: String?) throws {
    let conditions = ["\(RowSelection.violationColumn) IS NULL"] + (condition.map { [$0] } ?? [])
    try connection.execute(
      """
      CREATE OR REPLACE VIEW \(accepted(table)) AS
      SELECT * EXCLUDE (\(RowSelection.violationColumn)) FROM \(rows(table))
      WHERE \(conditions.joined(separator: " AND "))
      """)
  }

  /// What an input of a SELECT stands for: the stream, a step before it, or a table of the lake.
  func relation(
    _ reference: TableReference, records: String, staged: Set<String>, span: OffsetSpan
  ) throws -> String {
    if graph.isSource(reference) { return graph.stream(of: records) }
    if let history = histories[reference.name.lowercased()], !reference.isStream { return history.relation }
    guard reference.isStream, let definition = pipeline.table(named: reference.name) else {
      return try DeltaReader.scanSQL(lake.table(named: reference.name).snapshot())
    }
    if staged.contains(definition.name) { return accepted(definition.name) }
    let snapshot = try tables.table(definition.name).snapshot()
    let scan = try DeltaReader.scanSQL(snapshot, filters: Self.pruning(span))
    return "(SELECT * FROM \(scan) WHERE \(RowSelection.condition(span)))"
  }

  /// The predicate that lets the reader skip files outside a span.
  static func pruning(_ span: OffsetSpan) -> [ColumnFilter] {
    let lowest = span.ranges.values.map(\.lowerBound).min() ?? 0
    let highest = span.ranges.values.map(\.upperBound).max() ?? 0
    return [
      ColumnFilter("offset", .greaterOrEqual(.int(lowest))), ColumnFilter("offset", .less(.int(highest))),
    ]
  }

  private static func list(_ columns: [Column]) -> String {
    columns.map { SQL.quote(identifier: $0.name) }.joined(separator: ", ")
  }

  private func timed<Result>(_ stage: String, _ body: () throws -> Result) rethrows -> Result {
    let start = ContinuousClock.now
    defer { report.seconds[stage, default: 0] += (ContinuousClock.now - start) / .seconds(1) }
    return try body()
  }
}
