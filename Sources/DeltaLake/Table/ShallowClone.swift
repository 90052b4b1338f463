import Foundation

extension DeltaTable {
  /// Makes a table with the columns and properties of a version of another, whose files stay where they are: its log
  /// names them by their absolute paths (PROTOCOL.md, "Add File and Remove File"). Both must be in the local file system.
  ///
  /// - Parameters:
  ///   - files: live files of the version.
  ///   - location: a folder without a table.
  ///   - transactions: what the new table's `txn` actions say.
  public static func shallowClone(
    of snapshot: Snapshot, files: [AddFile], at location: String, transactions: [AppTransaction]
  ) throws(DeltaError) -> DeltaTable {
    let clone = try create(
      at: location, schema: snapshot.schema, partitionColumns: snapshot.partitionColumns, name: snapshot.metadata.name,
      description: snapshot.metadata.description, configuration: snapshot.metadata.configuration)
    var resolver = StatisticsResolver()
    var named: [AddFile] = []
    for file in files {
      var file = file
      file.path = try snapshot.absolutePath(file)
      file.statistics = try resolver.text(file.statistics).map(StoredStatistics.text) ?? .absent
      named.append(file)
    }
    _ = try clone.append(named, transactions: transactions, operation: "CLONE")
    return clone
  }

  /// What a shallow clone of this table holds now and did not when it was made: which of the table's files it has not,
  /// and which files are its own.
  ///
  /// - Parameter snapshot: the version that was cloned.
  public func difference(
    from snapshot: Snapshot, to clone: DeltaTable
  ) throws(DeltaError) -> (removed: [AddFile], added: [AddFile]) {
    let now = try clone.update()
    var kept: Set<String> = []
    var added: [AddFile] = []
    for file in now.files {
      if FilePath.isAbsolute(file.path) { kept.insert(file.path) } else { added.append(file) }
    }
    var removed: [AddFile] = []
    for file in snapshot.files where !kept.contains(try snapshot.absolutePath(file)) { removed.append(file) }
    return (removed, added)
  }

  /// Moves files of a clone's own into this table's folder. They are durable there on return and belong to no version.
  public func adopt(_ files: [AddFile], from clone: DeltaTable) throws(DeltaError) {
    for file in files {
      let target = try store.localPath(file.decodedPath)
      let folder = (target as NSString).deletingLastPathComponent
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      } catch {
        throw DeltaError(.storage, "\(folder): the folder cannot be made: \(error.localizedDescription)")
      }
      guard rename(try clone.store.localPath(file.decodedPath), target) == 0 else {
        throw DeltaError(errno: errno, "the file cannot be moved here", target)
      }
    }
    try store.publish(files.map(\.decodedPath))
  }
}

extension DeltaEditor {
  /// The live files that have rows which meet a condition, and those that have none.
  public func separate(
    _ snapshot: Snapshot, _ condition: String
  ) throws(DeltaError) -> (touched: [AddFile], untouched: [AddFile]) {
    let touched = try affectedFiles(snapshot, condition).files
    let keys = Set(touched.map(\.key))
    return (touched, snapshot.files.filter { !keys.contains($0.key) })
  }
}

extension Snapshot {
  /// The path that names a file from anywhere.
  func absolutePath(_ file: AddFile) throws(DeltaError) -> String {
    if FilePath.isAbsolute(file.path) { return file.path }
    return FilePath.encode(try store.localPath(file.decodedPath))
  }
}
