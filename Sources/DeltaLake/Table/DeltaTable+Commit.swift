internal import JSON

/// A commit before its version is known.
struct PendingCommit: Sendable {
  var operation: String
  var parameters: [String: String] = [:]
  var metrics: [String: String] = [:]
  var userMetadata: String?
  var isBlindAppend = false
  var transactions: [AppTransaction] = []
  /// The versions of applications that the commit continues: a table that is beyond one of them has its data already.
  var continuing: [String: Int64] = [:]
  var actions: [Action] = []
  /// What the decision to commit rests on; checked against the commits of others.
  var reads: ReadSet = .nothing

  init(operation: String) { self.operation = operation }
}

/// How an attempt to commit ended.
enum CommitOutcome: Sendable {
  case committed(Snapshot)
  case stale(appId: String, version: Int64)
  /// Another writer's commit makes this one wrong.
  case conflict(String)
}

extension DeltaTable {
  /// Writes the next version, going on behind other writers as long as they do not conflict.
  func commit(_ pending: PendingCommit, from start: Snapshot) throws(DeltaError) -> CommitOutcome {
    var current = start
    while true {
      try ProtocolRules.checkWritable(current.tableProtocol)
      for transaction in pending.transactions {
        if let known = current.transactions[transaction.appId], known >= transaction.version {
          return .stale(appId: transaction.appId, version: known)
        }
        if let known = current.transactions[transaction.appId], let start = pending.continuing[transaction.appId],
          known > start
        {
          return .stale(appId: transaction.appId, version: known)
        }
      }
      let version = current.version + 1
      let actions = try finished(pending, version: version, read: start, current: current)
      let path = LogPath.commit(version).path
      if try store.putIfAbsent(path, ActionEncoder.encode(actions)) {
        return .committed(try finish(actions, version: version, after: current))
      }
      let newer = try advanceOne(current)
      if let reason = ConflictRules.conflict(pending, start, newer.actions, newer.snapshot) { return .conflict(reason) }
      current = newer.snapshot
    }
  }

  /// Reads the one commit after a snapshot.
  private func advanceOne(_ snapshot: Snapshot) throws(DeltaError) -> (snapshot: Snapshot, actions: [Action]) {
    let version = snapshot.version + 1
    let path = LogPath.commit(version).path
    let bytes = try store.read(path)
    var state = snapshot.state
    let time = try store.attributes(path)?.modificationTime ?? clock()
    try loader.apply(bytes, path, version: version, modificationTime: time, to: &state)
    var actions: [Action] = []
    try ActionDecoder.decode(bytes, file: path, version: version, wanted: [.state, .commitInfo]) { actions.append($0) }
    let next = try Snapshot(state, store, previous: snapshot)
    remember(next)
    return (next, actions)
  }

  private func finished(
    _ pending: PendingCommit, version: Int64, read: Snapshot, current: Snapshot
  ) throws(DeltaError) -> [Action] {
    let now = clock()
    var fields: JSONObject = ["timestamp": .int(now)]
    if inCommitTimestamps(pending, current) {
      fields["inCommitTimestamp"] = .int(max(now, current.timestamp + 1))
    }
    fields["operation"] = .string(pending.operation)
    fields["operationParameters"] = .object(Self.object(pending.parameters))
    fields["readVersion"] = .int(read.version)
    fields["isolationLevel"] = .string("WriteSerializable")
    fields["isBlindAppend"] = .bool(pending.isBlindAppend)
    fields["operationMetrics"] = .object(Self.object(pending.metrics))
    fields["userMetadata"] = pending.userMetadata.map(JSONValue.string)
    fields["engineInfo"] = .string(CommitInfo.engine)
    var actions: [Action] = [.commitInfo(CommitInfo(version: version, fields: fields))]
    actions += pending.transactions.map { transaction in
      var transaction = transaction
      transaction.lastUpdated = transaction.lastUpdated ?? now
      return .transaction(transaction)
    }
    return actions + pending.actions
  }

  private func inCommitTimestamps(_ pending: PendingCommit, _ current: Snapshot) -> Bool {
    for case .metadata(let metadata) in pending.actions {
      return metadata.configuration["delta.enableInCommitTimestamps"] == "true"
    }
    return current.flag("delta.enableInCommitTimestamps")
  }

  private static func object(_ values: [String: String]) -> JSONObject {
    JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
  }

  private func finish(_ actions: [Action], version: Int64, after current: Snapshot) throws(DeltaError) -> Snapshot {
    var state = current.state
    state.apply(actions, version: version)
    state.timestamp = clock()
    if case .commitInfo(let info)? = actions.first { state.timestamp = info.inCommitTimestamp ?? state.timestamp }
    var snapshot = try Snapshot(state, store, previous: current)
    remember(snapshot)
    if version % snapshot.checkpointInterval == 0 {
      do throws(DeltaError) {
        snapshot = try checkpoint(snapshot)
        noteCheckpoint(nil)
      } catch {
        noteCheckpoint(error)
      }
    }
    return snapshot
  }

  /// Writes a checkpoint of the newest version.
  ///
  /// - Throws: errors of the store.
  public func checkpoint() throws(DeltaError) { _ = try checkpoint(try update()) }

  private static let rebaseThreshold = 2000

  private func checkpoint(_ snapshot: Snapshot) throws(DeltaError) -> Snapshot {
    var state = snapshot.state
    state.checkpoint = try CheckpointWriter(store: store).write(
      state, tombstonesSince: clock() - snapshot.deletedFileRetentionMilliseconds)
    state.touched = []
    state.tombstones = [:]
    if let written = state.checkpoint, state.files.added.count > Self.rebaseThreshold {
      // Many files as single entries make every later commit slow; take them from the checkpoint in one piece.
      state.files = try CheckpointReader(store: store).read(
        .parquet(version: written.version, paths: written.parquet)
      ).files
    }
    let rebased = try Snapshot(state, store, previous: snapshot)
    remember(rebased, replacing: true)
    return rebased
  }
}

extension Snapshot {
  /// Commits between two checkpoints.
  var checkpointInterval: Int64 {
    max(1, metadata.configuration["delta.checkpointInterval"].flatMap { Int64($0) } ?? 10)
  }

  /// How long removed files are kept.
  var deletedFileRetentionMilliseconds: Int64 {
    Interval.milliseconds(metadata.configuration["delta.deletedFileRetentionDuration"]) ?? 7 * 86_400_000
  }

  /// How long commits are kept.
  var logRetentionMilliseconds: Int64 {
    Interval.milliseconds(metadata.configuration["delta.logRetentionDuration"]) ?? 30 * 86_400_000
  }
}

/// Durations as table properties write them: `interval 1 week`, `interval 2 days 3 hours`.
enum Interval {
  static func milliseconds(_ text: String?) -> Int64? {
    guard let text else { return nil }
    var words = text.lowercased().split(separator: " ")[...]
    if words.first == "interval" { words = words.dropFirst() }
    guard !words.isEmpty, words.count % 2 == 0 else { return nil }
    let units: [String: Int64] = [
      "millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000,
    ]
    var total: Int64 = 0
    while let number = words.popFirst(), let unit = words.popFirst() {
      let name = unit.hasSuffix("s") ? String(unit.dropLast()) : String(unit)
      guard let count = Int64(number), count >= 0, let size = units[name],
        case let (product, overflow) = count.multipliedReportingOverflow(by: size), !overflow
      else { return nil }
      total += product
    }
    return total
  }
}
