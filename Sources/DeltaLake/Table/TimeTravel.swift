/// Finds the version of a time.
struct TimeTravel {
  let loader: SnapshotLoader

  /// The newest version whose time is not after `timestamp` (milliseconds since 1970).
  ///
  /// Commit times that go backwards count as just after their predecessor.
  func version(at timestamp: Int64, newest: Snapshot) throws(DeltaError) -> Int64 {
    let entries = try loader.store.list(LogPath.folder, startingAt: nil)
    var best: Int64?
    var previous = Int64.min
    var first: Int64?
    for entry in entries {
      guard let name = entry.path.split(separator: "/").last, case .commit(let version)? = LogPath(name: String(name)),
        version <= newest.version
      else { continue }
      var time = entry.modificationTime
      if inCommitTimestamps(version, newest) {
        try ActionDecoder.decode(
          try loader.store.read(entry.path), file: entry.path, version: version, wanted: .commitInfo
        ) { action in
          if case .commitInfo(let info) = action { time = info.inCommitTimestamp ?? time }
        }
      }
      time = max(time, previous == .min ? time : previous + 1)
      previous = time
      if first == nil { first = time }
      if time <= timestamp { best = version } else { break }
    }
    guard let best else {
      throw DeltaError(
        .versionNotFound, "\(loader.store.location) has no version as old as this time",
        hint: first.flatMap { CalendarTime.timestamp(microseconds: $0 * 1000, digits: 3, suffix: "Z") }.map {
          "its oldest is of \($0)"
        } ?? "")
    }
    return best
  }

  private func inCommitTimestamps(_ version: Int64, _ newest: Snapshot) -> Bool {
    guard newest.flag("delta.enableInCommitTimestamps") else { return false }
    let since = newest.metadata.configuration["delta.inCommitTimestampEnablementVersion"].flatMap { Int64($0) } ?? 0
    return version >= since
  }
}
