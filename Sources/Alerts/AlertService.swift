internal import Foundation
public import Observability
public import Streaming

/// What must be done about alerts as time passes: escalation, the ends of snoozes, messages, the table `alerts`.
///
/// Every process that serves or runs may have one; they share the work without doing anything twice.
public final class AlertService: @unchecked Sendable {
  // Safe to share: `outbox` and the fields behind it are used by the service's thread, or by the caller of `round`
  // while that thread is not running.
  private let desk: AlertDesk
  private let outbox: Outbox
  private let views: ViewStage?
  private let metrics: AlertMetrics?
  private let log: Logger
  private let done = DispatchSemaphore(value: 0)
  private var isRunning = false
  private var warned: Set<String> = []

  /// A service.
  /// - Parameters:
  ///   - views: Names of the materialized views that this process judges by their policies.
  ///   - watched: Names of the pipelines whose models this process watches.
  public init(
    lake: Lake, desk: AlertDesk, settings: AlertSettings, metrics: AlertMetrics? = nil, log: Logger,
    views: Set<String> = [], watched: Set<String> = []
  ) throws {
    self.desk = desk
    self.metrics = metrics
    self.log = log
    self.views = ViewStage(Array(desk.policies.values), views: views, watched: watched, lake: lake, desk: desk)
    outbox = try Outbox(lake: lake, desk: desk, settings: settings)
  }

  /// Starts a thread that does a round every second until the stop.
  public func start(stop: StopSignal, everySeconds: Double = 1) {
    isRunning = true
    let thread = Thread { [self] in
      while !stop.isStopped {
        round()
        stop.wait(seconds: everySeconds)
      }
      round()
      done.signal()
    }
    thread.name = "alerts"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Waits for the thread's end; the stop must have been asked for.
  public func wait() {
    guard isRunning else { return }
    done.wait()
    isRunning = false
  }

  /// One round. A failure is told once and tried again in the next round.
  public func round() {
    attempt {
      if let events = try views?.round() { metrics?.raised(events) }
    }
    attempt {
      try desk.passTime()
      let round = try outbox.deliver()
      metrics?.told(round)
      for delivery in round.lost { try note(delivery) }
      try desk.project()
      if let metrics { metrics.standing(try desk.list()) }
    }
  }

  private func attempt(_ body: () throws -> Void) {
    do {
      try body()
    } catch {
      metrics?.failed(pipeline: "")
      if warned.insert("\(error)").inserted { log.warning("alerts not looked after", ["reason": .error(error)]) }
    }
  }

  /// A channel that fails must not fail in silence: it stands at the alert, and in the log.
  private func note(_ delivery: Delivery) throws {
    let reason = "\(delivery.notifier) could not be told: \(delivery.outcome ?? "unknown reason")"
    log.warning(
      "notifier not told",
      ["notifier": .name(delivery.notifier), "outcome": .name(delivery.outcome ?? ""), "alert": .name(delivery.alert)])
    _ = try? desk.apply(.comment, to: delivery.alert, by: AlertEvent.program, reason: reason)
  }
}
