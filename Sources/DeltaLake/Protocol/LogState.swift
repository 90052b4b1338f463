/// What the log says at a version: the result of replaying actions (PROTOCOL.md, "Action Reconciliation").
struct LogState: Sendable {
  var version: Int64
  /// Milliseconds since 1970; the in-commit timestamp where the table has one, else the time of the commit file.
  var timestamp: Int64 = 0
  var tableProtocol: TableProtocol?
  var metadata: TableMetadata?
  var transactions: [String: AppTransaction] = [:]
  var domains: [String: DomainMetadata] = [:]
  var files = FileSet()
  /// Files removed by the commits after the checkpoint.
  var tombstones: [FileKey: RemoveFile] = [:]
  /// Every file that the commits after the checkpoint add or remove: what the checkpoint says of it is void.
  var touched: Set<FileKey> = []
  /// The checkpoint that this state builds on; tombstones from before it lie only there.
  var checkpoint: CheckpointFiles?

  init(version: Int64 = -1) { self.version = version }

  /// Applies the actions of one commit: its removes first, so that a file may change its deletion vector.
  mutating func apply(_ actions: [Action], version: Int64) {
    self.version = version
    for case .remove(let file) in actions {
      let key = file.key
      files.remove(key)
      tombstones[key] = file
      touched.insert(key)
    }
    for action in actions {
      switch action {
      case .add(let file):
        let key = file.key
        files.insert(file)
        tombstones[key] = nil
        touched.insert(key)
      case .metadata(let value): metadata = value
      case .tableProtocol(let value): tableProtocol = value
      case .transaction(let value): transactions[value.appId] = value
      case .domain(let value): domains[value.domain] = value
      case .remove, .cdc, .commitInfo, .sidecar, .checkpointMetadata: break
      }
    }
  }
}

/// The files of a checkpoint that hold file actions.
struct CheckpointFiles: Sendable, Hashable {
  var version: Int64
  /// Parquet files with add and remove actions, as paths below the table.
  var parquet: [String]
}
