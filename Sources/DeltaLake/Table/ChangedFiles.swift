/// What came and went between two versions of a table, by the files whose rows did.
public struct FileChange: Sendable {
  /// Files whose rows came, as live at the later version.
  public var came: [AddFile]
  /// Files whose rows went, with the deletion vectors of the earlier version; without statistics.
  public var went: [AddFile]

  /// Bytes of the files that came and of those that went.
  public var bytes: Int64 { (came + went).reduce(0) { $0 + $1.size } }
  /// Whether no row came or went.
  public var isNothing: Bool { came.isEmpty && went.isEmpty }
}

extension DeltaTable {
  /// The files whose rows came and those whose rows went between two versions: the rows of `came` less those of `went`, as
  /// bags, are exactly what changed. Rows that were only moved (compaction) are in neither.
  ///
  /// - Parameters:
  ///   - version: the earlier version.
  ///   - snapshot: the later version.
  /// - Returns: nil if nobody can tell any more, as for `changedFiles`.
  /// - Throws: errors of the store; `corruptLog`.
  public func fileChange(after version: Int64, through snapshot: Snapshot) throws(DeltaError) -> FileChange? {
    guard let changes = try changes(after: version, through: snapshot) else { return nil }
    return FileChange(
      came: changes.came.values.sorted { $0.path < $1.path }, went: changes.went.values.sorted { $0.path < $1.path })
  }

  /// The files that hold every row that came or went between two versions. Rows that were only moved (compaction) do not
  /// count, nor files that came and went again.
  ///
  /// The files are given without deletion vectors, so they hold other rows too; some are no longer live.
  ///
  /// - Parameters:
  ///   - version: the earlier version.
  ///   - snapshot: the later version.
  /// - Returns: nil if nobody can tell any more: a commit between the two has left the log, a file is gone, or the table
  ///   got other columns or another partitioning.
  /// - Throws: errors of the store; `corruptLog`.
  public func changedFiles(after version: Int64, through snapshot: Snapshot) throws(DeltaError) -> [AddFile]? {
    try changes(after: version, through: snapshot)?.files.values.sorted { $0.path < $1.path }
  }

  /// The files that hold exactly the rows that came between two versions; nil if rows went too, or nobody can tell any
  /// more. Some may no longer be live, because their rows were moved.
  ///
  /// - Parameters:
  ///   - version: the earlier version.
  ///   - snapshot: the later version.
  /// - Throws: errors of the store; `corruptLog`.
  public func appendedFiles(after version: Int64, through snapshot: Snapshot) throws(DeltaError) -> [AddFile]? {
    guard let changes = try changes(after: version, through: snapshot), changes.isOnlyAppended else { return nil }
    return changes.files.values.sorted { $0.path < $1.path }
  }

  private func changes(after version: Int64, through snapshot: Snapshot) throws(DeltaError) -> FileChanges? {
    guard version >= 0, version <= snapshot.version else { return nil }
    var changes = FileChanges()
    for next in version..<snapshot.version {
      let path = LogPath.commit(next + 1).path
      var actions: [Action] = []
      do throws(DeltaError) {
        try ActionDecoder.decode(try store.read(path), file: path, version: next + 1, wanted: .state) {
          actions.append($0)
        }
      } catch  where error.code == .missingFile {
        return nil
      }
      guard changes.note(actions, in: snapshot.metadata) else { return nil }
    }
    // The log says what the columns became, not what they were.
    if changes.hasMetadata {
      guard let then = try? self.snapshot(version: version),
        FileChanges.hasSameColumns(then.metadata, snapshot.metadata)
      else { return nil }
    }
    for file in changes.files.values where snapshot.files[file.key] == nil && !FilePath.isAbsolute(file.path) {
      guard try store.attributes(file.decodedPath) != nil else { return nil }
    }
    return changes
  }
}

/// Collects the files whose rows came or went. Pure.
struct FileChanges {
  private(set) var files: [String: AddFile] = [:]
  /// Whether no row has gone and every file's rows have all come.
  private(set) var isOnlyAppended = true
  /// The files as they are after the commits so far, and as they were before, where rows of them changed.
  private(set) var came: [String: AddFile] = [:]
  private(set) var went: [String: AddFile] = [:]
  /// Whether a commit carries the table's metadata.
  private(set) var hasMetadata = false
  /// Files whose rows all came in the commits so far.
  private var fresh: Set<String> = []

  /// Notes one commit, its removes first, so that a file may change its deletion vector. False: what came or went cannot
  /// be told.
  mutating func note(_ actions: [Action], in metadata: TableMetadata) -> Bool {
    for case .metadata(let value) in actions {
      hasMetadata = true
      guard Self.hasSameColumns(value, metadata) else { return false }
    }
    for case .remove(let file) in actions where file.dataChange {
      isOnlyAppended = false
      let isNew = came.removeValue(forKey: file.path) != nil
      if fresh.remove(file.path) != nil {
        files[file.path] = nil
        continue
      }
      guard let values = file.partitionValues ?? (metadata.partitionColumns.isEmpty ? [:] : nil) else { return false }
      var old = AddFile(path: file.path, partitionValues: values, size: file.size ?? 0, modificationTime: 0)
      files[file.path] = old
      guard !isNew else { continue }
      old.deletionVector = file.deletionVector
      went[file.path] = old
    }
    for case .add(let file) in actions where file.dataChange {
      came[file.path] = file
      if files[file.path] == nil, file.deletionVector == nil { fresh.insert(file.path) }
      if file.deletionVector != nil { isOnlyAppended = false }
      var bare = file
      bare.deletionVector = nil
      files[file.path] = bare
    }
    return true
  }

  /// Whether rows of one are rows of the other: the same columns, partitioning and way of naming columns in files.
  static func hasSameColumns(_ one: TableMetadata, _ other: TableMetadata) -> Bool {
    let mode = "delta.columnMapping.mode"
    return hasSameSchema(one, other) && one.partitionColumns == other.partitionColumns
      && one.configuration[mode] == other.configuration[mode]
  }

  private static func hasSameSchema(_ one: TableMetadata, _ other: TableMetadata) -> Bool {
    if one.schemaString == other.schemaString { return true }
    guard let left = try? Schema(json: one.schemaString), let right = try? Schema(json: other.schemaString) else {
      return false
    }
    return left.withoutDescription == right.withoutDescription
  }
}
