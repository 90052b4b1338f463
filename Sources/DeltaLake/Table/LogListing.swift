/// Which files of the log make up a version.
struct LogSegment: Sendable, Hashable {
  enum Checkpoint: Sendable, Hashable {
    /// One or several Parquet files, which may name sidecars.
    case parquet(version: Int64, paths: [String])
    /// A version 2 checkpoint whose top file is JSON.
    case json(version: Int64, path: String)

    var version: Int64 {
      switch self {
      case .parquet(let version, _), .json(let version, _): version
      }
    }
  }

  var checkpoint: Checkpoint?
  /// The commits after the checkpoint, in order, without a gap.
  var commits: [ObjectEntry]
  var version: Int64
}

/// Chooses the files to read from what the log folder holds. Pure.
enum LogListing {
  /// - Parameter target: the wanted version; nil for the newest.
  /// - Throws: `notATable`, `versionNotFound` or `corruptLog` (a gap).
  static func segment(
    of entries: [ObjectEntry], target: Int64?, location: String
  ) throws(DeltaError) -> LogSegment {
    var commits: [(version: Int64, entry: ObjectEntry)] = []
    var parts: [Int64: [Int: [Int: String]]] = [:]
    var checkpoints: [Int64: LogSegment.Checkpoint] = [:]
    for entry in entries {
      guard let name = entry.path.split(separator: "/").last, let path = LogPath(name: String(name)) else { continue }
      switch path {
      case .commit(let version): commits.append((version, entry))
      case .classicCheckpoint(let version) where entry.size > 0:
        checkpoints[version] = .parquet(version: version, paths: [entry.path])
      case .uuidCheckpoint(let version, _, let isJSON) where entry.size > 0 && checkpoints[version] == nil:
        checkpoints[version] =
          isJSON ? .json(version: version, path: entry.path) : .parquet(version: version, paths: [entry.path])
      case .multiPartCheckpoint(let version, let part, let count) where entry.size > 0:
        parts[version, default: [:]][count, default: [:]][part] = entry.path
      default: break
      }
    }
    for (version, sets) in parts where checkpoints[version] == nil {
      for (count, found) in sets where found.count == count {
        checkpoints[version] = .parquet(version: version, paths: (1...count).compactMap { found[$0] })
      }
    }
    commits.sort { $0.version < $1.version }
    guard let newest = [commits.last?.version, checkpoints.keys.max()].compactMap({ $0 }).max() else {
      throw DeltaError(
        .notATable, "\(location) is not a Delta table: its _delta_log holds no commit and no checkpoint",
        hint: "check the path")
    }
    let version = target ?? newest
    guard (0...newest).contains(version) else {
      throw DeltaError(
        .versionNotFound, "\(location) has no version \(version)", hint: "the newest version is \(newest)")
    }
    let start = checkpoints.keys.filter { $0 <= version }.max()
    let wanted = commits.filter { $0.version > (start ?? -1) && $0.version <= version }
    var next = (start ?? -1) + 1
    for commit in wanted {
      guard commit.version == next else { throw gap(next, start, location) }
      next += 1
    }
    guard next == version + 1 else { throw gap(next, start, location) }
    return LogSegment(
      checkpoint: start.flatMap { checkpoints[$0] }, commits: wanted.map(\.entry), version: version)
  }

  private static func gap(_ version: Int64, _ start: Int64?, _ location: String) -> DeltaError {
    if start == nil, version == 0 {
      return DeltaError(
        .versionNotFound, "\(location): the log no longer reaches back to this version",
        hint: "choose a later version")
    }
    return DeltaError(
      .corruptLog, "\(location): commit \(version) is missing from the log",
      hint: "restore the file \(LogPath.commit(version).path) from a backup")
  }
}
