internal import DeltaLake
internal import DuckDB

/// The Delta table of a landing directory's splits: one row per split, appended before the split is read.
///
/// Each registration's `txn` version is one more than the last, so that of two processes that register at the same time
/// one is told that it is stale and begins again with the other's rows.
final class LandingSplitTable {
  /// What was registered up to some version of the table.
  struct State {
    var planner: SplitPlanner
    /// Splits from the wanted one on, in order of sequence.
    var pending: [LandingSplit]
  }

  private static let application = "landing-splits"
  private static let schema = Schema([
    StructField("sequence", .long, nullable: false),
    StructField("path", .string, nullable: false),
    StructField("from_byte", .long, nullable: false),
    StructField("to_byte", .long, nullable: false),
    StructField("modification_time", .timestamp, nullable: false),
    StructField("registered_at", .timestamp, nullable: false),
    fingerprint,
  ])
  /// Added later: older rows have none.
  private static let fingerprint = StructField("fingerprint", .long)

  private let table: DeltaTable
  private let connection: Connection
  /// `txn` version of the newest registration that is known here.
  private var registration: Int64 = 0

  /// Opens the table, or makes it.
  init(at location: String) throws {
    table = try DeltaTable.create(
      at: location, schema: Self.schema, name: "landing splits",
      description: "Bytes of files in the order in which they were taken; offset = sequence << 32 | line")
    if try !table.snapshot().schema.fields.contains(where: { $0.name == Self.fingerprint.name }) {
      _ = try table.addColumns([Self.fingerprint])
    }
    // Its own small engine: the table is read and written between the pipeline's statements.
    connection = try Database(settings: ["threads": "1"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    let columns =
      "sequence BIGINT, path VARCHAR, from_byte BIGINT, to_byte BIGINT, modified BIGINT, registered BIGINT"
      + ", fingerprint BIGINT"
    try connection.execute("CREATE TEMP TABLE new_splits (\(columns))")
  }

  /// Reads the newest version: how far each file is registered, and the splits from `sequence` on.
  func load(from sequence: Int64, rules: SplitPlanner.Rules) throws -> State {
    let snapshot = try table.snapshot()
    registration = snapshot.transactions[Self.application] ?? 0
    var state = State(planner: SplitPlanner(rules: rules), pending: [])
    let rows = try DeltaReader.scanSQL(snapshot)
    var files = try connection.query(
      """
      SELECT path, last.to_byte, last.sequence + 1, coalesce(last.fingerprint, 0), epoch_us(last.registered_at)
      FROM (SELECT path, arg_max(s, sequence) AS last FROM \(rows) AS s GROUP BY path)
      """)
    while let chunk = try files.nextChunk() {
      let paths = try chunk.strings(0)
      let numbers = try (1...4).map { try chunk.integers($0) }
      for row in 0..<chunk.rowCount {
        state.planner.register(
          path: paths[row], to: numbers[0][row], nextSequence: numbers[1][row],
          fingerprint: numbers[2][row] == 0 ? nil : numbers[2][row], at: numbers[3][row])
      }
    }
    var splits = try connection.query(
      """
      SELECT sequence, path, from_byte, to_byte, epoch_us(modification_time), epoch_us(registered_at),
        coalesce(fingerprint, 0)
      FROM \(rows) AS s WHERE sequence >= \(sequence) ORDER BY sequence
      """)
    while let chunk = try splits.nextChunk() {
      let paths = try chunk.strings(1)
      let numbers = try [0, 2, 3, 4, 5, 6].map { try chunk.integers($0) }
      for row in 0..<chunk.rowCount {
        state.pending.append(
          LandingSplit(
            sequence: numbers[0][row], path: paths[row], from: numbers[1][row], to: numbers[2][row],
            modified: numbers[3][row], registered: numbers[4][row],
            fingerprint: numbers[5][row] == 0 ? nil : numbers[5][row]))
      }
    }
    return state
  }

  /// Appends splits; they are durable on return. False if another process has registered some meanwhile: nothing was
  /// written, `load` again.
  func append(_ splits: [LandingSplit]) throws -> Bool {
    try connection.execute("TRUNCATE new_splits")
    for start in stride(from: 0, to: splits.count, by: 1000) {
      let rows = splits[start..<min(start + 1000, splits.count)].map { split in
        "(\(split.sequence), \(SQL.quote(literal: split.path)), \(split.from), \(split.to), \(split.modified), "
          + "\(split.registered), \(split.fingerprint.map { "\($0)" } ?? "NULL"))"
      }
      try connection.execute("INSERT INTO new_splits VALUES " + rows.joined(separator: ", "))
    }
    let files = try DeltaWriter(connection: connection).write(
      """
      SELECT sequence, path, from_byte, to_byte, make_timestamptz(modified) AS modification_time,
        make_timestamptz(registered) AS registered_at, fingerprint
      FROM new_splits ORDER BY sequence
      """, into: table)
    let transaction = AppTransaction(appId: Self.application, version: registration + 1)
    switch try table.append(
      files, transactions: [transaction], operation: "REGISTER SPLITS",
      metrics: ["numOutputRows": String(splits.count)])
    {
    case .committed:
      registration += 1
      return true
    case .stale: return false
    }
  }
}

extension DataChunk {
  /// The BIGINTs of a column without NULLs.
  fileprivate func integers(_ index: Int) throws -> [Int64] {
    try column(index).withValues(as: Int64.self) { values, _ in Array(values) }
  }

  /// The texts of a column without NULLs.
  fileprivate func strings(_ index: Int) throws -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(rowCount)
    try column(index).forEachString { _, bytes in texts.append(bytes.map { String(decoding: $0, as: UTF8.self) } ?? "")
    }
    return texts
  }
}
