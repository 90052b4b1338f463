internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// The last rows of each key of a streaming table, held in memory and read from the table again after a restart.
///
/// In memory are, for each key of each source partition, the last `rows` by offset. A key is forgotten when its newest
/// row is older than any row that is not late may look back, so memory is bounded by `rows` times the keys that are
/// being heard of. What is forgotten could not have been in anybody's list.
final class RecentHistory {
  /// The relation of the micro-batch in hand, as SQL that can stand in FROM.
  let relation: String
  let definition: RecentDefinition
  private let sql: RecentSQL
  private let connection: Connection
  private let state: String
  private let latenessSeconds: Double
  /// Whether anybody looks at the lists; else they are empty, and nothing is remembered. Decided before `prepare`.
  var isWanted = true
  /// The types of the remembered table's columns, by name in small letters.
  var types: [String: String] = [:]
  /// The offsets up to which the state holds rows; nil: it must be read.
  private var position: Positions?
  private var newest: [Int32: Int64] = [:]
  private var rows: Int64 = 0
  private var rowsAfterCompaction: Int64 = 0
  private let slack: Int64

  /// - Parameter slack: Rows that may be in memory beyond those that are needed, before old ones are forgotten.
  init(_ definition: RecentDefinition, latenessSeconds: Double, connection: Connection, slack: Int64 = 4_000) {
    self.definition = definition
    self.latenessSeconds = latenessSeconds
    self.connection = connection
    self.slack = slack
    sql = RecentSQL(definition)
    relation = "stage.\(SQL.quote(identifier: "recent " + definition.name))"
    state = "state.\(SQL.quote(identifier: "recent " + definition.name))"
  }

  /// Makes the empty state and relation with the columns of a staged table.
  func create(like staged: String) throws {
    try connection.execute(
      "CREATE OR REPLACE TABLE \(state) AS SELECT \(sql.columns.joined(separator: ", ")) FROM \(staged) WHERE false")
    try stage(current: staged, late: nil)
  }

  /// The tables may have changed behind our back.
  func forget() { position = nil }

  /// Rows in memory.
  var rowsInMemory: Int64 { rows }

  /// Brings the state to the beginning of a span, reading the table if it is elsewhere.
  /// - Parameters:
  ///   - newest: The newest event time of each partition at that place.
  func prepare(for span: OffsetSpan, of snapshot: Snapshot, identity: FlowIdentity, newest: [Int32: Int64]) throws {
    self.newest = newest
    guard isWanted else { return try rest() }
    if let position, span.ranges.allSatisfy({ (position[$0.key] ?? 0) == $0.value.lowerBound }) { return }
    var before = identity.positions(in: snapshot.transactions)
    for (partition, range) in span.ranges { before[partition] = range.lowerBound }
    try load(snapshot, before: before.filter { $0.value > 0 })
    position = before
  }

  /// Forgets all rows; when the lists are wanted again, they are read from the table.
  private func rest() throws {
    guard position != nil || rows > 0 else { return }
    try connection.execute("DELETE FROM \(state)")
    position = nil
    rows = 0
    rowsAfterCompaction = 0
  }

  /// Makes the relation for these rows.
  func stage(current: String, late: String?) throws {
    guard isWanted else { return try stageNothing(coordinates: current) }
    try connection.execute(
      "CREATE OR REPLACE TABLE \(relation) AS \(sql.select(current: current, earlier: state, late: late))")
  }

  /// Makes the relation with empty lists for these coordinates.
  func stageNothing(coordinates: String) throws {
    try connection.execute(
      "CREATE OR REPLACE TABLE \(relation) AS \(sql.empty(coordinates: coordinates, types: types))")
  }

  /// Remembers rows that became durable.
  func didCommit(_ current: String, span: OffsetSpan, newest: [Int32: Int64]) throws {
    guard isWanted else { return }
    let columns = sql.columns.joined(separator: ", ")
    try connection.execute("INSERT INTO \(state) SELECT \(columns) FROM \(current) WHERE \(sql.isComplete)")
    position?.merge(span.next) { $1 }
    self.newest.merge(newest) { $1 }
    rows = try connection.query("SELECT count(*) FROM \(state)").scalar().integer ?? 0
    // Each micro-batch sorts what is in memory, so that rows which nobody needs are dear.
    if rows > rowsAfterCompaction + rowsAfterCompaction / 2 + slack { try compact() }
  }

  // MARK: State

  /// The earliest event time that a row that is not late may look back to, by partition.
  private var floors: [Int32: Int64] {
    newest.mapValues { $0 - Int64((latenessSeconds + definition.withinSeconds) * 1e6) }
  }

  private func compact() throws {
    let floors = floors.sorted { $0.key < $1.key }.map { "WHEN \($0.key) THEN \($0.value)" }
    let floor = floors.isEmpty ? "NULL" : "CASE \"partition\" \(floors.joined(separator: " ")) END"
    try connection.execute(
      """
      CREATE OR REPLACE TABLE \(state) AS SELECT \(sql.columns.joined(separator: ", ")) FROM \(state) SEMI JOIN (
        SELECT "partition", unnest(_offsets) AS "offset" FROM (
          SELECT "partition", max("offset", \(definition.rows)) AS _offsets,
            max(epoch_us(\(SQL.quote(identifier: definition.orderBy)))) AS _last
          FROM \(state) GROUP BY \(sql.group)
        ) WHERE (_last < \(floor)) IS NOT TRUE
      ) USING ("partition", "offset")
      """)
    rows = try connection.query("SELECT count(*) FROM \(state)").scalar().integer ?? 0
    rowsAfterCompaction = rows
  }

  /// Reads the last rows of every key that is being heard of.
  ///
  /// Files are pruned twice: by event time to find the keys and the offset of their oldest row that counts, then by
  /// offset, because a row that is too old to be in a list still counts as one of the last ones.
  private func load(_ snapshot: Snapshot, before: Positions) throws {
    try connection.execute("DELETE FROM \(state)")
    rows = 0
    rowsAfterCompaction = 0
    guard !before.isEmpty else { return }
    let floors = floors
    let time = SQL.quote(identifier: definition.orderBy)
    let parts = before.sorted { $0.key < $1.key }.map { partition, end in
      let old = floors[partition].map { " AND epoch_us(\(time)) >= \($0)" } ?? ""
      return "(\"partition\" = \(partition) AND \"offset\" < \(end)\(old))"
    }
    var filters: [ColumnFilter] = []
    if before.keys.allSatisfy({ floors[$0] != nil }), let lowest = before.keys.compactMap({ floors[$0] }).min() {
      filters = [ColumnFilter(definition.orderBy, .greaterOrEqual(.timestamp(microseconds: lowest)))]
    }
    let alive = try DeltaReader.scanSQL(snapshot, columns: definition.neededColumns, filters: filters)
    let number = "row_number() OVER (PARTITION BY \(sql.group) ORDER BY \"offset\" DESC)"
    let starts = try connection.query(
      """
      SELECT "partition", min("offset") FROM (
        SELECT "partition", "offset", \(number) AS _number FROM \(alive)
        WHERE (\(parts.joined(separator: " OR "))) AND \(sql.isComplete)
      ) WHERE _number <= \(definition.rows) GROUP BY "partition"
      """
    ).rows()
    var ranges: [Int32: Range<Int64>] = [:]
    for row in starts {
      guard let partition = row[0].integer.flatMap({ Int32(exactly: $0) }), let start = row[1].integer,
        let end = before[partition], start < end
      else { continue }
      ranges[partition] = start..<end
    }
    let span = OffsetSpan(ranges)
    guard !span.isEmpty else { return }
    let scan = try DeltaReader.scanSQL(
      snapshot, columns: definition.neededColumns, filters: GraphExecutor.pruning(span))
    try connection.execute(
      """
      INSERT INTO \(state) SELECT \(sql.columns.joined(separator: ", ")) FROM \(scan)
      WHERE (\(RowSelection.condition(span))) AND \(sql.isComplete) QUALIFY \(number) <= \(definition.rows)
      """)
    rows = try connection.query("SELECT count(*) FROM \(state)").scalar().integer ?? 0
    rowsAfterCompaction = rows
  }
}
