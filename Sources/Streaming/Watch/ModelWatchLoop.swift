internal import Foundation
internal import Pipelines

/// Runs a ``ModelWatch`` beside a pipeline, on a thread of its own at low priority.
public final class ModelWatchLoop: @unchecked Sendable {
  // Safe to share: the watch belongs to the loop's thread while that runs, else to the caller; the rest changes under
  // the lock.
  private let watch: ModelWatch
  private let condition = NSCondition()
  private let seconds: Double
  private var isStopping = false
  private var isRunning = false

  /// A loop that looks every so many seconds.
  public init(_ watch: ModelWatch, everySeconds seconds: Double = 5) {
    self.watch = watch
    self.seconds = seconds
  }

  /// Notes where the tables are, then starts the thread. `observe` is called on it, with a report or a failure.
  public func start(observe: @escaping @Sendable (Result<ModelWatch.Report, any Error>) -> Void) throws {
    try watch.begin()
    condition.withLock {
      isStopping = false
      isRunning = true
    }
    let thread = Thread { [self] in
      // Linux lowers the priority of the calling thread alone.
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
      while !waitForRound() {
        let result = Result { try watch.round(closing: false) }
        // A query that the end has broken off says nothing.
        if case .failure = result, isEnding { break }
        observe(result)
      }
      condition.withLock {
        isRunning = false
        condition.broadcast()
      }
    }
    thread.name = "models \(watch.pipeline.name)"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Ends the thread.
  /// - Parameter lastRound: Look once more, and judge windows that are full enough: for a stream that has ended.
  /// - Returns: What the last round did; nil without one.
  @discardableResult
  public func stop(lastRound: Bool) throws -> ModelWatch.Report? {
    let interrupt = watch.interrupt
    condition.withLock {
      isStopping = true
      condition.broadcast()
      while isRunning {
        if !lastRound { interrupt() }
        _ = condition.wait(until: Date(timeIntervalSinceNow: 0.05))
      }
    }
    return lastRound ? try watch.round(closing: true) : nil
  }

  private var isEnding: Bool { condition.withLock { isStopping } }

  /// True: the loop ends.
  private func waitForRound() -> Bool {
    condition.withLock {
      let end = Date(timeIntervalSinceNow: seconds)
      while !isStopping, Date() < end { _ = condition.wait(until: end) }
      return isStopping
    }
  }
}
