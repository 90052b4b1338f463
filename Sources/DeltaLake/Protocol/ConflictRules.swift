/// What a writer read to decide on its commit.
enum ReadSet: Sendable {
  /// Nothing: a blind append.
  case nothing
  /// Exactly these files; new files of others do not matter (compaction, row-level changes by file).
  case files(Set<FileKey>)
  /// The whole table, where rows that are appended meanwhile may count as coming later.
  case table
  /// The whole table, and every row that comes meanwhile matters.
  case everyRow
}

/// Decides whether a commit may go on behind another writer's. Pure.
enum ConflictRules {
  /// The reason why `pending` may not follow `actions`; nil if it may.
  static func conflict(
    _ pending: PendingCommit, _ start: Snapshot, _ actions: [Action], _ newest: Snapshot
  ) -> String? {
    var info: CommitInfo?
    var changesProtocol = false
    var metadata: TableMetadata?
    var addedData = false
    var removed: Set<FileKey> = []
    var removedData = false
    for action in actions {
      switch action {
      case .commitInfo(let value): info = value
      case .tableProtocol: changesProtocol = true
      case .metadata(let value): metadata = value
      case .add(let file):
        addedData = addedData || file.dataChange
      case .remove(let file):
        removed.insert(file.key)
        removedData = removedData || file.dataChange
      case .transaction, .domain, .cdc, .sidecar, .checkpointMetadata: break
      }
    }
    let who = info?.operation.map { "\($0) of another writer" } ?? "another writer"
    if changesProtocol { return "\(who) changed the protocol" }
    if let metadata, !isHarmless(metadata, start.metadata, pending) { return "\(who) changed the metadata" }
    for case .metadata in pending.actions where metadata != nil { return "\(who) changed the metadata too" }
    for case .remove(let file) in pending.actions where removed.contains(file.key) {
      return "\(who) removed the same file"
    }
    switch pending.reads {
    case .nothing: return nil
    case .files(let keys):
      return keys.isDisjoint(with: removed) ? nil : "\(who) removed a file that was read"
    case .everyRow:
      return addedData ? "\(who) added rows that were not read" : nil
    case .table:
      if removedData { return "\(who) removed files that were read" }
      // Write-serializable: a blind append may be thought of as having happened after this commit.
      if addedData, info?.isBlindAppend != true { return "\(who) added rows that were not read" }
      return nil
    }
  }

  /// Files that were written for the old metadata fit the new one if columns and partitioning are the same.
  private static func isHarmless(_ new: TableMetadata, _ old: TableMetadata, _ pending: PendingCommit) -> Bool {
    new.schemaString == old.schemaString && new.partitionColumns == old.partitionColumns
      && new.configuration["delta.columnMapping.mode"] == old.configuration["delta.columnMapping.mode"]
      && new.configuration.filter { $0.key.hasPrefix("delta.constraints.") }
        == old.configuration.filter { $0.key.hasPrefix("delta.constraints.") }
  }
}
