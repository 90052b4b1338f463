/// The reader's side of an ingest log: says how far its files are in all tables, and deletes those that are wholly.
final class IngestLogKeeper {
  /// What the log's paths in the landing directory begin with.
  static let prefix = IngestFolder.name + "/"

  private let folder: IngestFolder
  private let keepMicroseconds: Int64
  /// How far each file is in all tables (bytes), by path.
  private var committed: [String: Int64] = [:]
  /// Registered splits of the log that are not in all tables yet, in order.
  private var pending: ArraySlice<LandingSplit> = []
  private var isChanged = true
  private var lastTidied: Int64 = .min
  /// A file that was made a moment ago may not be locked yet (microseconds).
  private static let youth: Int64 = 10_000_000

  init(landing: String, keepSeconds: Double) {
    folder = IngestFolder(landing: landing)
    keepMicroseconds = Int64(keepSeconds * 1e6)
  }

  /// Begins with what the table of splits says. `pending` are the splits that are not in all tables yet.
  func begin(registered: [String: Int64], pending: [LandingSplit]) {
    committed = registered
    self.pending = []
    for split in pending.reversed() where committed[split.path] != nil { committed[split.path] = split.from }
    self.registered(pending)
    isChanged = true
  }

  /// Takes note of new splits.
  func registered(_ splits: [LandingSplit]) {
    pending += splits.filter { $0.path.hasPrefix(Self.prefix) }
  }

  /// Everything before this position is in all tables.
  func didCommit(_ position: Int64) {
    while let split = pending.first, split.nextOffset <= position {
      committed[split.path] = split.to
      pending.removeFirst()
      isChanged = true
    }
  }

  /// Tells the writers, and deletes what nobody needs; five times a second at most. `now`: microseconds since 1970.
  func tidy(now: Int64, force: Bool = false) {
    let pause = now &- lastTidied
    guard force || lastTidied == .min || (isChanged && pause >= 200_000) || pause >= 5_000_000 else { return }
    lastTidied = now
    let files = folder.files()
    guard !files.isEmpty || !committed.isEmpty else { return }
    var ends: [String: Int64] = [:]
    for file in files {
      let end = committed[Self.prefix + file.name] ?? 0
      let isOld = now - file.modified >= max(keepMicroseconds, end > 0 ? 0 : Self.youth)
      // Unread bytes are mostly a torn line; `remove` looks.
      let isRead = end >= file.bytes || !hasPending(Self.prefix + file.name)
      if isOld, isRead, folder.remove(file.name, committed: end) { continue }
      ends[file.name] = end
    }
    if isChanged || force { folder.write(committed: ends) }
    isChanged = false
    committed = committed.filter { ends[String($0.key.dropFirst(Self.prefix.count))] != nil }
  }

  private func hasPending(_ path: String) -> Bool { pending.contains { $0.path == path } }
}
