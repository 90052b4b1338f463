import DeltaLake
import DuckDB
import LakewardTesting
import Testing

/// Which files' rows came or went between two versions, and when nobody can tell.
@Suite struct ChangedFilesTests {
  private static let columns = "1::BIGINT AS id, 'x'::VARCHAR AS name"

  private static func filled() throws -> (bench: Bench, table: DeltaTable) {
    let bench = try Bench()
    let table = try bench.table(columns)
    #expect(try bench.append("SELECT 1::BIGINT AS id, 'a' AS name", to: table) == .committed(version: 1))
    #expect(try bench.append("SELECT 2::BIGINT AS id, 'b' AS name", to: table) == .committed(version: 2))
    return (bench, table)
  }

  @Test func addedRowsAreTheirFiles() throws {
    let (bench, table) = try Self.filled()
    let newest = try table.snapshot()
    #expect(try table.appendedFiles(after: 0, through: newest)?.count == 2)
    #expect(try table.appendedFiles(after: 1, through: newest)?.count == 1)
    #expect(try table.changedFiles(after: 2, through: newest)?.isEmpty == true)
    // Compaction moves rows: nothing came.
    _ = try DeltaEditor(connection: bench.connection).optimize(table)
    #expect(try table.appendedFiles(after: 2, through: table.snapshot())?.isEmpty == true)
  }

  /// The commit that adds a column says what the columns are now; that they were others before is told by the earlier version alone.
  @Test func otherColumnsCannotBeTold() throws {
    let (bench, table) = try Self.filled()
    #expect(try table.addColumns([StructField("ward", .string)]) == 3)
    let widened = try table.snapshot()
    for version in 0...2 as ClosedRange<Int64> {
      #expect(try table.changedFiles(after: version, through: widened) == nil, "after version \(version)")
      #expect(try table.appendedFiles(after: version, through: widened) == nil, "after version \(version)")
    }
    #expect(try table.changedFiles(after: 3, through: widened)?.isEmpty == true)
    _ = try bench.append("SELECT 3::BIGINT AS id, 'c' AS name, 'north' AS ward", to: table)
    #expect(try table.appendedFiles(after: 2, through: table.snapshot()) == nil)
    #expect(try table.appendedFiles(after: 3, through: table.snapshot())?.count == 1)
    // Between two versions before the column came, all is as it was.
    #expect(try table.appendedFiles(after: 1, through: table.snapshot(version: 2))?.count == 1)
  }

  /// Properties and descriptions are metadata too, and change no row.
  @Test func otherPropertiesChangeNothing() throws {
    let (bench, table) = try Self.filled()
    _ = try table.setProperties(["delta.logRetentionDuration": "interval 3 days"])
    _ = try bench.append("SELECT 3::BIGINT AS id, 'c' AS name", to: table)
    #expect(try table.appendedFiles(after: 1, through: table.snapshot())?.count == 2)
    #expect(try table.changedFiles(after: 0, through: table.snapshot())?.count == 3)
  }
}
