internal import DuckDB
internal import Foundation
public import Models
public import Pipelines

/// Keeps the views of a running pipeline fresh: on a thread of its own, at low priority, with a database of its own, so
/// that the stream never waits for a view.
///
/// It looks at the versions of the tables, not at the stream, so it works as well for tables that other processes fill.
public final class ViewRefreshLoop: @unchecked Sendable {
  /// Something that happened.
  public enum Event: Sendable {
    /// A view was looked at, and computed where it was stale.
    case refreshed(ViewReport)
    /// A refresh failed; the view is as it was and is tried again.
    case failed(view: String, any Error, afterSeconds: Double)
  }

  /// Between two clean-ups of the views' logs and files.
  private static let tidySeconds = 600.0

  // Safe to share: the refresher and the schedule belong to the loop's thread; the rest changes under the lock.
  private let refresher: ViewRefresher
  private let views: [TableDefinition]
  private let condition = NSCondition()
  private var isStopping = false
  private var isRunning = false

  /// A loop over the views of a pipeline that are refreshed by themselves; nil if there are none.
  /// - Parameters:
  ///   - memoryLimitBytes: What a refresh may hold in memory before it spills; nil: an eighth of the machine's, 2 GiB at
  ///     most.
  public init?(pipeline: Pipeline, lake: Lake, registry: ModelRegistry?, memoryLimitBytes: Int? = nil) throws {
    views = pipeline.materializedViews.filter { $0.refresh.everySeconds != nil }
    guard !views.isEmpty else { return nil }
    let memory = memoryLimitBytes ?? min(2 << 30, Int(clamping: ProcessInfo.processInfo.physicalMemory / 8))
    // One thread: DuckDB then works on the calling one, whose priority is lowered.
    refresher = try ViewRefresher(
      pipeline: pipeline, lake: lake, registry: registry, threads: 1, memoryLimitBytes: memory)
  }

  /// Starts the thread. `observe` is called on it.
  public func start(observe: @escaping @Sendable (Event) -> Void) {
    condition.withLock {
      isStopping = false
      isRunning = true
    }
    let thread = Thread { [self] in
      // Linux lowers the priority of the calling thread alone.
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
      work(observe)
      condition.withLock {
        isRunning = false
        condition.broadcast()
      }
    }
    thread.name = "views \(refresher.pipeline.name)"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Ends the thread, which may be in the middle of a refresh; that one leaves nothing.
  public func stop() {
    let interrupt = refresher.interrupt
    condition.withLock {
      isStopping = true
      condition.broadcast()
      while isRunning {
        interrupt()
        _ = condition.wait(until: Date(timeIntervalSinceNow: 0.05))
      }
    }
  }

  private func work(_ observe: (Event) -> Void) {
    var schedule = ViewSchedule(views.map { ($0.name, $0.refresh.everySeconds ?? 0) })
    let start = ContinuousClock.now
    func now() -> Double { (ContinuousClock.now - start) / .seconds(1) }
    var tidied = now()
    while !isStopped {
      guard let name = schedule.due(at: now()), let view = views.first(where: { $0.name == name }) else {
        wait(seconds: (schedule.next ?? 1) - now())
        continue
      }
      do {
        let report = try refresher.refresh(view)
        schedule.didRefresh(name, seconds: report.seconds, at: now())
        observe(.refreshed(report))
        if now() - tidied > Self.tidySeconds {
          tidied = now()
          try refresher.tidy()
        }
      } catch {
        guard !isStopped else { return }
        observe(.failed(view: name, error, afterSeconds: schedule.didFail(name, at: now())))
      }
    }
  }

  private var isStopped: Bool { condition.withLock { isStopping } }

  private func wait(seconds: Double) {
    guard seconds > 0 else { return }
    let end = Date(timeIntervalSinceNow: seconds)
    condition.withLock {
      while !isStopping, condition.wait(until: end) {}
    }
  }
}
