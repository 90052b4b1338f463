/// New rows for a whole table or for some of its files, worked out on one version of it.
public struct Replacement: Sendable {
  /// Live files of that version that leave.
  public var removed: [AddFile]
  /// Durable files that enter, as `DeltaWriter` gives them.
  public var added: [AddFile]
  /// The commit is refused if the table holds one of these versions, or a newer one, already.
  public var transactions: [AppTransaction]
  /// Written as they are, whatever the table holds.
  public var positions: [AppTransaction]
  /// Name for the history.
  public var operation: String
  /// Parameters for the history.
  public var parameters: [String: String]
  /// Measures for the history.
  public var metrics: [String: String]

  /// A replacement of files by others.
  public init(
    removed: [AddFile], added: [AddFile], transactions: [AppTransaction] = [], positions: [AppTransaction] = [],
    operation: String, parameters: [String: String] = [:], metrics: [String: String] = [:]
  ) {
    self.removed = removed
    self.added = added
    self.transactions = transactions
    self.positions = positions
    self.operation = operation
    self.parameters = parameters
    self.metrics = metrics
  }
}

/// How a replacement ended.
public enum ReplaceOutcome: Sendable, Hashable {
  /// It is in the table as of this version.
  case committed(version: Int64)
  /// Another writer changed the table's rows meanwhile; nothing was written. Work it out anew.
  case overtaken(reason: String)
}

extension DeltaTable {
  /// Commits a replacement that was worked out on a version of the table, all of it in one commit.
  ///
  /// - Parameters:
  ///   - snapshot: the version that it was worked out on.
  ///   - definition: that version as `Snapshot.redefined` gave it, if columns, partitioning or properties change too.
  /// - Throws: errors of the store.
  public func commit(
    _ replacement: Replacement, on snapshot: Snapshot, as definition: Snapshot? = nil
  ) throws(DeltaError) -> ReplaceOutcome {
    let now = clock()
    var pending = PendingCommit(operation: replacement.operation)
    pending.parameters = replacement.parameters
    pending.metrics = replacement.metrics
    pending.metrics["numAddedFiles"] = String(replacement.added.count)
    pending.metrics["numRemovedFiles"] = String(replacement.removed.count)
    pending.transactions = replacement.transactions
    pending.reads = .table
    if let definition, definition.tableProtocol != snapshot.tableProtocol {
      pending.actions.append(.tableProtocol(definition.tableProtocol))
    }
    if let definition, definition.metadata != snapshot.metadata {
      pending.actions.append(.metadata(definition.metadata))
    }
    pending.actions += replacement.positions.map { position in
      var position = position
      position.lastUpdated = position.lastUpdated ?? now
      return .transaction(position)
    }
    pending.actions += replacement.removed.map { .remove(RemoveFile($0, at: now)) }
    pending.actions += replacement.added.map(Action.add)
    switch try commit(pending, from: snapshot) {
    case .committed(let result): return .committed(version: result.version)
    case .stale(let appId, let version): return .overtaken(reason: "\(appId) is at version \(version) already")
    case .conflict(let reason): return .overtaken(reason: reason)
    }
  }
}

extension Snapshot {
  /// This version as it would be with other columns and partitioning, to write files for that will replace every row.
  ///
  /// - Parameter properties: added to the table's properties, in the place of those of the same name.
  /// - Throws: `invalidSchema`, `unsupportedFeature`.
  public func redefined(
    schema: Schema, partitionColumns: [String], description: String?, properties: [String: String]
  ) throws(DeltaError) -> Snapshot {
    var state = state
    var schema = schema
    var metadata = metadata
    metadata.partitionColumns = partitionColumns
    metadata.description = description
    metadata.configuration.merge(properties) { $1 }
    _ = try NewTable.prepare(&schema, &metadata)
    metadata.schemaString = schema.json
    state.metadata = metadata
    if let raised = tableProtocol.raised(schema, metadata) {
      try ProtocolRules.checkWritable(raised)
      state.tableProtocol = raised
    }
    return try Snapshot(state, store)
  }
}
