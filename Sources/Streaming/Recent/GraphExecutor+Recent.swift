internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// Event times and recent readings of a micro-batch.
extension GraphExecutor {
  static let late = "stage._late"

  /// Finds records that are late; the watermark comes from the tables that the micro-batch is for.
  func judgeEventTimes(_ batch: MicroBatch) throws {
    lateRecords = nil
    guard let judge else { return }
    newestBefore = batch.counted ?? [:]
    let names = batch.tables.contains(tables.bronze) ? [tables.bronze] : batch.tables.sorted()
    for name in names {
      let transactions = try tables.table(name).snapshot().transactions
      newestBefore.merge(tables.identity.newestEventTimes(in: transactions)) { max($0, $1) }
    }
    let outcome = try judge.judge(records, newest: newestBefore, lateTable: Self.late)
    report.newestEventTimes = outcome.newest
    report.late = outcome.late
    let lateness = Int64((pipeline.eventTime?.allowedLatenessSeconds ?? 0) * 1e6)
    report.watermark = outcome.newest.values.min().map { $0 - lateness }
    if outcome.late > 0 { lateRecords = Self.late }
  }

  // MARK: Preparing

  /// Makes the relations of recent readings that a table reads of itself, before its columns' types are known.
  ///
  /// A column of the same name as a record's field is taken to have its type; the SELECT then tells the real ones.
  func createOwnHistories(_ definition: TableDefinition) throws {
    let own = ownHistories(definition)
    var types: [String: String] = [:]
    for field in pipeline.source?.fields ?? [] { types[field.name.lowercased()] = field.type.duckDBType }
    for _ in 0..<2 {
      for history in own {
        history.types = types
        try history.stageNothing(
          coordinates: "(SELECT CAST(NULL AS INTEGER) AS \"partition\", CAST(NULL AS BIGINT) AS \"offset\" WHERE false)"
        )
      }
      let select = try pipeline.select(definition) {
        try relation($0, records: records, staged: [], span: OffsetSpan([:]))
      }
      for column in try connection.columns(of: select) {
        types[column.name.lowercased()] = column.type.description
      }
    }
    for history in own { history.types = types }
  }

  /// Makes the memories of a table's rows, which is staged with no rows.
  func createHistories(of definition: TableDefinition) throws {
    for history in histories.values where history.definition.table.lowercased() == definition.name.lowercased() {
      let columns = try connection.columns(of: "SELECT * FROM \(judged(definition))")
      for name in history.definition.neededColumns {
        guard let column = columns.first(where: { $0.name.lowercased() == name.lowercased() }) else {
          throw StreamingError.missingColumn(
            table: definition.name, column: name, reason: "for the recent readings \(history.definition.name)")
        }
        if name == history.definition.orderBy, column.type != .timestampTZ {
          throw StreamingError.notAnInstant(
            table: definition.name, column: column.name, type: column.type.description)
        }
      }
      for column in columns { history.types[column.name.lowercased()] = column.type.description }
      try history.create(like: judged(definition))
    }
  }

  private func ownHistories(_ definition: TableDefinition) -> [RecentHistory] {
    pipeline.recents(neededBy: definition).filter { $0.table.lowercased() == definition.name.lowercased() }
      .compactMap { histories[$0.name.lowercased()] }
  }

  // MARK: A micro-batch

  /// Brings a relation of recent readings to the micro-batch's beginning and, unless it holds rows of the table that
  /// reads it, makes its rows.
  func prepare(
    _ recent: RecentDefinition, for definition: TableDefinition, staged: Set<String>, batch: MicroBatch
  ) throws {
    guard let history = histories[recent.name.lowercased()], let remembered = pipeline.table(named: recent.table) else {
      return
    }
    history.isWanted = recent.model.map(looksBack) ?? true
    try history.prepare(
      for: batch.span, of: try tables.table(remembered.name).snapshot(), identity: tables.identity,
      newest: newestBefore)
    guard remembered.name != definition.name,
      let stream = definition.references.first(where: {
        $0.isStream && $0.name.lowercased() == remembered.name.lowercased()
      })
    else { return }
    let current = try relation(stream, records: records, staged: staged, span: batch.span)
    try history.stage(current: current, late: lateRecords)
    usedHistories[recent.name.lowercased()] = current
  }

  /// A table's rows with the rules that they break: all its columns, or those that its rules and its history need.
  func judged(_ definition: TableDefinition) -> String {
    pipeline.readsItself(definition)
      ? "stage.\(SQL.quote(identifier: definition.name + "_candidates"))" : rows(definition.name)
  }

  /// The list of columns to judge the rows of a table by that reads its own history.
  func candidateColumns(of definition: TableDefinition, rows: String) throws -> String {
    if let known = candidateColumns[definition.name] { return known }
    let rules = definition.expectations.map { $0.expression.lowercased() }
    var needed = Set(["partition", "offset", RowSelection.violationColumn])
    needed.formUnion((definition.deduplicate?.keys ?? []).map { $0.lowercased() })
    for recent in pipeline.recents where recent.table.lowercased() == definition.name.lowercased() {
      needed.formUnion(recent.neededColumns.map { $0.lowercased() })
    }
    let columns = try connection.columns(of: rows).map(\.name).filter { name in
      needed.contains(name.lowercased()) || rules.contains { $0.contains(name.lowercased()) }
    }
    let list = columns.map { SQL.quote(identifier: $0) }.joined(separator: ", ")
    candidateColumns[definition.name] = list
    return list
  }

  /// Gives every record empty lists: which of them become rows is not known yet.
  func stageNoHistory(_ definition: TableDefinition, staged: Set<String>, span: OffsetSpan) throws {
    guard let stream = definition.references.first(where: \.isStream) else { return }
    let input = try relation(stream, records: records, staged: staged, span: span)
    let coordinates =
      graph.isSource(stream) ? "(SELECT _partition AS \"partition\", _offset AS \"offset\" FROM \(input))" : input
    for history in ownHistories(definition) { try history.stageNothing(coordinates: coordinates) }
  }

  /// Computes the rows of a table that reads its own history: of those records alone whose rows stay, since only they
  /// are in the history.
  func complete(
    _ definition: TableDefinition, condition: String?, staged: Set<String>, span: OffsetSpan
  ) throws {
    let conditions = ["\(RowSelection.violationColumn) IS NULL"] + (condition.map { [$0] } ?? [])
    // Asked for several times, and the conditions are dear.
    let accepted = "stage.\(SQL.quote(identifier: definition.name + "_accepted"))"
    var needed = ["partition", "offset"]
    for history in ownHistories(definition) {
      for name in history.definition.neededColumns where !needed.contains(name.lowercased()) {
        needed.append(name.lowercased())
      }
    }
    let columns = needed.map { SQL.quote(identifier: $0) }.joined(separator: ", ")
    try connection.execute(
      """
      CREATE OR REPLACE TABLE \(accepted) AS SELECT \(columns) FROM \(judged(definition))
      WHERE \(conditions.joined(separator: " AND "))
      """)
    for history in ownHistories(definition) {
      try history.stage(current: accepted, late: lateRecords)
      usedHistories[history.definition.name.lowercased()] = self.accepted(definition.name)
    }
    let select = try pipeline.select(definition) { reference in
      let input = try relation(reference, records: records, staged: staged, span: span)
      guard reference.isStream else { return input }
      let mark = graph.isSource(reference) ? "_" : ""
      return """
        (SELECT i.* FROM \(input) AS i SEMI JOIN \(accepted) AS a
        ON i."\(mark)partition" = a."partition" AND i."\(mark)offset" = a."offset")
        """
    }
    try connection.execute(
      """
      CREATE OR REPLACE TABLE \(rows(definition.name)) AS
      SELECT *, CAST(NULL AS VARCHAR) AS \(RowSelection.violationColumn) FROM (
      \(select)
      )
      """)
  }
}
