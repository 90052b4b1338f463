internal import DeltaLake
internal import DuckDB

/// Keeps the tables of a watch small, which get a small file in every round: the same policy as for the stream's tables.
final class WatchUpkeep {
  private let tables: [String]
  private let lake: Lake
  private let connection: Connection
  private let policy: CompactionPolicy
  private var cleaned = ContinuousClock.now

  /// - Parameter tables: Names; those that are not there yet are left out.
  init(tables: [String], lake: Lake, connection: Connection, policy: CompactionPolicy = CompactionPolicy()) {
    self.tables = tables
    self.lake = lake
    self.connection = connection
    self.policy = policy
  }

  /// Joins small files where there are enough; every hour deletes what no version names any more.
  func round(now: Int64 = DeltaTable.systemClock()) throws {
    let isCleaning = ContinuousClock.now - cleaned > .seconds(3_600)
    if isCleaning { cleaned = .now }
    for name in tables where DeltaTable.exists(at: lake.location(ofTable: name)) {
      let table = try lake.table(named: name)
      let snapshot = try table.snapshot()
      let files = Array(snapshot.files)
      let groups = policy.round(TableMaintenance.described(files), now: now)
      if !groups.isEmpty {
        let editor = DeltaEditor(connection: connection)
        // Another process may have joined them meanwhile: then nothing is committed.
        _ = try table.commit(editor.rewrite(groups.map { $0.map { files[$0.index] } }, of: snapshot, in: table))
      }
      guard isCleaning else { continue }
      try table.cleanUpLog(keeping: TableMaintenance.Schedule().keptVersions)
      _ = try table.vacuum()
    }
  }
}
