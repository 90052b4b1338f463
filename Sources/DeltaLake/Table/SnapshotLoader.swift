internal import JSON

/// Builds log states from a store.
struct SnapshotLoader {
  let store: any ObjectStore

  /// The state at a version, nil for the newest.
  ///
  /// A damaged checkpoint is passed over where an older one and the commits since then are all there.
  func load(version: Int64?) throws(DeltaError) -> LogState {
    let segment = try segment(version: version)
    do throws(DeltaError) {
      return try load(segment)
    } catch  where error.code == .corruptLog && segment.checkpoint != nil {
      guard let older = try? self.segment(version: version, checkpointsBelow: segment.checkpoint?.version) else {
        throw error
      }
      guard let state = try? load(older) else { throw error }
      return state
    }
  }

  /// Finds the files of a version; `_last_checkpoint` only shortens the listing and is not believed.
  func segment(version: Int64?, checkpointsBelow limit: Int64? = nil) throws(DeltaError) -> LogSegment {
    if version == nil, limit == nil, let hint = lastCheckpoint(), hint > 0 {
      let start = String(LogPath.commit(hint).name.prefix(20))
      let entries = try store.list(LogPath.folder, startingAt: start)
      if let segment = try? LogListing.segment(of: entries, target: nil, location: store.location),
        segment.checkpoint != nil
      {
        return segment
      }
    }
    let entries = try store.list(LogPath.folder, startingAt: nil)
    guard !entries.isEmpty else {
      throw DeltaError(
        .notATable, "\(store.location) is not a Delta table: it has no _delta_log folder with files",
        hint: "check the path")
    }
    let usable = entries.filter { entry in
      guard let limit, let path = LogPath(name: String(entry.path.split(separator: "/").last ?? "")),
        let checkpoint = path.checkpointVersion
      else { return true }
      return checkpoint < limit
    }
    return try LogListing.segment(of: usable, target: version, location: store.location)
  }

  private func lastCheckpoint() -> Int64? {
    guard let bytes = try? store.read(LogPath.lastCheckpoint),
      let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
    else { return nil }
    return value.object?["version"]?.int
  }

  private func load(_ segment: LogSegment) throws(DeltaError) -> LogState {
    var state = LogState()
    if let checkpoint = segment.checkpoint {
      state = try CheckpointReader(store: store).read(checkpoint)
    }
    var version = segment.checkpoint?.version ?? -1
    for entry in segment.commits {
      version += 1
      try apply(entry.path, version: version, modificationTime: entry.modificationTime, to: &state)
    }
    if segment.commits.isEmpty {
      state.timestamp = try commitTimestamp(version, configuration: state.metadata?.configuration ?? [:])
    }
    return state
  }

  private func apply(
    _ path: String, version: Int64, modificationTime: Int64, to state: inout LogState
  ) throws(DeltaError) {
    try apply(try store.read(path), path, version: version, modificationTime: modificationTime, to: &state)
  }

  func apply(
    _ bytes: [UInt8], _ path: String, version: Int64, modificationTime: Int64, to state: inout LogState
  ) throws(DeltaError) {
    var actions: [Action] = []
    var info: CommitInfo?
    let wantsInfo = state.metadata?.configuration["delta.enableInCommitTimestamps"] == "true" || version == 0
    try ActionDecoder.decode(
      bytes, file: path, version: version, wanted: wantsInfo ? [.state, .commitInfo] : .state
    ) { action in
      if case .commitInfo(let value) = action { info = value } else { actions.append(action) }
    }
    state.apply(actions, version: version)
    state.timestamp = info?.inCommitTimestamp ?? modificationTime
  }

  /// The time of a version: in the commit where the table says so, else of the commit file; 0 if the commit is gone.
  private func commitTimestamp(_ version: Int64, configuration: [String: String]) throws(DeltaError) -> Int64 {
    let path = LogPath.commit(version).path
    guard let entry = try store.attributes(path) else { return 0 }
    guard configuration["delta.enableInCommitTimestamps"] == "true" else { return entry.modificationTime }
    var time: Int64?
    try ActionDecoder.decode(try store.read(path), file: path, version: version, wanted: .commitInfo) { action in
      if case .commitInfo(let info) = action { time = info.inCommitTimestamp }
    }
    return time ?? entry.modificationTime
  }

  /// Applies the commits that came after a state.
  func advance(_ state: LogState) throws(DeltaError) -> LogState {
    var state = state
    while true {
      let version = state.version + 1
      let path = LogPath.commit(version).path
      guard let entry = try store.attributes(path) else { return state }
      try apply(path, version: version, modificationTime: entry.modificationTime, to: &state)
    }
  }
}
