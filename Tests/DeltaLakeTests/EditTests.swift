import DeltaLake
import DuckDB
import LakewardTesting
import Testing

extension Bench {
  /// Opens a table with the real readers and expects the same rows as ours, and no slip against the protocol.
  func expectPeersAgree(_ table: DeltaTable, at location: SourceLocation = #_sourceLocation) throws {
    guard PeerPython.isReady else { return }
    let rows = try rows(table, "count(*)", order: "1")
    let answer = try DeltaPeer.compare(table.location)
    #expect(answer.agree, "\(answer.difference ?? "")", sourceLocation: location)
    #expect(rows == [[.int(answer.rows)]], sourceLocation: location)
    #expect(try table.snapshot().version == answer.version, sourceLocation: location)
    guard let checker = Places.shared("golden/check_writer.py") else { return }
    let expected = folder.file("expected-\(answer.version).parquet")
    try connection.execute(
      "COPY (SELECT * FROM \(try DeltaReader.scanSQL(try table.snapshot()))) TO '\(expected)' (FORMAT parquet)")
    let python =
      "import os,sys; os.environ['DUCKDB_DELTA_EXT']='\(PeerPython.deltaExtension ?? "")'; "
      + "os.execv(sys.executable,[sys.executable]+sys.argv[1:])"
    do {
      try PeerPython.run(source: python, [checker, table.location, "--expect", expected])
    } catch {
      Issue.record("check_writer: \(error)", sourceLocation: location)
    }
  }

  func filled(
    _ rows: Int = 1000, partitionColumns: [String] = [], configuration: [String: String] = [:], files: Int = 4
  ) throws -> DeltaTable {
    let table = try table(
      "1::BIGINT AS id, 'x' AS name, 1.5::DOUBLE AS value, 'p' AS part", partitionColumns: partitionColumns,
      configuration: configuration)
    for file in 0..<files {
      _ = try append(
        """
        SELECT i::BIGINT AS id, 'name ' || i AS name, i / 2.0 AS value, 'p' || (i % 3) AS part
        FROM range(\(file * rows / files), \((file + 1) * rows / files)) AS r(i)
        """, to: table)
    }
    return table
  }

  var editor: DeltaEditor { DeltaEditor(connection: connection) }

  func sum(_ table: DeltaTable, version: Int64? = nil) throws -> [Value] {
    try rows(table, version: version, "count(*), sum(id)::BIGINT, sum(value)", order: "1")[0]
  }
}

@Suite struct EditTests {
  @Test(
    arguments: [[:], ["delta.enableDeletionVectors": "true"], ["delta.enableChangeDataFeed": "true"]], [[], ["part"]])
  func rowsAreDeleted(_ configuration: [String: String], _ partitionColumns: [String]) throws {
    let bench = try Bench()
    let table = try bench.filled(partitionColumns: partitionColumns, configuration: configuration)
    let outcome = try bench.editor.delete(from: table, where: "id % 10 = 3 AND id < 600")
    #expect(outcome.rows["deleted"] == 60)
    #expect(try bench.sum(table)[0] == 940)
    #expect(try bench.editor.delete(from: table, where: "id % 10 = 4 OR id < 250").version == outcome.version + 1)
    #expect(try bench.rows(table, "count(*)", order: "1") == [[640]])
    #expect(try bench.editor.delete(from: table, where: "id = -1").version == outcome.version + 1)
    #expect(try bench.rows(table, version: 4, "count(*)", order: "1") == [[1000]])
    #expect(try table.snapshot().rowCount() == 640)
    try bench.expectPeersAgree(table)
    #expect(try bench.editor.delete(from: table).rows["deleted"] == 640)
    try bench.expectPeersAgree(table)
  }

  @Test func changesOfDeletionVectorsAreInTheFeed() throws {
    let bench = try Bench()
    let table = try bench.filled(configuration: ["delta.enableDeletionVectors": "true"])
    _ = try bench.editor.delete(from: table, where: "id % 10 = 3")
    _ = try bench.editor.delete(from: table, where: "id % 10 = 4 OR id < 250")
    let feed = try DeltaReader.changesSQL(table, from: 5)
    let counts = try bench.connection.query(
      "SELECT _change_type, _commit_version, count(*) FROM \(feed) GROUP BY ALL ORDER BY ALL"
    ).rows()
    #expect(counts == [["delete", 5, 100], ["delete", 6, 300]])
  }

  @Test(arguments: [[:], ["delta.enableChangeDataFeed": "true", "delta.enableDeletionVectors": "true"]])
  func rowsAreUpdatedAndMerged(_ configuration: [String: String]) throws {
    let bench = try Bench()
    let table = try bench.filled(partitionColumns: ["part"], configuration: configuration)
    let outcome = try bench.editor.update(table, set: ["value": "value + 1000", "part": "'moved'"], where: "id < 10")
    #expect(outcome.rows["updated"] == 10)
    #expect(try bench.rows(table, "count(*), min(value)", order: "1 LIMIT 1").first?.first == 1000)
    let merged = try bench.editor.merge(
      into: table, using: "SELECT i::BIGINT AS id, 'new ' || i AS name FROM range(990, 1010) AS r(i)",
      on: "target.id = source.id",
      [
        .deleteMatched(condition: "source.id >= 998"), .updateMatched(set: ["name": "source.name"]),
        .insertNotMatched(values: ["id": "source.id", "name": "source.name", "part": "'merged'"]),
      ])
    #expect(merged.rows == ["updated": 8, "deleted": 2, "inserted": 10])
    #expect(try bench.rows(table, "count(*)", order: "1") == [[1008]])
    let names = try bench.rows(table, "count(*) FILTER (name LIKE 'new%')", order: "1")
    #expect(names == [[18]])
    #expect(throws: DeltaError.self) {
      try bench.editor.merge(
        into: table, using: "SELECT 5::BIGINT AS id UNION ALL SELECT 5", on: "target.id = source.id",
        [.updateMatched(set: ["name": "'x'"])])
    }
    try bench.expectPeersAgree(table)
    if !configuration.isEmpty {
      let feed = try DeltaReader.changesSQL(table, from: 5)
      let counts = try bench.connection.query(
        "SELECT _change_type, _commit_version, count(*) FROM \(feed) GROUP BY ALL ORDER BY 2, 1"
      ).rows()
      #expect(
        counts == [
          ["update_postimage", 5, 10], ["update_preimage", 5, 10], ["delete", 6, 2], ["insert", 6, 10],
          ["update_postimage", 6, 8], ["update_preimage", 6, 8],
        ])
    }
  }

  @Test func rowsAreReplaced() throws {
    let bench = try Bench()
    let table = try bench.filled(partitionColumns: ["part"])
    let one = "SELECT 7::BIGINT AS id, 'seven' AS name, 7.0 AS value, 'p1' AS part"
    #expect(throws: DeltaError.self) { try bench.editor.overwrite(table, with: one, where: "part = 'p0'") }
    _ = try bench.editor.overwrite(table, with: one, where: "part = 'p1'")
    #expect(try bench.rows(table, "count(*), count(*) FILTER (part = 'p1')", order: "1") == [[668, 1]])
    try bench.expectPeersAgree(table)
    _ = try bench.editor.overwrite(table, with: one)
    #expect(try bench.rows(table, "count(*)", order: "1") == [[1]])
    try bench.expectPeersAgree(table)
    #expect(try bench.editor.restore(table, to: 4).filesAdded > 0)
    #expect(try bench.sum(table) == bench.sum(table, version: 4))
    try bench.expectPeersAgree(table)
  }

  @Test func constraintsAreKept() throws {
    let bench = try Bench()
    let schema = Schema([StructField("id", .long, nullable: false), StructField("heart_rate", .double)])
    let table = try DeltaTable.create(at: bench.path(), schema: schema)
    _ = try bench.append("SELECT 1::BIGINT AS id, 80.0 AS heart_rate", to: table)
    let missing = #expect(throws: DeltaError.self) {
      try bench.append("SELECT NULL::BIGINT AS id, 80.0 AS heart_rate", to: table)
    }
    #expect(missing?.code == .constraintViolation)
    #expect(throws: DeltaError.self) {
      try table.addConstraint("low", "heart_rate > 100", connection: bench.connection)
    }
    try table.addConstraint("plausible", "heart_rate BETWEEN 10 AND 300", connection: bench.connection)
    let wrong = #expect(throws: DeltaError.self) {
      try bench.append("SELECT 2::BIGINT AS id, 4711.0 AS heart_rate", to: table)
    }
    #expect(wrong?.message.contains("constraint plausible") == true)
    #expect(wrong?.description.contains("4711") == false)
    _ = try bench.append("SELECT 2::BIGINT AS id, 90.0 AS heart_rate", to: table)
    try bench.expectPeersAgree(table)
    #expect(try bench.rows(table).count == 2)
  }

  @Test(arguments: ["none", "name", "id"])
  func schemasEvolve(_ mapping: String) throws {
    let bench = try Bench()
    let columns = "1::INTEGER AS id, {'a b': 1::INTEGER, 'c': 'x'} AS nested, ['x'] AS list"
    let described = try bench.connection.query(
      "SELECT \(mapping == "none" ? columns.replacing("a b", with: "ab") : columns)"
    ).columns
    let table = try DeltaTable.create(
      at: bench.path(), schema: try Schema(columns: described.map { (name: $0.name, sqlType: $0.type.description) }),
      configuration: mapping == "none" ? [:] : ["delta.columnMapping.mode": mapping])
    let select = mapping == "none" ? columns.replacing("a b", with: "ab") : columns
    _ = try bench.append("SELECT \(select)", to: table)
    let mismatch = #expect(throws: DeltaError.self) { try bench.append("SELECT \(select), 1 AS unit", to: table) }
    #expect(mismatch?.code == .schemaMismatch)
    #expect(throws: DeltaError.self) { try bench.append("SELECT 'x' AS id", to: table) }
    try table.addColumns([StructField("unit", .string)])
    _ = try bench.append("SELECT \(select), 'mg/dL' AS unit", to: table)
    #expect(try bench.rows(table, "id, unit", order: "2 NULLS FIRST") == [[1, nil], [1, "mg/dL"]])
    try bench.expectPeersAgree(table)
    try table.widenColumn("id", to: .long)
    _ = try bench.append("SELECT 5000000000 AS id", to: table)
    #expect(try bench.rows(table, "id", order: "1") == [[1], [1], [5_000_000_000]])
    #expect(try DeltaPeer.query(bench.path(), "SELECT sum(id)::BIGINT FROM t") == [["5000000002"]])
  }
}
