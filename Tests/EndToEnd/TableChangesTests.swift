import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

/// The words of `lakeward table` that change a table; the peers read it afterwards.
@Suite struct TableChangesTests {
  /// A table of 12 small files, versions 1 to 12.
  private static func lake(partitionedBy: [String] = []) throws -> SampleLake {
    let lake = try SampleLake()
    let first = "SELECT 0::BIGINT AS id, 0::BIGINT AS score, 'x' AS ward"
    let table = try lake.table("vitals", partitionedBy: partitionedBy, first)
    let connection = try Database().connect()
    for index in 1..<12 {
      let select =
        "SELECT i AS id, (hash(i) % 100)::BIGINT AS score, CASE WHEN i % 2 = 0 THEN 'x' END AS ward "
        + "FROM range(\(index * 10), \(index * 10 + 10)) AS r(i)"
      _ = try table.append(DeltaWriter(connection: connection).write(select, into: table))
    }
    return lake
  }

  private static func expectPeersAgree(_ lake: SampleLake, rows: Int64) throws {
    #expect(try lake.query("SELECT count(*) FROM vitals", "--format", "csv").hasSuffix("\n\(rows)\n"))
    guard PeerPython.isReady else { return }
    let comparison = try DeltaPeer.compare(lake.location("vitals"))
    #expect(comparison.agree, "\(comparison.difference ?? "")")
    #expect(comparison.rows == rows)
  }

  @Test(arguments: [[], ["ward"]])
  func optimize(_ partitionedBy: [String]) throws {
    let lake = try Self.lake(partitionedBy: partitionedBy)
    let before = try DeltaTable(at: lake.location("vitals")).snapshot()
    let outcome = try lake.run("table", "optimize", "vitals", "--target-size", "10")
    let after = try DeltaTable(at: lake.location("vitals")).snapshot()
    #expect(outcome.succeeded, "\(outcome.errors)")
    let files = partitionedBy.count + 1
    #expect(after.files.count == files && after.version == 13)
    #expect(
      outcome.output
        == """
        vitals: \(before.files.count) files of \(Self.grouped(before.sizeInBytes)) bytes became \
        \(files) \(files == 1 ? "file" : "files") of \(Self.grouped(after.sizeInBytes)) bytes, 111 rows unchanged; \
        version 13\n
        """)
    #expect(try lake.run("table", "optimize", "vitals").output == "vitals: nothing to join at version 13\n")
    try Self.expectPeersAgree(lake, rows: 111)
  }

  private static func grouped(_ number: Int64) -> String {
    number < 1_000 ? "\(number)" : "\(number / 1_000)," + String("\(1_000 + number % 1_000)".dropFirst())
  }

  @Test func zorder() throws {
    let lake = try Self.lake()
    let outcome = try lake.run("table", "optimize", lake.location("vitals"), "--zorder", "id,score")
    #expect(outcome.succeeded && outcome.output.hasSuffix(", 111 rows unchanged; version 13\n"), "\(outcome)")
    try Self.expectPeersAgree(lake, rows: 111)
    #expect(try lake.failure("table", "optimize", "vitals", "--zorder", "none").contains("has no column none"))
  }

  @Test func vacuum() throws {
    let lake = try Self.lake()
    _ = try lake.run("table", "optimize", "vitals")
    #expect(try lake.run("table", "vacuum", "vitals").output == "vitals: 0 files of 0 bytes deleted\n")
    let refused = try lake.failure("table", "vacuum", "vitals", "--retain", "0")
    #expect(refused.contains("below the table's 168") && refused.contains("--force"))
    #expect(try lake.failure("table", "vacuum", "vitals", "--force", status: 2).contains("--retain"))
    let words = ["table", "vacuum", "vitals", "--retain", "0", "--force"]
    let dry = try lake.run(words + ["--dry-run"]).output.split(separator: "\n")
    try #require(dry.count == 13)
    #expect(dry.dropLast().allSatisfy { $0.hasPrefix("part-") && $0.hasSuffix(".parquet") })
    #expect(dry[12].hasPrefix("vitals: 12 files of ") && dry[12].hasSuffix(" bytes would be deleted"))
    #expect(try lake.run(words).output == dry[12].replacing("would be deleted", with: "deleted") + "\n")
    try Self.expectPeersAgree(lake, rows: 111)
    #expect(try lake.failure("table", "restore", "vitals", "--version", "3").contains("is gone"))
  }

  @Test func restore() throws {
    let lake = try Self.lake()
    _ = try lake.run("table", "optimize", "vitals")
    let outcome = try lake.run("table", "restore", "vitals", "--version", "3")
    #expect(outcome.succeeded && outcome.output.hasSuffix("version 14 is as version 3, with 21 rows\n"), "\(outcome)")
    #expect(outcome.output.hasPrefix("vitals: 3 files of ") && outcome.output.contains("returned, 1 file of "))
    try Self.expectPeersAgree(lake, rows: 21)
    #expect(try lake.run("table", "restore", "vitals", "--timestamp", "2100-01-01").succeeded)
    #expect(try lake.failure("table", "restore", "vitals", "--version", "99").contains("has no version 99"))
    #expect(try lake.failure("table", "restore", "vitals", status: 2).contains("give --version N or --timestamp TIME"))
  }

  @Test func checkpointAndProperties() throws {
    let lake = try Self.lake()
    let outcome = try lake.run("table", "checkpoint", "vitals")
    #expect(outcome.output.hasPrefix("vitals: checkpoint of version 12 with 12 files of "), "\(outcome)")
    #expect(outcome.output.hasSuffix(" bytes; 0 files of the log deleted\n"))
    #expect(
      FileManager.default.fileExists(
        atPath: lake.location("vitals") + "/_delta_log/00000000000000000012.checkpoint.parquet"))
    let set = try lake.run(
      "table", "set-property", "vitals", "delta.deletedFileRetentionDuration=interval 2 days", "owner=ward 7")
    #expect(set.output == "vitals: delta.deletedFileRetentionDuration, owner changed; version 13\n", "\(set)")
    let shown = try lake.run("table", "show", "vitals").output
    #expect(shown.contains("owner = ward 7") && shown.contains("interval 2 days"))
    #expect(try lake.failure("table", "vacuum", "vitals", "--retain", "47").contains("below the table's 48"))
    #expect(try lake.run("table", "set-property", "vitals", "owner=").succeeded)
    #expect(try !lake.run("table", "show", "vitals").output.contains("owner"))
    #expect(try lake.failure("table", "set-property", "vitals", status: 2).contains("NAME=VALUE is missing"))
    #expect(try lake.failure("table", "set-property", "vitals", "owner", status: 2).contains("not NAME=VALUE"))
    try Self.expectPeersAgree(lake, rows: 111)
  }
}
