import JSON
import DeltaLake
import DuckDB
import LakewardTesting
import Testing

/// A lake of one test: a folder, a database and a writer.
struct Bench {
  let folder: TemporaryDirectory
  let database: Database
  let connection: Connection

  init() throws {
    folder = try TemporaryDirectory("delta")
    database = try Database(settings: ["threads": "2"])
    connection = try database.connect()
    try connection.execute("SET TimeZone = 'UTC'")
  }

  func path(_ name: String = "table") -> String { folder.file(name) }

  func table(_ columns: String, partitionColumns: [String] = [], configuration: [String: String] = [:]) throws
    -> DeltaTable
  {
    let described = try connection.query("SELECT * FROM (SELECT \(columns)) LIMIT 0").columns
    let schema = try Schema(columns: described.map { (name: $0.name, sqlType: $0.type.description) })
    return try DeltaTable.create(
      at: path(), schema: schema, partitionColumns: partitionColumns, configuration: configuration)
  }

  func append(_ select: String, to table: DeltaTable, transactions: [AppTransaction] = []) throws -> AppendOutcome {
    try table.append(
      try DeltaWriter(connection: connection).write(select, into: table), transactions: transactions)
  }

  func rows(_ table: DeltaTable, version: Int64? = nil, _ select: String = "*", order: String = "ALL") throws
    -> [[Value]]
  {
    let scan = try DeltaReader.scanSQL(try table.snapshot(version: version))
    return try connection.query("SELECT \(select) FROM \(scan) AS t ORDER BY \(order)").rows()
  }
}

@Suite struct AppendTests {
  @Test func rowsComeBackAndOldVersionsStay() throws {
    let bench = try Bench()
    let table = try bench.table("1::BIGINT AS id, 'x' AS name, 1.5::DOUBLE AS value")
    #expect(try bench.append("SELECT 1::BIGINT AS id, 'a' AS name, 0.5 AS value", to: table) == .committed(version: 1))
    #expect(
      try bench.append("SELECT 2::BIGINT AS id, NULL::VARCHAR AS name, 1.5::DOUBLE AS value", to: table)
        == .committed(version: 2))
    #expect(try bench.rows(table) == [[1, "a", .double(0.5)], [2, nil, .double(1.5)]])
    #expect(try bench.rows(table, version: 1).count == 1)
    #expect(try table.snapshot().rowCount() == 2)
    #expect(try DeltaTable(at: bench.path()).snapshot().version == 2)
  }

  @Test("A batch that was cut elsewhere, and is there in part already, is stale")
  func overlapIsStale() throws {
    let bench = try Bench()
    let table = try bench.table("1::BIGINT AS id")
    func append(from start: Int64, to end: Int64) throws -> AppendOutcome {
      try table.append(
        try DeltaWriter(connection: bench.connection).write("SELECT \(end)::BIGINT AS id", into: table),
        transactions: [AppTransaction(appId: "flow/topic/0", version: end)], continuing: ["flow/topic/0": start])
    }
    #expect(try append(from: 0, to: 100) == .committed(version: 1))
    #expect(try append(from: 0, to: 150) == .stale(appId: "flow/topic/0", version: 100))
    #expect(try append(from: 100, to: 150) == .committed(version: 2))
    // A source may skip offsets that hold no record.
    #expect(try append(from: 160, to: 170) == .committed(version: 3))
    #expect(try bench.rows(table) == [[100], [150], [170]])
  }

  @Test func transactionsThatAreNotNewerAreStale() throws {
    let bench = try Bench()
    let table = try bench.table("1::BIGINT AS id")
    let first = [AppTransaction(appId: "flow/topic/0", version: 10)]
    #expect(try bench.append("SELECT 1::BIGINT AS id", to: table, transactions: first) == .committed(version: 1))
    let other = try DeltaTable(at: bench.path())
    #expect(
      try bench.append("SELECT 2::BIGINT AS id", to: other, transactions: first)
        == .stale(appId: "flow/topic/0", version: 10))
    #expect(try other.snapshot().version == 1)
    #expect(try other.snapshot().transactions == ["flow/topic/0": 10])
  }

  @Test(arguments: ["none", "name"])
  func onlyListedColumnsHaveStatistics(mapping: String) throws {
    let bench = try Bench()
    var configuration = ["delta.dataSkippingStatsColumns": "b, `person`.age", "delta.dataSkippingNumIndexedCols": "1"]
    if mapping != "none" { configuration["delta.columnMapping.mode"] = mapping }
    let rows = "'secret' AS a, 7::BIGINT AS b, {'name': 'secret', 'age': 40::BIGINT} AS person"
    let table = try bench.table(rows, configuration: configuration)
    _ = try bench.append("SELECT \(rows)", to: table)
    _ = try bench.append("SELECT \(rows)", to: table)
    _ = try bench.editor.optimize(table)
    let details = try #require(try table.snapshot().fileDetails().first)
    let text = JSONValue.object(details.statistics ?? [:]).text
    #expect(!text.contains("secret"))
    #expect(details.rows == 2)
    if mapping == "none" {
      #expect(
        details.statistics?["minValues"] == .object(["b": .int(7), "person": .object(["age": .int(40)])]), "\(text)")
      #expect(
        details.statistics?["nullCount"] == .object(["b": .int(0), "person": .object(["age": .int(0)])]), "\(text)")
    }
    #expect(text.contains("40") && text.contains("7"))
    try bench.expectPeersAgree(table)
  }

  @Test func checkpointsCarryEverything() throws {
    let bench = try Bench()
    let table = try bench.table("1::BIGINT AS id, 'p' AS part", partitionColumns: ["part"])
    for index in 1...25 {
      _ = try bench.append(
        "SELECT \(index)::BIGINT AS id, CASE WHEN \(index) % 3 = 0 THEN NULL ELSE 'p \(index % 3)/%' END AS part",
        to: table,
        transactions: [AppTransaction(appId: "a", version: Int64(index))])
    }
    #expect(table.checkpointFailure == nil)
    #expect(bench.folder.listing().contains("table/_delta_log/00000000000000000020.checkpoint.parquet"))
    let fresh = try DeltaTable(at: bench.path())
    let snapshot = try fresh.snapshot()
    #expect(snapshot.version == 25)
    #expect(snapshot.files.count == 25)
    #expect(snapshot.transactions == ["a": 25])
    #expect(try snapshot.rowCount() == 25)
    #expect(try bench.rows(fresh, "sum(id)::BIGINT", order: "1") == [[325]])
    #expect(try bench.rows(fresh, version: 12, "count(*)", order: "1") == [[12]])
    let pruned = try snapshot.files(matching: [ColumnFilter("id", .greater(.int(20)))])
    #expect(pruned.count == 5)
    let partition = try snapshot.files(matching: [ColumnFilter("part", .equal(.string("p 1/%")))])
    #expect(partition.count == 9)
  }

  @Test func peersReadWhatIsWritten() throws {
    guard PeerPython.isReady else {
      Places.note("skipped: no Python peers; run scripts/setup")
      return
    }
    let bench = try Bench()
    let columns = """
      i::BIGINT AS id, i::INTEGER AS small, i::DOUBLE / 3 AS number, 'name ' || i AS name, i % 2 = 0 AS flag,
      DATE '2020-01-01' + i::INTEGER AS day, TIMESTAMPTZ '2020-01-01 00:00:00+00' + i * INTERVAL 1 SECOND AS moment,
      (i * 1.25)::DECIMAL(12, 2) AS money, {'a': i::INTEGER, 'b': ['x' || i]} AS nested, MAP {'k' || i: i::BIGINT} AS m,
      ('\\x00' || 'b' || i)::BLOB AS bytes, ['a b', 'c/d%e', NULL, 'ü=1'][1 + i % 4] AS part
      """
    let described = try bench.connection.query("SELECT \(columns) FROM range(0) AS r(i)").columns
    let table = try DeltaTable.create(
      at: bench.path(), schema: try Schema(columns: described.map { (name: $0.name, sqlType: $0.type.description) }),
      partitionColumns: ["part"])
    for start in 0..<12 {
      _ = try bench.append(
        "SELECT \(columns) FROM range(\(start * 10), \(start * 10 + 10)) AS r(i)", to: table,
        transactions: [AppTransaction(appId: "flow", version: Int64(start))])
    }
    for version: Int64? in [nil, 5] {
      let answer = try DeltaPeer.compare(bench.path(), version: version, transactions: ["flow"])
      #expect(answer.agree, "\(answer.difference ?? "")")
      #expect(answer.rows == (version ?? 12) * 10)
      #expect(answer.transactions["flow"] == (version ?? 12) - 1)
    }
    #expect(try bench.rows(table).count == 120)
  }

  @Test func denserFilesAreReadByThePeersToo() throws {
    let bench = try Bench()
    let table = try bench.table("1::BIGINT AS id, 'x' AS name, TIMESTAMPTZ '2020-01-01' AS moment")
    let writer = DeltaWriter(connection: bench.connection, options: .init(parquetVersion: 2))
    _ = try table.append(
      try writer.write(
        "SELECT i AS id, 'name ' || i AS name, TIMESTAMPTZ '2020-01-01' + i * INTERVAL 1 MINUTE AS moment FROM range(5000) AS r(i)",
        into: table))
    try bench.expectPeersAgree(table)
    #expect(try bench.rows(table, "count(*), sum(id)::BIGINT", order: "1") == [[5000, 12_497_500]])
  }
}
