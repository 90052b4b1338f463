internal import DuckDB

/// A pipeline's own source with its backfills beside it: one after the other, in turns with the stream, in small pieces, so
/// that the stream hardly waits.
///
/// The same micro-batches, commits, keys and books serve both; that is what makes a backfill beside a live stream exact.
final class BackfillingSource: RecordSource {
  private struct Running {
    var entry: Backfills.Entry
    var source: LandingSource
    var lock: FileLock
  }

  /// The most that a backfill gives at once while the stream goes on.
  private static let piece = BatchLimit(records: 20_000, bytes: 16 << 20)

  private let live: any RecordSource
  private let backfills: Backfills
  private let open: (Backfills.Entry) throws -> LandingSource
  private var running: [Running] = []
  private var isBackfillsTurn = false
  private var lastLook: ContinuousClock.Instant

  /// - Parameter open: Makes the source of a backfill.
  init(
    live: any RecordSource, backfills: Backfills, open: @escaping (Backfills.Entry) throws -> LandingSource
  ) throws {
    self.live = live
    self.backfills = backfills
    self.open = open
    lastLook = .now
    _ = try claim()
  }

  var ownedPartitions: Set<Int32>? {
    live.ownedPartitions.map { $0.union(running.map(\.entry.partition)) }
  }

  func start(from positions: [Int32: Int64]) throws {
    try live.start(from: positions.filter { $0.key < Backfills.firstPartition })
    for item in running { try item.source.start(from: positions) }
  }

  func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch? {
    let now = ContinuousClock.now
    if now - lastLook >= .seconds(1) {
      lastLook = now
      // Where this folder's records stand is in the tables.
      if try claim() { throw PartitionsMoved(owned: ownedPartitions ?? []) }
    }
    guard let item = running.first else { return try live.next(limit: limit, deadline: deadline) }
    if !isBackfillsTurn, let batch = try live.next(limit: limit, deadline: now) {
      isBackfillsTurn = true
      return batch
    }
    isBackfillsTurn = false
    let piece = BatchLimit(
      records: min(limit.records, Self.piece.records), bytes: min(limit.bytes, Self.piece.bytes))
    if var batch = try item.source.next(limit: piece, deadline: now) {
      // Nobody waits for these records, and the next ones need not wait either.
      batch.oldestArrival = nil
      batch.hasMore = true
      return batch
    }
    if try item.source.isExhausted() { try finishFirst() }
    return try live.next(limit: limit, deadline: deadline)
  }

  func didCommit(_ positions: [Int32: Int64]) {
    let own = positions.filter { $0.key < Backfills.firstPartition }
    if !own.isEmpty { live.didCommit(own) }
    for item in running where positions[item.entry.partition] != nil { item.source.didCommit(positions) }
  }

  func isExhausted() throws -> Bool {
    while let item = running.first {
      guard try item.source.isExhausted() else { return false }
      try finishFirst()
    }
    return try live.isExhausted()
  }

  func takeNotices() -> [String] { live.takeNotices() + running.flatMap { $0.source.takeNotices() } }

  func waitingRecords() -> Int64? { live.waitingRecords() }

  func close() {
    live.close()
    for item in running { item.source.close() }
    running = []
  }

  /// Everything that it gave is committed: the runner asks for more only then.
  private func finishFirst() throws {
    let item = running.removeFirst()
    try backfills.finish(item.entry)
    item.source.close()
  }

  /// Takes over what nobody works on. True if there was something new.
  private func claim() throws -> Bool {
    var isNew = false
    for entry in backfills.entries() where !entry.isDone {
      guard !running.contains(where: { $0.entry.partition == entry.partition }), let lock = try backfills.lock(entry)
      else { continue }
      running.append(Running(entry: entry, source: try open(entry), lock: lock))
      isNew = true
    }
    return isNew
  }
}
