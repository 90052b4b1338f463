/// Files written anew from others of a table, durable, with the same rows. They belong to no version until
/// `DeltaTable.commit(_:)`; a process that dies before leaves files that `vacuum` finds.
public struct Rewrite: Sendable {
  /// The files whose rows were written anew.
  public let removed: [AddFile]
  /// What takes their place.
  public let added: [AddFile]
  /// Rows in either.
  public let rows: Int64
  /// The metadata that the new files were written for.
  let metadata: TableMetadata
}

extension DeltaEditor {
  /// Writes groups of small files anew as one file each, without a commit.
  ///
  /// - Parameter groups: live files of the snapshot; all files of a group have the same partition values.
  /// - Throws: errors of reading and writing; `engine` if a row is missing or too many.
  public func rewrite(
    _ groups: [[AddFile]], of snapshot: Snapshot, in table: DeltaTable
  ) throws(DeltaError) -> Rewrite {
    try ProtocolRules.checkWritable(snapshot.tableProtocol)
    var added: [AddFile] = []
    for group in groups { added += try joined(group, of: snapshot, table) }
    let removed = groups.flatMap { $0 }
    return Rewrite(
      removed: removed, added: added, rows: try Self.checkRows(removed, added, table), metadata: snapshot.metadata)
  }

  /// The rows of some files as new files, in the table's order.
  func joined(_ files: [AddFile], of snapshot: Snapshot, _ table: DeltaTable) throws(DeltaError) -> [AddFile] {
    let rows = Clustering.sql(try DeltaReader.scanSQL(snapshot, files: files), snapshot.clusterColumns)
    return try writer.write(rows, into: snapshot, store: table.store, now: table.clock())
  }

  /// The number of rows of the new files, which must be that of the old ones where these say it.
  static func checkRows(_ removed: [AddFile], _ added: [AddFile], _ table: DeltaTable) throws(DeltaError) -> Int64 {
    let written = added.reduce(0) { $0 + (FileStatistics.numRecords($1.statisticsText) ?? 0) }
    var resolver = StatisticsResolver()
    var expected: Int64 = 0
    for file in removed {
      guard let count = FileStatistics.numRecords(try resolver.text(file.statistics)) else { return written }
      expected += count - (file.deletionVector?.cardinality ?? 0)
    }
    guard written == expected else {
      throw DeltaError(
        .engine, "\(table.location): rewriting \(expected) rows gave \(written); nothing was committed",
        hint: "check the table's files with another reader")
    }
    return written
  }
}

extension DeltaTable {
  /// Puts rewritten files in the place of the old ones, as one commit that changes no row. Appends of others in
  /// between do not matter.
  ///
  /// - Returns: the version; nil if an old file has left the table, or its columns have changed, since the rewrite
  ///   began. The new files are then deleted and the table is as it was.
  public func commit(_ rewrite: Rewrite, operation: String = "OPTIMIZE") throws(DeltaError) -> Int64? {
    let snapshot = try update()
    let isCurrent =
      snapshot.metadata == rewrite.metadata && rewrite.removed.allSatisfy { snapshot.files[$0.key] != nil }
    if isCurrent {
      let now = clock()
      var pending = PendingCommit(operation: operation)
      pending.parameters = ["auto": "true"]
      pending.reads = .files(Set(rewrite.removed.map(\.key)))
      pending.metrics = [
        "numAddedFiles": String(rewrite.added.count), "numRemovedFiles": String(rewrite.removed.count),
        "numRewrittenRows": String(rewrite.rows),
      ]
      pending.actions = rewrite.removed.map { .remove(RemoveFile($0, at: now, dataChange: false)) }
      pending.actions += rewrite.added.map { file in
        var file = file
        file.dataChange = false
        return .add(file)
      }
      if case .committed(let committed) = try commit(pending, from: snapshot) { return committed.version }
    }
    for file in rewrite.added { try store.delete(file.decodedPath) }
    return nil
  }
}
