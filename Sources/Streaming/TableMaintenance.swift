internal import DeltaLake
internal import DuckDB
internal import Foundation

/// Keeps the tables of a running pipeline small: joins small files, trims logs, deletes files that no version names.
///
/// Files are written anew on a thread of its own, at low priority, on a connection of its own. What is ready waits
/// until the pipeline's thread calls `commitReady` between two micro-batches, so that these commits and the stream's
/// never meet. A crash leaves at worst files that no version names.
final class TableMaintenance: @unchecked Sendable {
  /// When to do what, and what to keep.
  struct Schedule: Sendable {
    /// A round begins after this many micro-batches …
    var batches = 24
    /// … or after this many seconds.
    var roundSeconds = 10.0
    /// Between two looks at the logs.
    var logSeconds = 60.0
    /// Between two looks for files that no version names.
    var vacuumSeconds = 3_600.0
    /// How long counts of rules are kept, days.
    var expectationDays = 90
    /// Versions that the log of a table keeps that does not say for how long.
    var keptVersions: Int64 = 10_000
    var policy = CompactionPolicy()
  }

  /// Properties of a new streaming table: many small commits must not carry a week of tombstones in each checkpoint.
  static let tableProperties = [
    "delta.checkpointInterval": "100", "delta.deletedFileRetentionDuration": "interval 6 hours",
  ]

  // Safe to share: mutable state is read and written under the condition's lock; `connection` is used by the
  // maintenance thread, and by the caller of `stop` after that thread has ended.
  private let condition = NSCondition()
  private var ready: [(table: DeltaTable, rewrite: Rewrite)] = []
  private var busy: Set<String> = []
  private var batches = 0
  private var isStopping = false
  private var isRunning = false
  private var failure: (any Error)?
  private var reported: Set<String> = []

  private let tables: PipelineTables
  private let splits: String
  private let expectations: String?
  private var expectationTable: DeltaTable?
  private let connection: Connection
  private var splitTable: DeltaTable?
  private var logTime = ContinuousClock.now
  private var vacuumTime = ContinuousClock.now
  private(set) var schedule: Schedule
  /// Rewrites that were committed.
  private(set) var commits = 0

  /// - Parameters:
  ///   - tables: The tables of the pipeline, opened before `start`.
  ///   - splits: Where the landing directory's table of splits is, if there is one.
  ///   - expectations: Where the lake's table of counts of rules is, if the pipeline has rules.
  init(
    tables: PipelineTables, splits: String, expectations: String? = nil, lake: Lake, schedule: Schedule = Schedule()
  ) throws {
    self.expectations = expectations
    self.tables = tables
    self.splits = splits
    self.schedule = schedule
    connection = try Database(settings: [
      "threads": "1", "memory_limit": "512MB", "temp_directory": lake.temporaryFolder,
      // With one thread the order stays; what it allows is a bound on the bytes of a row group.
      "preserve_insertion_order": "false",
    ]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
  }

  // MARK: For the pipeline's thread

  /// Starts the thread.
  func start() {
    condition.withLock {
      isStopping = false
      isRunning = true
    }
    let thread = Thread { [self] in
      // Linux lowers the priority of the calling thread alone.
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
      // What an earlier process left is due at once.
      repeat {
        round(now: DeltaTable.systemClock())
        housekeeping()
      } while waitForRound()
      condition.withLock {
        isRunning = false
        condition.broadcast()
      }
    }
    thread.name = "table maintenance"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Counts a micro-batch; a round begins when there are enough.
  func didCommitBatch() {
    condition.withLock {
      batches += 1
      if batches == schedule.batches { condition.broadcast() }
    }
  }

  /// Commits what is ready. To be called between two micro-batches; takes some milliseconds, if anything.
  /// - Returns: a failure that was not reported yet. The pipeline goes on without maintenance of that table.
  func commitReady() -> (any Error)? {
    let waiting = condition.withLock {
      defer { ready = [] }
      return ready
    }
    for item in waiting {
      do {
        if try item.table.commit(item.rewrite) != nil { commits += 1 }
      } catch {
        note(error)
      }
      condition.withLock { _ = busy.remove(item.table.location) }
    }
    return takeFailure()
  }

  /// Ends the thread, which may be in the middle of a file, and commits what is ready.
  /// - Parameter lastRound: Do what is due, then return: for a run that ends by itself.
  func stop(lastRound: Bool) -> (any Error)? {
    condition.withLock {
      isStopping = true
      condition.broadcast()
      while isRunning {
        connection.interrupt()
        _ = condition.wait(until: Date(timeIntervalSinceNow: 0.05))
      }
      isStopping = false
    }
    let failure = commitReady()
    guard lastRound else { return failure }
    round(now: DeltaTable.systemClock())
    let lastFailure = commitReady()
    if commits > 0 { housekeeping(isDue: true) }
    return failure ?? lastFailure ?? takeFailure()
  }

  // MARK: The thread

  /// Waits for the next round; false to end.
  private func waitForRound() -> Bool {
    condition.withLock {
      let end = Date(timeIntervalSinceNow: schedule.roundSeconds)
      while !isStopping, batches < schedule.batches, condition.wait(until: end) {}
      batches = 0
      return !isStopping
    }
  }

  private var isStopped: Bool { condition.withLock { isStopping } }

  private var all: [(table: DeltaTable, isRaw: Bool)] {
    if splitTable == nil, DeltaTable.exists(at: splits) { splitTable = try? DeltaTable(at: splits) }
    let streaming = tables.tables.sorted { $0.key < $1.key }.map { ($0.value, $0.key == tables.bronze) }
    if expectationTable == nil, let expectations, DeltaTable.exists(at: expectations) {
      expectationTable = try? DeltaTable(at: expectations)
    }
    return streaming + [splitTable, expectationTable].compactMap { $0.map { ($0, false) } }
  }

  /// Joins the files that the policy chooses, and leaves them for `commitReady`.
  private func round(now: Int64) {
    for (table, isRaw) in all where !isStopped {
      guard condition.withLock({ !busy.contains(table.location) }) else { continue }
      do {
        let snapshot = try table.snapshot()
        let files = Array(snapshot.files)
        let groups = schedule.policy.round(Self.described(files), now: now)
        guard !groups.isEmpty else { continue }
        let editor = DeltaEditor(
          connection: connection, options: .init(rowGroupBytes: 32 << 20, usesDictionaries: !isRaw))
        let rewrite = try editor.rewrite(groups.map { $0.map { files[$0.index] } }, of: snapshot, in: table)
        condition.withLock {
          busy.insert(table.location)
          ready.append((table, rewrite))
        }
      } catch {
        if !isStopped { note(error) }
      }
    }
  }

  static func described(_ files: [AddFile]) -> [CompactionPolicy.File] {
    var partitions: [[String: String?]: Int] = [:]
    return files.enumerated().compactMap { index, file in
      guard file.deletionVector == nil else { return nil }
      let next = partitions.count
      let partition = partitions[file.partitionValues, default: next]
      partitions[file.partitionValues] = partition
      return .init(index: index, partition: partition, bytes: file.size, modified: file.modificationTime)
    }
  }

  /// Trims the logs and deletes old files, where it is time to.
  private func housekeeping(isDue: Bool = false) {
    let now = ContinuousClock.now
    let trims = isDue || now - logTime >= .seconds(schedule.logSeconds)
    let vacuums = isDue || now - vacuumTime >= .seconds(schedule.vacuumSeconds)
    if trims { logTime = now }
    if vacuums { vacuumTime = now }
    for (table, _) in all where !isStopped {
      do {
        if trims { try table.cleanUpLog(keeping: schedule.keptVersions) }
        if vacuums {
          if table.location == expectations { try forgetOldCounts(table) }
          _ = try table.vacuum()
        }
      } catch {
        note(error)
      }
    }
  }

  private func forgetOldCounts(_ table: DeltaTable) throws {
    let days = schedule.expectationDays
    _ = try DeltaEditor(connection: connection).delete(
      from: table, where: "\"time\" < make_timestamptz(epoch_us(now()) - \(days) * 86400000000)")
  }

  // MARK: Failures

  private func note(_ error: any Error) {
    condition.withLock { if reported.insert("\(error)").inserted { failure = error } }
  }

  private func takeFailure() -> (any Error)? {
    condition.withLock {
      defer { failure = nil }
      return failure
    }
  }
}
