import Foundation
import Synchronization

/// A store whose writes go to a local folder while it cannot be reached, until `sync` carries them over.
///
/// The first write that finds the store unreachable detaches the table: from then on, also after a restart, its log
/// goes on in the local folder alone, from the newest version that this machine has seen, so that no version is taken
/// twice by this machine. Data files of other machines are still read from the store when it answers. Processes that
/// share the folder share the state.
public final class FallbackStore: ObjectStore {
  /// What `sync` did.
  public struct SyncReport: Sendable, Hashable {
    /// Paths that the store now has, in the order of writing.
    public var uploaded: [String]
    /// Commits whose version other writers have taken meanwhile. They and all after them stay in the local folder.
    public var conflicts: [String]
  }

  private let primary: any ObjectStore
  private let folder: String
  private let pending: LocalStore
  /// Copies of the log as far as this machine has seen it.
  private let mirror: LocalStore
  private let warn: @Sendable (String) -> Void
  /// Held by `sync`, and by writes to the local folder.
  private let writing = Mutex<Void>(())

  /// - Parameters:
  ///   - folder: a local folder of this table alone.
  ///   - warn: gets one line each time a write goes to the folder for the first time.
  public init(_ primary: any ObjectStore, folder: String, warn: @escaping @Sendable (String) -> Void) {
    self.primary = primary
    self.folder = folder
    self.warn = warn
    pending = LocalStore(folder + "/pending")
    mirror = LocalStore(folder + "/mirror")
  }

  /// The place of the store that it stands in for.
  public var location: String { primary.location }

  private static func isLog(_ path: String) -> Bool { path.hasPrefix(LogPath.folder + "/") }

  private static func isTemporary(_ entry: ObjectEntry) -> Bool {
    entry.path.split(separator: "/").last?.hasPrefix(".tmp-") == true
  }

  /// What waits for `sync`, sorted by path.
  public func waiting() throws(DeltaError) -> [ObjectEntry] {
    try pending.listAll("").filter { !Self.isTemporary($0) }
  }

  private func isDetached() throws(DeltaError) -> Bool { try !waiting().isEmpty }

  private func noteDetached(_ path: String) {
    warn(
      "\(location) cannot be reached: \(path) and what follows is written to \(folder) until it is synchronised")
  }

  /// Runs a read on the store, and another one where the store cannot be reached.
  private func reading<Result>(
    _ first: () throws(DeltaError) -> Result, otherwise second: () throws(DeltaError) -> Result?
  ) throws(DeltaError) -> Result {
    do throws(DeltaError) {
      return try first()
    } catch {
      guard error.code == .unreachable, let result = try second() else { throw error }
      return result
    }
  }

  /// Runs a write on the store, and another one while the table is detached.
  private func write<Result>(
    _ path: String, _ first: () throws(DeltaError) -> Result, detached second: () throws(DeltaError) -> Result
  ) throws(DeltaError) -> Result {
    if try !isDetached() {
      do throws(DeltaError) {
        return try first()
      } catch {
        guard error.code == .unreachable else { throw error }
        noteDetached(path)
      }
    }
    return try writing.withLock { _ throws(DeltaError) in try second() }
  }

  private func keep(_ path: String, _ bytes: [UInt8]) {
    // A copy that cannot be made only matters when the store is lost.
    if Self.isLog(path) { try? mirror.put(path, bytes) }
  }

  /// The mirror needs no commits from before a checkpoint that it holds.
  private func forgetCommits(before checkpoint: String) {
    guard case .classicCheckpoint(let version)? = LogPath(name: String(checkpoint.dropFirst(LogPath.folder.count + 1))),
      let old = try? mirror.list(LogPath.folder, startingAt: nil)
    else { return }
    let first = LogPath.commit(version).path
    for entry in old where entry.path < first && entry.path.hasSuffix(".json") { try? mirror.delete(entry.path) }
  }

  /// The files of a folder, sorted.
  public func list(_ folder: String, startingAt start: String?) throws(DeltaError) -> [ObjectEntry] {
    let local = try pending.list(folder, startingAt: start)
    let isDetached = try isDetached()
    let isOwnLog = isDetached && folder == LogPath.folder
    let others = try reading({ () throws(DeltaError) in
      try isOwnLog ? mirror.list(folder, startingAt: start) : primary.list(folder, startingAt: start)
    }) { () throws(DeltaError) in
      let seen = try mirror.list(folder, startingAt: start)
      if folder == LogPath.folder, start == nil, seen.isEmpty {
        warn("\(location) cannot be reached, and this machine has never seen it: it is taken to be empty")
      }
      return seen
    }
    return Self.merged(local, others)
  }

  /// All files below a folder, sorted.
  public func listAll(_ folder: String) throws(DeltaError) -> [ObjectEntry] {
    let others = try reading({ () throws(DeltaError) in try primary.listAll(folder) }) { () throws(DeltaError) in
      try mirror.listAll(folder)
    }
    return Self.merged(try pending.listAll(folder), others)
  }

  private static func merged(_ local: [ObjectEntry], _ others: [ObjectEntry]) -> [ObjectEntry] {
    let paths = Set(local.map(\.path))
    return (local.filter { !isTemporary($0) } + others.filter { !paths.contains($0.path) }).sorted { $0.path < $1.path }
  }

  /// The local store that alone decides about a path; nil if the store does.
  private func decider(_ path: String) throws(DeltaError) -> LocalStore? {
    if try pending.attributes(path) != nil { return pending }
    guard Self.isLog(path) else { return nil }
    return try isDetached() ? mirror : nil
  }

  /// The whole content.
  public func read(_ path: String) throws(DeltaError) -> [UInt8] {
    if let local = try decider(path) { return try local.read(path) }
    return try reading({ () throws(DeltaError) in
      let bytes = try primary.read(path)
      keep(path, bytes)
      return bytes
    }) { () throws(DeltaError) in try mirror.attributes(path) == nil ? nil : try mirror.read(path) }
  }

  /// A range of bytes of the content.
  public func read(_ path: String, range: Range<Int64>) throws(DeltaError) -> [UInt8] {
    if let local = try decider(path) { return try local.read(path, range: range) }
    return try primary.read(path, range: range)
  }

  /// Size and time of a file; nil if there is none.
  public func attributes(_ path: String) throws(DeltaError) -> ObjectEntry? {
    if let local = try decider(path) { return try local.attributes(path) }
    return try reading({ () throws(DeltaError) in try primary.attributes(path) }) { () throws(DeltaError) in
      Self.isLog(path) ? .some(try mirror.attributes(path)) : nil
    }
  }

  /// Creates a file unless the path is taken, as far as this machine knows while the table is detached.
  public func putIfAbsent(_ path: String, _ bytes: [UInt8]) throws(DeltaError) -> Bool {
    try write(path) { () throws(DeltaError) in
      let created = try primary.putIfAbsent(path, bytes)
      if created { keep(path, bytes) }
      return created
    } detached: { () throws(DeltaError) in
      guard try mirror.attributes(path) == nil else { return false }
      return try pending.putIfAbsent(path, bytes)
    }
  }

  /// Creates or replaces a file.
  public func put(_ path: String, _ bytes: [UInt8]) throws(DeltaError) {
    try write(path) { () throws(DeltaError) in
      try primary.put(path, bytes)
      keep(path, bytes)
    } detached: { () throws(DeltaError) in
      try pending.put(path, bytes)
    }
  }

  /// Removes a file.
  public func delete(_ path: String) throws(DeltaError) {
    if try pending.attributes(path) != nil { return try pending.delete(path) }
    do throws(DeltaError) {
      try primary.delete(path)
    } catch {
      // Of the log this machine knows what there is.
      guard error.code == .unreachable, Self.isLog(path), try mirror.attributes(path) == nil else { throw error }
    }
    try mirror.delete(path)
  }

  /// A local copy of a file.
  public func localPath(_ path: String) throws(DeltaError) -> String {
    if let local = try decider(path) { return try local.localPath(path) }
    return try reading({ () throws(DeltaError) in
      let local = try primary.localPath(path)
      if Self.isLog(path), try mirror.attributes(path) == nil { keep(path, try LocalStore("/").read(local)) }
      return local
    }) { () throws(DeltaError) in try mirror.attributes(path) == nil ? nil : try mirror.localPath(path) }
  }

  /// A local folder for new files.
  public func stagingFolder() throws(DeltaError) -> String { try primary.stagingFolder() }

  /// Puts files of the staging folder into the table.
  public func publish(_ paths: [String]) throws(DeltaError) {
    let staging = LocalStore(try primary.stagingFolder())
    for path in paths {
      try write(path) { () throws(DeltaError) in
        try primary.publish([path])
      } detached: { () throws(DeltaError) in
        try pending.put(path, try staging.read(path))
      }
    }
  }

  /// Puts a local file into the table.
  public func install(localFile: String, as path: String) throws(DeltaError) {
    let bytes = try LocalStore("/").read(localFile)
    try write(path) { () throws(DeltaError) in
      try primary.install(localFile: localFile, as: path)
      keep(path, bytes)
      forgetCommits(before: path)
    } detached: { () throws(DeltaError) in
      try pending.put(path, bytes)
    }
  }

  /// Carries the local folder over to the store: data files, then commits in their order, each as put-if-absent, then
  /// the rest of the log. A commit whose version is taken ends it and is reported; nothing is lost or overwritten.
  ///
  /// - Throws: `unreachable` when the store still cannot be reached; it can be called again.
  public func sync() throws(DeltaError) -> SyncReport {
    try writing.withLock { _ throws(DeltaError) in
      var report = SyncReport(uploaded: [], conflicts: [])
      let entries = try waiting().map(\.path)
      let data = entries.filter { !Self.isLog($0) }
      for path in data {
        try primary.put(path, try pending.read(path))
        report.uploaded.append(path)
      }
      var commits: [(version: Int64, path: String)] = []
      var others: [String] = []
      for path in entries where Self.isLog(path) {
        if case .commit(let version)? = LogPath(name: String(path.dropFirst(LogPath.folder.count + 1))) {
          commits.append((version, path))
        } else {
          others.append(path)
        }
      }
      for commit in commits.sorted(by: { $0.version < $1.version }) {
        let bytes = try pending.read(commit.path)
        var isThere = try primary.putIfAbsent(commit.path, bytes)
        // An earlier attempt whose answer was lost may have put it there.
        if !isThere { isThere = try primary.read(commit.path) == bytes }
        guard isThere else {
          report.conflicts.append(commit.path)
          warn(
            "\(location) has another \(commit.path): what waits in \(folder) was not carried over beyond it; "
              + "append its rows anew, then remove the folder")
          return report
        }
        try settle(commit.path, bytes, &report)
      }
      // `_last_checkpoint` sorts after the checkpoints that it may name.
      for path in others {
        let bytes = try pending.read(path)
        try primary.put(path, bytes)
        try settle(path, bytes, &report)
      }
      for path in data { try pending.delete(path) }
      return report
    }
  }

  private func settle(_ path: String, _ bytes: [UInt8], _ report: inout SyncReport) throws(DeltaError) {
    try mirror.put(path, bytes)
    try pending.delete(path)
    report.uploaded.append(path)
  }
}
