internal import DuckDB

extension DeltaReader {
  /// SQL for the change data feed of versions: the table's columns, `_change_type` (`insert`, `delete`,
  /// `update_preimage`, `update_postimage`), `_commit_version` and `_commit_timestamp`
  /// (PROTOCOL.md, "Change Data Files").
  ///
  /// - Parameters:
  ///   - start: first version.
  ///   - end: last version; nil for the newest.
  /// - Throws: `versionNotFound`, `missingFile` if a file of an old version is gone, and the errors of reading.
  public static func changesSQL(
    _ table: DeltaTable, from start: Int64, through end: Int64? = nil
  ) throws(DeltaError) -> String {
    let newest = try table.snapshot()
    let last = end ?? newest.version
    guard start >= 0, start <= last, last <= newest.version else {
      throw DeltaError(
        .versionNotFound, "\(table.location) has no versions \(start) to \(last)",
        hint: "the newest version is \(newest.version)")
    }
    let final = try table.snapshot(version: last)
    var selects: [String] = []
    for version in start...last {
      if let select = try changes(table, version, final) { selects.append(select) }
    }
    if selects.isEmpty {
      let columns = final.schema.fields.map { "NULL::\($0.type.sqlType) AS \(quoted(identifier: $0.name))" }
      selects = [
        "SELECT \(columns.joined(separator: ", ")), NULL::VARCHAR AS _change_type, NULL::BIGINT AS _commit_version, "
          + "NULL::TIMESTAMPTZ AS _commit_timestamp WHERE false"
      ]
    }
    return "(" + selects.joined(separator: " UNION ALL BY NAME ") + ")"
  }

  private static func changes(
    _ table: DeltaTable, _ version: Int64, _ final: Snapshot
  ) throws(DeltaError) -> String? {
    let path = LogPath.commit(version).path
    let entry = try table.store.attributes(path)
    var actions: [Action] = []
    do throws(DeltaError) {
      try ActionDecoder.decode(
        try table.store.read(path), file: path, version: version, wanted: [.state, .changes, .commitInfo]
      ) { actions.append($0) }
    } catch  where error.code == .missingFile {
      throw DeltaError(
        .versionNotFound, "\(table.location): commit \(version) is no longer in the log",
        hint: "begin at a later version")
    }
    var timestamp = entry?.modificationTime ?? 0
    for case .commitInfo(let info) in actions { timestamp = info.inCommitTimestamp ?? timestamp }
    let stamps = "\(version)::BIGINT AS _commit_version, make_timestamptz(\(timestamp)000::BIGINT) AS _commit_timestamp"
    let builder = ScanBuilder(final, final.schema.fields)
    var cdc: [AddFile] = []
    for case .cdc(let file) in actions {
      cdc.append(AddFile(path: file.path, partitionValues: file.partitionValues, size: file.size, modificationTime: 0))
    }
    if !cdc.isEmpty {
      let type = StructField("_change_type", .string)
      return "SELECT *, \(stamps) FROM \(try ScanBuilder(final, final.schema.fields + [type]).sql(cdc))"
    }
    let parts = try rowChanges(actions, final)
    var selects: [String] = []
    for (type, files) in [("insert", parts.inserted), ("delete", parts.deleted)] where !files.isEmpty {
      selects.append("SELECT *, '\(type)' AS _change_type, \(stamps) FROM \(try builder.sql(files))")
    }
    for (type, file, rows) in parts.partial where !rows.isEmpty {
      var partial = builder
      partial.onlyRows = rows
      selects.append("SELECT *, '\(type)' AS _change_type, \(stamps) FROM \(try partial.sql([file]))")
    }
    return selects.isEmpty ? nil : selects.joined(separator: " UNION ALL BY NAME ")
  }

  private typealias RowChanges = (
    inserted: [AddFile], deleted: [AddFile], partial: [(type: String, file: AddFile, rows: [Int64])]
  )

  /// Whole files that came or went, and for files whose deletion vector changed the rows that did.
  private static func rowChanges(_ actions: [Action], _ snapshot: Snapshot) throws(DeltaError) -> RowChanges {
    var removed: [String: RemoveFile] = [:]
    for case .remove(let file) in actions where file.dataChange { removed[file.path] = file }
    var changes: RowChanges = ([], [], [])
    let vectors = DeletedRows(snapshot)
    for case .add(let file) in actions where file.dataChange {
      guard let old = removed.removeValue(forKey: file.path) else {
        changes.inserted.append(file)
        continue
      }
      var before: [Int64] = []
      var after: [Int64] = []
      if let vector = old.deletionVector { before = try vectors.rows(vector) }
      if let vector = file.deletionVector { after = try vectors.rows(vector) }
      var bare = file
      bare.deletionVector = nil
      changes.partial.append(("delete", bare, Set(after).subtracting(before).sorted()))
      changes.partial.append(("insert", bare, Set(before).subtracting(after).sorted()))
    }
    for file in removed.values.sorted(by: { $0.path < $1.path }) {
      changes.deleted.append(
        AddFile(
          path: file.path, partitionValues: file.partitionValues ?? [:], size: file.size ?? 0, modificationTime: 0,
          deletionVector: file.deletionVector))
    }
    return changes
  }
}
