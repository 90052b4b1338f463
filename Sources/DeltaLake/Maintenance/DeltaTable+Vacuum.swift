internal import DuckDB
import Foundation

extension DeltaTable {
  /// Deletes files that no version within the retention needs.
  ///
  /// - Parameters:
  ///   - retentionHours: keep what was removed later than this; nil for the table's `delta.deletedFileRetentionDuration`
  ///     (a week).
  ///   - dryRun: only say what would be deleted.
  ///   - allowShortRetention: permit a retention below the table's, which can break readers of earlier versions and
  ///     writers that are at work.
  /// - Returns: the files deleted, as paths below the table.
  /// - Throws: `retention` for a retention that is too short; the errors of the store.
  public func vacuum(
    retentionHours: Double? = nil, dryRun: Bool = false, allowShortRetention: Bool = false
  ) throws(DeltaError) -> [String] {
    try deleteUnneededFiles(
      retentionHours: retentionHours, dryRun: dryRun, allowShortRetention: allowShortRetention
    ).map(\.path)
  }

  /// As `vacuum`, with the size and time of each file.
  public func deleteUnneededFiles(
    retentionHours: Double? = nil, dryRun: Bool = false, allowShortRetention: Bool = false
  ) throws(DeltaError) -> [ObjectEntry] {
    let snapshot = try update()
    try ProtocolRules.checkWritable(snapshot.tableProtocol)
    let standard = snapshot.deletedFileRetentionMilliseconds
    let retention = retentionHours.map { Int64($0 * 3_600_000) } ?? standard
    guard retention >= standard || allowShortRetention else {
      throw DeltaError(
        .retention, "a retention of \(retention / 3_600_000) hours is below the table's \(standard / 3_600_000)",
        hint: "allow a short retention only if nobody reads earlier versions and no other writer is at work")
    }
    let cutoff = clock() - retention
    var needed = Set<String>()
    func keep(_ path: String, _ vector: DeletionVectorDescriptor?) {
      needed.insert(relative(path))
      if let vector, vector.storageType == "u", let file = try? DeletionVector.relativePath(vector.pathOrInlineDv) {
        needed.insert(file)
      }
    }
    for file in snapshot.files { keep(file.path, file.deletionVector) }
    for file in try tombstones(snapshot) where (file.deletionTimestamp ?? 0) > cutoff {
      keep(file.path, file.deletionVector)
    }
    var deleted: [ObjectEntry] = []
    for entry in try store.listAll("") where entry.modificationTime < cutoff && !needed.contains(entry.path) {
      guard !isHidden(entry.path) else { continue }
      if !dryRun { try store.delete(entry.path) }
      deleted.append(entry)
    }
    return deleted
  }

  /// Whether vacuum must leave a path alone: the log, and names that begin with `_` or `.`, other than change data and
  /// partition folders.
  private func isHidden(_ path: String) -> Bool {
    path.split(separator: "/").contains { part in
      part.hasPrefix(".") || (part.hasPrefix("_") && part != LogPath.changeDataFolder && !part.contains("="))
    }
  }

  /// The path of a logged file below the table, decoded; absolute paths inside the table too.
  private func relative(_ path: String) -> String {
    guard FilePath.isAbsolute(path), let local = FilePath.localPath(absolute: path), let root = try? store.localPath("")
    else { return FilePath.decode(path) }
    return local.hasPrefix(root + "/") ? String(local.dropFirst(root.count + 1)) : local
  }

  /// All tombstones: those after the checkpoint, and those in it that no later commit has touched.
  func tombstones(_ snapshot: Snapshot) throws(DeltaError) -> [RemoveFile] {
    var result = Array(snapshot.state.tombstones.values)
    guard let checkpoint = snapshot.state.checkpoint else { return result }
    let part = try ParquetPart(checkpoint.parquet, store)
    for file in try part.removes() where !snapshot.state.touched.contains(file.key) { result.append(file) }
    return result
  }

  /// Removes commits and checkpoints of versions that have outlived `delta.logRetentionDuration` and are not needed to
  /// build any younger version. Nothing happens where `delta.enableExpiredLogCleanup` is false.
  ///
  /// - Parameter versions: where the table does not set `delta.logRetentionDuration`, keep no more than about this many
  ///   of the newest versions, whatever their age; nil for all within the retention.
  /// - Returns: the number of files removed.
  @discardableResult
  public func cleanUpLog(keeping versions: Int64? = nil) throws(DeltaError) -> Int {
    let snapshot = try update()
    guard snapshot.flag("delta.enableExpiredLogCleanup", default: true) else { return 0 }
    let cutoff = clock() - snapshot.logRetentionMilliseconds
    let isFree = snapshot.metadata.configuration["delta.logRetentionDuration"] == nil
    let expired = LogCleanup.expired(
      try store.list(LogPath.folder, startingAt: nil), cutoff: cutoff,
      dispensable: isFree ? versions.map { snapshot.version - $0 } : nil)
    for path in expired { try store.delete(path) }
    return expired.count
  }
}

/// Decides which files of the log are no longer needed. Pure.
enum LogCleanup {
  /// Paths of files that are older than the newest complete checkpoint at or before the cutoff. That checkpoint, its
  /// own commit and everything later stay.
  ///
  /// - Parameters:
  ///   - cutoff: milliseconds since 1970.
  ///   - dispensable: a version that counts as older than the cutoff, with all before it.
  static func expired(_ entries: [ObjectEntry], cutoff: Int64, dispensable: Int64? = nil) -> [String] {
    var checkpoints: Set<Int64> = []
    var times: [Int64: Int64] = [:]
    var files: [(version: Int64, entry: ObjectEntry)] = []
    var leftovers: [String] = []
    for entry in entries {
      let name = String(entry.path.split(separator: "/").last ?? "")
      guard let path = LogPath(name: name) else {
        // Files of a writer that was cut off; a day is more than any commit takes.
        if name.hasPrefix(".tmp-"), entry.modificationTime < cutoff - 86_400_000 { leftovers.append(entry.path) }
        continue
      }
      switch path {
      case .commit(let version):
        times[version] = entry.modificationTime
        files.append((version, entry))
      case .classicCheckpoint(let version), .uuidCheckpoint(let version, _, _):
        checkpoints.insert(version)
        files.append((version, entry))
      case .multiPartCheckpoint(let version, _, _): files.append((version, entry))
      case .compaction(let version, _), .checksum(let version): files.append((version, entry))
      }
    }
    let old = checkpoints.filter { (times[$0] ?? .max) <= cutoff || $0 <= dispensable ?? -1 }
    guard let kept = old.max() else { return leftovers }
    return leftovers + files.filter { $0.version < kept }.map(\.entry.path)
  }
}

extension ParquetPart {
  /// The tombstones, through the same decoder as commits.
  func removes() throws(DeltaError) -> [RemoveFile] {
    guard has("remove", "path") else { return [] }
    var files: [RemoveFile] = []
    let rows = try rows("SELECT to_json({'remove': remove})::VARCHAR FROM \(source) WHERE remove.path IS NOT NULL")
    for row in rows {
      guard let line = row.first?.stringValue else { continue }
      try ActionDecoder.decode(Array(line.utf8), file: "checkpoint") { action in
        if case .remove(let file) = action { files.append(file) }
      }
    }
    return files
  }
}
