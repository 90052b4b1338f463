internal import Foundation

/// Asks a running pipeline to stop after the micro-batch in hand. Any thread may ask.
public final class StopSignal: @unchecked Sendable {
  // Safe to share: `stopped` is read and written under the condition's lock only.
  private let condition = NSCondition()
  private var stopped = false

  /// A signal that nobody has given yet.
  public init() {}

  /// Asks for the stop and wakes whoever waits.
  public func stop() {
    condition.lock()
    stopped = true
    condition.broadcast()
    condition.unlock()
  }

  /// Whether the stop was asked for.
  public var isStopped: Bool {
    condition.lock()
    defer { condition.unlock() }
    return stopped
  }

  /// Waits that many seconds, or until the stop is asked for.
  public func wait(seconds: Double) {
    guard seconds > 0 else { return }
    let end = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    while !stopped, condition.wait(until: end) {}
    condition.unlock()
  }
}
