public import DuckDB
internal import Foundation
public import Pipelines

/// The files of a landing directory (NDJSON, CSV, Parquet), which may still be growing: partition 0, offset = split and line.
///
/// New bytes are registered as splits in a small Delta table before they are read, so a record keeps its coordinate
/// whatever happens to the directory. A batch may end within a split. A split whose bytes are gone when it is read (the file
/// was deleted, shrank or was replaced) gives one record flagged missing, a file that is not what its name says one flagged
/// unreadable. The source's name of a record is the path of its file relative to the directory.
public final class LandingSource: RecordSource {
  /// How a directory is read.
  public struct Options: Sendable {
    /// Longer records are flagged oversize, in bytes.
    public var maxRecordBytes: Int
    /// Where files are cut, and when an unfinished last line counts as finished.
    public var rules: SplitPlanner.Rules
    /// The least time between two looks at the directory while waiting.
    public var pollInterval: Duration
    /// The partition of its records.
    public var partition = LandingSource.partition
    /// How long files of the ingest log are kept after their records are in all tables, in seconds.
    public var keepLogSeconds: Double = 0
    /// The record's fields, which columns of CSV and Parquet files are matched with.
    public var fields: [RecordField] = []

    /// The options of a directory that is not told otherwise.
    public init(
      maxRecordBytes: Int = RecordBatch.defaultMaxRecordBytes, rules: SplitPlanner.Rules = SplitPlanner.Rules(),
      pollInterval: Duration = .milliseconds(100)
    ) {
      self.maxRecordBytes = maxRecordBytes
      self.rules = rules
      self.rules.logFolder = IngestLogKeeper.prefix
      self.pollInterval = pollInterval
    }
  }

  /// The one partition of a pipeline's landing directory.
  public static let partition: Int32 = 0

  private let directory: LandingDirectory
  private let splits: LandingSplitTable
  private let options: Options
  private let clock: () -> Int64
  private var planner: SplitPlanner
  private var pending: ArraySlice<LandingSplit> = []
  /// Offset of the next record.
  private var position: Int64 = 0
  /// Where the last batch that was given ends: the next one begins there, also when nothing but blank lines lies between.
  private var given: Int64 = 0
  /// How long the last look at the directory took: a large one is looked at less often.
  private var listingTime: Duration = .zero
  /// Of the last batch; before that a guess.
  private var bytesPerRecord = 256.0
  /// The reader of the first pending split, when a batch has ended within it.
  private var reader: (any SplitReader)?
  private var notices: [String] = []
  private var spare: RecordBatch?
  private let log: IngestLogKeeper

  /// The source of this directory, whose splits are in the Delta table at `splits`; both are made if they are not there.
  ///
  /// - Parameter clock: the time of day, microseconds since 1970.
  /// - Throws: errors of the Delta table.
  public init(
    directory: String, splits: String, options: Options = Options(),
    clock: @escaping () -> Int64 = LandingSource.systemClock
  ) throws {
    self.directory = LandingDirectory(root: directory)
    self.splits = try LandingSplitTable(at: splits)
    self.options = options
    self.clock = clock
    planner = SplitPlanner(rules: options.rules)
    log = IngestLogKeeper(landing: directory, keepSeconds: options.keepLogSeconds)
  }

  /// The time of day, microseconds since 1970.
  public static func systemClock() -> Int64 { Int64(Date().timeIntervalSince1970 * 1e6) }

  /// Loads the registered splits from the position on.
  ///
  /// - Throws: `LandingError` if the directory cannot be made or opened; errors of the Delta table.
  public func start(from positions: [Int32: Int64]) throws {
    try directory.prepare()
    position = positions[options.partition] ?? 0
    given = position
    try reload()
  }

  /// The records of the next splits; registers new bytes when all known ones were given.
  ///
  /// - Throws: `LandingError` (retriable) for files that cannot be read, once all others were given.
  public func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch? {
    let clock = ContinuousClock()
    while true {
      log.tidy(now: self.clock())
      if pending.isEmpty { try discover() }
      if !pending.isEmpty, let batch = try read(limit) { return batch }
      guard pending.isEmpty else { continue }
      let left = deadline - clock.now
      guard left > .zero else { return nil }
      let pause = min(left, max(options.pollInterval, listingTime * 5))
      usleep(UInt32(clamping: pause.microseconds))
    }
  }

  /// Tidies up in the ingest log. All other files belong to whoever put them there.
  public func didCommit(_ positions: [Int32: Int64]) {
    if let position = positions[options.partition] { log.didCommit(position) }
    log.tidy(now: clock())
  }

  /// Records in the splits that are registered and not read yet, by their bytes and the records' average length.
  public func waitingRecords() -> Int64? {
    Int64(Double(pending.reduce(0) { $0 + $1.byteCount }) / bytesPerRecord)
  }

  /// True if every byte in the directory is in a split that was given, unfinished lines included.
  public func isExhausted() throws -> Bool {
    guard pending.isEmpty else { return false }
    var planner = planner
    let plan = planner.plan(try directory.list().files, now: clock(), LandingLineEnds(directory))
    return plan.splits.isEmpty && plan.unfinished.isEmpty && plan.unreadable.isEmpty
  }

  /// What people should know about the files since the last call, a line each.
  public func takeNotices() -> [String] {
    defer { notices = [] }
    return notices
  }

  /// Lets the records go.
  public func close() {
    log.tidy(now: clock(), force: true)
    pending = []
    reader = nil
    spare = nil
  }

  private func reload() throws {
    let state = try splits.load(
      from: LandingSplit.coordinate(of: position).sequence, rules: options.rules)
    planner = state.planner
    reader = nil
    pending = state.pending[...]
    log.begin(registered: planner.registered(below: IngestLogKeeper.prefix), pending: state.pending)
  }

  /// Looks for new bytes and registers them.
  private func discover() throws {
    let start = ContinuousClock.now
    let ends = LandingLineEnds(directory)
    let listing = try directory.list()
    let plan = planner.plan(listing.files, now: clock(), ends)
    listingTime = .now - start
    for path in plan.replaced {
      notices.append(
        "\(path) was replaced by another file of the same name; it is read from its beginning, as new. "
          + "Give new contents a new name")
    }
    if plan.splits.isEmpty {
      if let failure = ends.failure ?? listing.unreadableName { throw failure }
      return
    }
    if try splits.append(plan.splits) {
      CrashPoint.splitsRegistered.reached()
      planner.register(plan.splits)
      pending = plan.splits[...]
      log.registered(plan.splits)
    } else {
      try reload()
    }
  }

  /// Reads splits up to the limit; nil if they held nothing but blank lines.
  private func read(_ limit: BatchLimit) throws -> SourceBatch? {
    let batch = try emptyBatch()
    let (first, begin) = (position, pending)
    var oldest: Int64?
    while let split = pending.first {
      let isDone: Bool
      do {
        isDone = try read(
          split, into: batch, records: limit.records - batch.count, bytes: limit.bytes - batch.byteCount)
      } catch is LandingError where !batch.isEmpty {
        // What was read is given first; the next call meets the failure again.
        reader = nil
        break
      } catch {
        (position, pending, reader) = (first, begin, nil)
        throw error
      }
      oldest = min(oldest ?? split.modified, split.modified)
      if isDone {
        pending.removeFirst()
        reader = nil
        position = split.nextOffset
      }
      if !isDone || batch.count >= limit.records || batch.byteCount >= limit.bytes { break }
    }
    guard !batch.isEmpty else { return nil }
    var result = SourceBatch(
      records: batch, first: [options.partition: given], next: [options.partition: position], hasMore: !pending.isEmpty)
    result.oldestArrival = oldest
    given = position
    bytesPerRecord = max(1, Double(batch.byteCount) / Double(batch.count))
    return result
  }

  /// Reads on in a split; true at its end.
  private func read(_ split: LandingSplit, into batch: RecordBatch, records: Int, bytes: Int) throws -> Bool {
    let source = try batch.source(split.path)
    let start = max(position, split.firstOffset)
    do {
      if reader == nil {
        let reading = SplitReading(
          directory: directory, partition: options.partition, maxRecordBytes: options.maxRecordBytes,
          fields: options.fields)
        reader = try reading.open(split, line: LandingSplit.coordinate(of: start).line)
      }
      guard let reader else { return true }
      let isDone = try reader.read(into: batch, source: source, records: records, bytes: bytes)
      position = split.firstOffset + reader.nextLine
      return isDone
    } catch is Vanished {
      try batch.appendMissing(source: source, partition: options.partition, offset: offset(start, split))
    } catch is Unreadable {
      try batch.appendUnreadable(source: source, partition: options.partition, offset: offset(start, split))
    }
    return true
  }

  /// The offset of the record that stands for the rest of a split: behind what was read of it.
  private func offset(_ start: Int64, _ split: LandingSplit) -> Int64 {
    max(start, reader.map { split.firstOffset + $0.nextLine } ?? start)
  }

  /// A batch to fill: the last one again if nobody else holds it any more, so that its memory serves on.
  private func emptyBatch() throws -> RecordBatch {
    if spare != nil, isKnownUniquelyReferenced(&spare), let batch = spare, (try? batch.removeAll()) != nil {
      return batch
    }
    let batch = RecordBatch()
    spare = batch
    return batch
  }

}

extension LandingSource {
  /// The source of a directory with the settings that a pipeline's definition can give.
  public convenience init(directory: String, splits: String, settleSeconds: Double, maxRecordBytes: Int) throws {
    var options = Options(maxRecordBytes: maxRecordBytes)
    options.rules.settle = .seconds(settleSeconds)
    try self.init(directory: directory, splits: splits, options: options)
  }
}
