internal import CDuckDB
internal import Dispatch
internal import Synchronization

/// How far the running statement is.
public struct Progress: Sendable, Hashable {
  /// Done share of the work, 0 to 1.
  public var fraction: Double
  /// Rows read so far.
  public var rowsProcessed: UInt64
  /// Rows to be read, as estimated.
  public var rowsTotal: UInt64
}

extension Connection {
  /// Runs `body` and interrupts what it runs on this connection when `deadline` passes; that statement then fails with
  /// kind `.interrupt`. No interrupt comes after the call is over.
  public func withDeadline<R>(_ deadline: ContinuousClock.Instant, _ body: () throws -> R) throws -> R {
    let remaining = ContinuousClock.now.duration(to: deadline)
    guard remaining > .zero else { throw DuckDBError(message: "INTERRUPT Error: the deadline has passed") }
    let watch = DeadlineWatch(on: self, after: remaining)
    defer { watch.end() }
    return try body()
  }

  /// How far the running statement is; nil if nothing runs, `trackProgress()` was not called, or DuckDB cannot tell (for
  /// example while a join is built). From any thread.
  public var progress: Progress? {
    let raw = duckdb_query_progress(raw)
    guard raw.percentage >= 0 else { return nil }
    return Progress(
      fraction: raw.percentage / 100, rowsProcessed: raw.rows_processed, rowsTotal: raw.total_rows_to_process)
  }

  /// Lets DuckDB keep account of progress from the next statement on, without printing it.
  public func trackProgress() throws(DuckDBError) {
    try execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false; SET progress_bar_time = 0")
  }
}

/// Interrupts a connection once a time has passed, until it is ended.
private final class DeadlineWatch: Sendable {
  /// DuckDB forgets an interrupt that falls between two statements, hence the repetition.
  private static let repetition = DispatchTimeInterval.milliseconds(20)

  /// A queue of its own: the global queue starts no thread for it while statements keep every core busy.
  private static let queue = DispatchQueue(label: "duckdb.deadline", qos: .userInitiated)

  private let isOver = Mutex(false)
  private let connection: Connection

  init(on connection: Connection, after delay: Duration) {
    self.connection = connection
    let (seconds, attoseconds) = delay.components
    let due = DispatchTime.now() + .seconds(Int(seconds)) + .nanoseconds(Int(attoseconds / 1_000_000_000))
    schedule(at: due)
  }

  func end() { isOver.withLock { $0 = true } }

  private func schedule(at due: DispatchTime) {
    DeadlineWatch.queue.asyncAfter(deadline: due) { [weak self] in
      guard let self else { return }
      let isOver = self.isOver.withLock { isOver in
        if !isOver { self.connection.interrupt() }
        return isOver
      }
      if !isOver { self.schedule(at: .now() + DeadlineWatch.repetition) }
    }
  }
}
