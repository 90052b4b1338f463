internal import JSON
import Foundation
import Synchronization

/// A Delta Lake table. Safe to use from several threads; several processes may write to the same table.
public final class DeltaTable: Sendable {
  /// The table's place as given.
  public let location: String
  let store: any ObjectStore
  let loader: SnapshotLoader
  let clock: @Sendable () -> Int64
  private let newest: Mutex<Snapshot?>
  private let lastCheckpointFailure = Mutex<DeltaError?>(nil)

  /// Opens a table and loads its newest version.
  ///
  /// - Throws: `DeltaError`: `notATable`, `corruptLog`, `unsupportedProtocol`, `unsupportedFeature`, `invalidSchema`.
  public convenience init(at location: String) throws(DeltaError) {
    try self.init(store: try ObjectStores.store(for: location))
  }

  /// Opens a table of a store; `clock` gives milliseconds since 1970.
  public init(
    store: any ObjectStore, clock: @escaping @Sendable () -> Int64 = DeltaTable.systemClock
  ) throws(DeltaError) {
    self.store = store
    self.clock = clock
    location = store.location
    loader = SnapshotLoader(store: store)
    newest = Mutex(try Snapshot(try loader.load(version: nil), store))
  }

  /// Milliseconds since 1970 by the clock of the machine.
  public static let systemClock: @Sendable () -> Int64 = {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// Where a table's files may lie for whoever reads them: a query engine that may read only certain folders must be
  /// allowed these. Remote tables' files are copied while they are read, and what could not be sent lies in a folder of
  /// this machine.
  public static func readableFolders(of location: String) -> [String] {
    guard let store = try? ObjectStores.store(for: location) else { return [] }
    if store is LocalStore { return [FilePath.localPath(absolute: location) ?? location] }
    return [LocalCopies.root] + (ObjectStores.fallbackFolder(location).map { [$0] } ?? [])
  }

  /// Whether the table's files lie in another machine's store, and are copied to be read.
  public var isRemote: Bool { !(store is LocalStore) }

  /// Whether there is a table, judged by commits or checkpoints in its log.
  public static func exists(at location: String) -> Bool {
    guard let store = try? ObjectStores.store(for: location),
      let entries = try? store.list(LogPath.folder, startingAt: nil)
    else { return false }
    return entries.contains { entry in
      entry.path.split(separator: "/").last.flatMap { LogPath(name: String($0)) } != nil
    }
  }

  /// The failure of the last checkpoint that was due, nil if it went well. Commits do not depend on checkpoints.
  public var checkpointFailure: DeltaError? { lastCheckpointFailure.withLock { $0 } }

  func noteCheckpoint(_ failure: DeltaError?) { lastCheckpointFailure.withLock { $0 = failure } }

  /// The newest version, or an earlier one by number, or the newest that is not younger than a time
  /// (milliseconds since 1970).
  ///
  /// - Throws: `versionNotFound` and the errors of opening.
  public func snapshot(version: Int64? = nil, timestamp: Int64? = nil) throws(DeltaError) -> Snapshot {
    if let timestamp {
      return try snapshot(version: try TimeTravel(loader: loader).version(at: timestamp, newest: try update()))
    }
    guard let version else { return try update() }
    let known = newest.withLock { $0 }
    if let known, known.version == version { return known }
    return try Snapshot(try loader.load(version: version), store, previous: known)
  }

  /// Brings the cached newest version up to date by reading only the commits that it lacks.
  func update() throws(DeltaError) -> Snapshot {
    let known = newest.withLock { $0 }
    guard let known else { return try Snapshot(try loader.load(version: nil), store) }
    let state: LogState
    do throws(DeltaError) {
      state = try loader.advance(known.state)
    } catch  where error.code == .missingFile {
      state = try loader.load(version: nil)
    }
    if state.version == known.version { return known }
    let snapshot = try Snapshot(state, store, previous: known)
    remember(snapshot)
    return snapshot
  }

  /// Keeps a snapshot as the newest unless a newer one is known.
  func remember(_ snapshot: Snapshot, replacing: Bool = false) {
    newest.withLock { known in
      if let version = known?.version, version > snapshot.version || (version == snapshot.version && !replacing) {
        return
      }
      known = snapshot
    }
  }

  /// What the commits say about themselves, newest first.
  ///
  /// - Parameter limit: the greatest number of commits; nil for all that the log still holds.
  public func history(limit: Int? = nil) throws(DeltaError) -> [CommitInfo] {
    var result: [CommitInfo] = []
    var version = try update().version
    while version >= 0, result.count < limit ?? Int.max {
      let path = LogPath.commit(version).path
      guard let entry = try store.attributes(path) else { break }
      var info = CommitInfo(version: version, fields: [:])
      try ActionDecoder.decode(try store.read(path), file: path, version: version, wanted: .commitInfo) { action in
        if case .commitInfo(let value) = action { info = value }
      }
      info.timestamp = info.inCommitTimestamp ?? info.timestamp ?? entry.modificationTime
      result.append(info)
      version -= 1
    }
    return result
  }
}
