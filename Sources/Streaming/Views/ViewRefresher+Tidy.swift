internal import DeltaLake
internal import DuckDB
internal import Pipelines

extension ViewRefresher {
  /// Joins small files of the views, trims their logs and deletes files that no version within the retention names.
  public func tidy() throws {
    for view in pipeline.materializedViews where DeltaTable.exists(at: lake.location(ofTable: view.name)) {
      let table = try lake.table(named: view.name)
      guard ViewState(try table.snapshot()).owner == pipeline.name else { continue }
      try joinSmallFiles(of: table)
      try table.cleanUpLog(keeping: 1_000)
      _ = try table.vacuum()
    }
  }

  /// A refresh by keys leaves a small file in each partition that it touches. Another refresh that is faster wins: then the
  /// files are joined after it.
  private func joinSmallFiles(of table: DeltaTable) throws {
    let snapshot = try table.snapshot()
    let files = Array(snapshot.files)
    let groups = CompactionPolicy(minimumAge: 0).groups(TableMaintenance.described(files), now: .max)
    guard !groups.isEmpty else { return }
    let rewrite = try DeltaEditor(connection: connection).rewrite(
      groups.map { $0.map { files[$0.index] } }, of: snapshot, in: table)
    _ = try table.commit(rewrite)
  }
}
