import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

@Suite struct MaintenanceTests {
  @Test(arguments: [[], ["part"]])
  func smallFilesAreJoined(_ partitionColumns: [String]) throws {
    let bench = try Bench()
    let table = try bench.filled(
      partitionColumns: partitionColumns, configuration: ["delta.appendOnly": "true"], files: 12)
    let before = try bench.sum(table)
    let outcome = try bench.editor.optimize(table)
    #expect(try table.snapshot().files.count == max(1, partitionColumns.count * 3))
    #expect(outcome.filesRemoved > outcome.filesAdded)
    #expect(try bench.sum(table) == before)
    #expect(try bench.editor.optimize(table).filesAdded == 0)
    try bench.expectPeersAgree(table)
    let feed = try DeltaReader.changesSQL(table, from: outcome.version)
    #expect(try bench.connection.query("SELECT count(*) FROM \(feed)").scalar() == 0)
  }

  @Test func deletedRowsLeaveTheFilesWhenOptimized() throws {
    let bench = try Bench()
    let table = try bench.filled(configuration: ["delta.enableDeletionVectors": "true"], files: 1)
    _ = try bench.editor.delete(from: table, where: "id < 5")
    _ = try bench.editor.optimize(table)
    #expect(try table.snapshot().files.allSatisfy { $0.deletionVector == nil })
    #expect(try bench.rows(table, "count(*)", order: "1") == [[995]])
    try bench.expectPeersAgree(table)
  }

  @Test func aZOrderPrunesBothColumns() throws {
    let bench = try Bench()
    let table = try bench.table("1::BIGINT AS x, 1::BIGINT AS y, 'x' AS pad")
    _ = try bench.append(
      "SELECT (hash(i) % 1000)::BIGINT AS x, (hash(i + 1000000) % 1000)::BIGINT AS y, md5(i::VARCHAR) AS pad FROM range(100000) AS r(i)",
      to: table)
    let editor = DeltaEditor(connection: bench.connection, options: .init(rowGroupSize: 8192))
    _ = try editor.optimize(table, zorderBy: ["x", "y"], fileBytes: 1 << 17)
    let snapshot = try table.snapshot()
    let all = snapshot.files.count
    #expect(all > 4)
    for column in ["x", "y"] {
      let kept = try snapshot.files(matching: [ColumnFilter(column, .equal(.int(17)))]).count
      #expect(kept <= all * 3 / 4, "\(column): \(kept) of \(all)")
    }
    #expect(try bench.rows(table, "count(*)", order: "1") == [[100_000]])
    try bench.expectPeersAgree(table)
  }

  @Test func vacuumDeletesOnlyWhatNobodyNeeds() throws {
    let bench = try Bench()
    let clock = TestClock(DeltaTable.systemClock())
    _ = try bench.filled(configuration: ["delta.enableDeletionVectors": "true"])
    let table = try DeltaTable(store: LocalStore(bench.path()), clock: clock.read)
    _ = try bench.editor.delete(from: table, where: "id < 5")
    _ = try bench.editor.optimize(table)
    _ = try bench.folder.write("stray", to: "table/stray.parquet")
    _ = try bench.folder.write("keep", to: "table/_other/file.parquet")
    #expect(throws: DeltaError.self) { try table.vacuum(retentionHours: 0) }
    #expect(try table.vacuum().isEmpty)
    clock.advance(hours: 24 * 8)
    let planned = try table.vacuum(dryRun: true)
    #expect(planned.count == 6, "\(planned)")
    #expect(planned.contains("stray.parquet") && planned.contains { $0.hasSuffix(".bin") })
    #expect(try table.vacuum() == planned)
    #expect(try table.vacuum().isEmpty)
    #expect(bench.folder.listing().contains("table/_other/file.parquet"))
    #expect(try bench.rows(table, "count(*)", order: "1") == [[995]])
    let gone = #expect(throws: DeltaError.self) { try bench.editor.restore(table, to: 3) }
    #expect(gone?.code == .missingFile)
    try bench.expectPeersAgree(table)
  }

  @Test func theLogIsCleanedUpBehindACheckpoint() throws {
    let bench = try Bench()
    let clock = TestClock(DeltaTable.systemClock())
    _ = try bench.filled(100, files: 25)
    let table = try DeltaTable(store: LocalStore(bench.path()), clock: clock.read)
    #expect(try table.cleanUpLog() == 0)
    clock.advance(hours: 24 * 31)
    #expect(try table.cleanUpLog() == 21)
    let fresh = try DeltaTable(at: bench.path())
    #expect(try bench.rows(fresh, "count(*)", order: "1") == [[100]])
    #expect(throws: DeltaError.self) { try fresh.snapshot(version: 5) }
    #expect(try fresh.history().count == 6)
    try bench.expectPeersAgree(fresh)
  }

  @Test func inCommitTimestampsTellTheTime() throws {
    let bench = try Bench()
    let clock = TestClock(1_700_000_000_000)
    let schema = Schema([StructField("id", .long)])
    let table = try DeltaTable.create(
      in: LocalStore(bench.path()), schema: schema, configuration: ["delta.enableInCommitTimestamps": "true"],
      clock: clock.read)
    for index in 1...3 {
      clock.advance(hours: 1)
      _ = try bench.append("SELECT \(index)::BIGINT AS id", to: table)
    }
    // A clock that stands still still gives growing times.
    _ = try bench.append("SELECT 4::BIGINT AS id", to: table)
    #expect(try table.snapshot().timestamp == 1_700_000_000_000 + 3 * 3_600_000 + 1)
    #expect(try table.snapshot(timestamp: 1_700_000_000_000 + 2 * 3_600_000 + 5).version == 2)
    #expect(throws: DeltaError.self) { try table.snapshot(timestamp: 1_600_000_000_000) }
    try bench.expectPeersAgree(table)
  }
}

/// A clock that only moves when a test says so.
final class TestClock: @unchecked Sendable {
  private let lock = NSLock()
  private var now: Int64

  init(_ now: Int64) { self.now = now }

  var read: @Sendable () -> Int64 { { self.lock.withLock { self.now } } }

  func advance(hours: Int64) { lock.withLock { now += hours * 3_600_000 } }
}
