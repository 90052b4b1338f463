import DuckDB
import Foundation
import LakewardTesting
import Testing

@testable import DeltaLake

@Suite struct CheckpointStatisticsTests {
  /// A checkpoint made by others may hold statistics as a struct alone.
  @Test func structsBecomeTheProtocolsJSON() throws {
    let bench = try Bench()
    let row = """
      TIMESTAMPTZ '2026-01-05 08:30:00.123999+00' AS seen, TIMESTAMP '1969-12-31 23:59:59.9999' AS local,
      DATE '2020-02-29' AS day, 'a"b' AS name, 12345678901234567890.123456789::DECIMAL(38,9) AS amount,
      'NaN'::DOUBLE AS odd, {'inner': 7::BIGINT} AS nested
      """
    let table = try bench.table(row)
    _ = try bench.append("SELECT \(row)", to: table)
    try table.checkpoint()
    let log = bench.path() + "/_delta_log"
    let checkpoint = "\(log)/00000000000000000001.checkpoint.parquet"
    let bounds = """
      {'seen': TIMESTAMPTZ '2026-01-05 08:30:00.123999+00', 'local': TIMESTAMP '1969-12-31 23:59:59.9999',
      'day': DATE '2020-02-29', 'name': 'a"b', 'amount': 12345678901234567890.123456789::DECIMAL(38,9),
      'odd': 'NaN'::DOUBLE, 'nested': {'inner': 7::BIGINT}}
      """
    let parsed = """
      {'numRecords': 1::BIGINT, 'minValues': \(bounds), 'maxValues': \(bounds),
      'nullCount': {'seen': 0::BIGINT, 'nested': {'inner': 0::BIGINT}}}
      """
    try bench.connection.execute(
      """
      COPY (SELECT * REPLACE (CASE WHEN add IS NOT NULL THEN struct_pack(
        path := add.path, partitionValues := add.partitionValues, size := add.size,
        modificationTime := add.modificationTime, dataChange := add.dataChange, stats_parsed := \(parsed)) END AS add)
        FROM read_parquet('\(checkpoint)')) TO '\(checkpoint).new' (FORMAT parquet)
      """)
    try FileManager.default.removeItem(atPath: checkpoint)
    try FileManager.default.moveItem(atPath: checkpoint + ".new", toPath: checkpoint)
    for version in 0...1 { try FileManager.default.removeItem(atPath: "\(log)/0000000000000000000\(version).json") }
    let values = """
      {"seen":"2026-01-05T08:30:00.123Z","local":"1969-12-31T23:59:59.999","day":"2020-02-29","name":"a\\"b",\
      "amount":12345678901234567890.123456789,"nested":{"inner":7}}
      """
    let expected = """
      {"numRecords":1,"minValues":\(values),"maxValues":\(values),"nullCount":{"seen":0,"nested":{"inner":0}}}
      """
    let opened = try DeltaTable(at: bench.path())
    #expect(try Self.statistics(opened) == [expected])
    try opened.setProperties(["note": "x"])
    try opened.checkpoint()
    let again = try DeltaTable(at: bench.path())
    #expect(try again.snapshot().state.checkpoint?.version == 2)
    #expect(try Self.statistics(again) == [expected])
    #expect(try bench.rows(again, "count(*)", order: "1") == [[1]])
    let scan = try DeltaReader.scanSQL(try again.snapshot())
    #expect(
      try bench.connection.query(
        "SELECT count(*) FROM \(scan) WHERE seen = TIMESTAMPTZ '2026-01-05 08:30:00.123999+00'"
      ).scalar() == 1)
  }

  /// A list that is set later also binds what the next checkpoint says of old files.
  @Test func oldStatisticsAreCutToTheList() throws {
    let bench = try Bench()
    let columns = "'secret' AS a, 12345678901234567890.123456789::DECIMAL(38,9) AS b, {'c': 'secret', 'd': 1} AS s"
    let table = try bench.table(columns)
    for _ in 0..<2 { _ = try bench.append("SELECT \(columns)", to: table) }
    try table.checkpoint()
    _ = try bench.append("SELECT \(columns)", to: table)
    let before = try Self.statistics(table)
    #expect(before.count == 3 && before.allSatisfy { $0?.contains("secret") == true })
    try table.setProperties(["delta.dataSkippingStatsColumns": "b,s.d"])
    for _ in 0..<2 {
      _ = try bench.append("SELECT \(columns)", to: table)
      try table.checkpoint()
      let opened = try DeltaTable(at: bench.path())
      for text in try Self.statistics(opened) {
        #expect(
          text == #"{"numRecords":1,"minValues":{"b":12345678901234567890.123456789,"s":{"d":1}},"#
            + #""maxValues":{"b":12345678901234567890.123456789,"s":{"d":1}},"nullCount":{"b":0,"s":{"d":0}},"#
            + #""tightBounds":true}"#)
      }
    }
    try bench.expectPeersAgree(table)
  }

  private static func statistics(_ table: DeltaTable) throws -> [String?] {
    var resolver = StatisticsResolver()
    return try table.snapshot().files.map { try resolver.text($0.statistics) }
  }
}
