/// How an append ended.
public enum AppendOutcome: Sendable, Hashable {
  /// The files are in the table as of this version.
  case committed(version: Int64)
  /// The table already has this version of the application, or a part of what leads to it; nothing was written.
  case stale(appId: String, version: Int64)
}

extension DeltaTable {
  /// Adds files without having read the table. Other writers' commits in between are no conflict unless they change
  /// the schema or the protocol.
  ///
  /// - Parameters:
  ///   - files: as `DeltaWriter` gives them; their data is durable already.
  ///   - transactions: written in the same commit; each version must be above what the table holds.
  ///   - continuing: versions by application from which the files go on. A table that is beyond one of them holds a part
  ///     of the files' rows already: another writer cut its batches elsewhere.
  ///   - operation: name for the history.
  ///   - metrics: measures for the history.
  ///   - userMetadata: free text for the history.
  /// - Throws: `unsupportedFeature` for a table that may not be written here, `conflict` if the schema changed,
  ///   errors of the store.
  public func append(
    _ files: [AddFile], transactions: [AppTransaction] = [], continuing: [String: Int64] = [:],
    operation: String = "STREAMING UPDATE", metrics: [String: String] = [:], userMetadata: String? = nil
  ) throws(DeltaError) -> AppendOutcome {
    var commit = PendingCommit(operation: operation)
    commit.isBlindAppend = true
    commit.parameters = ["mode": "Append"]
    commit.metrics = metrics
    commit.metrics["numFiles"] = metrics["numFiles"] ?? String(files.count)
    commit.metrics["numOutputBytes"] = metrics["numOutputBytes"] ?? String(files.reduce(0) { $0 + $1.size })
    commit.userMetadata = userMetadata
    commit.transactions = transactions
    commit.continuing = continuing
    commit.actions = files.map(Action.add)
    let outcome = try self.commit(commit, from: try update())
    switch outcome {
    case .committed(let snapshot): return .committed(version: snapshot.version)
    case .stale(let appId, let version): return .stale(appId: appId, version: version)
    case .conflict(let reason):
      throw DeltaError(
        .conflict, "\(location): the append met a change of the table: \(reason)",
        hint: "read the new schema, write the files again and append them")
    }
  }
}
