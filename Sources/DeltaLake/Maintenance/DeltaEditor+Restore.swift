extension DeltaEditor {
  /// Makes the table what it was at an earlier version, as a new commit: files that have come since leave, files that
  /// have gone return, schema and properties are those of then.
  ///
  /// - Throws: `versionNotFound`; `missingFile` if a file of that version was vacuumed.
  public func restore(_ table: DeltaTable, to version: Int64) throws(DeltaError) -> Outcome {
    try commit(table, "RESTORE", ["version": String(version)]) { snapshot throws(DeltaError) in
      let wanted = try table.snapshot(version: version)
      var change = Change()
      var resolver = StatisticsResolver()
      let now = Dictionary(snapshot.files.map { ($0.key, $0) }) { first, _ in first }
      let then = Dictionary(wanted.files.map { ($0.key, $0) }) { first, _ in first }
      change.removed = snapshot.files.filter { then[$0.key] == nil }
      for file in wanted.files where now[file.key] == nil {
        if !FilePath.isAbsolute(file.path), try table.store.attributes(file.decodedPath) == nil {
          throw DeltaError(
            .missingFile, "\(table.location): \(file.path) of version \(version) is gone",
            hint: "choose a version that has not been vacuumed")
        }
        var file = file
        file.statistics = try resolver.text(file.statistics).map(StoredStatistics.text) ?? .absent
        change.added.append(file)
      }
      if wanted.metadata != snapshot.metadata { change.extra.append(.metadata(wanted.metadata)) }
      change.reads = .table
      return change
    }
  }
}
