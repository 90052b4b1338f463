internal import Foundation

/// Asks a running pipeline to stop after the micro-batch in hand. Any thread may ask.
public final class StopSignal: @unchecked Sendable {
  // Safe to share: `stopped` and `others` are read and written under the condition's lock only.
  private let condition = NSCondition()
  private var stopped = false
  private var others: [StopSignal] = []

  /// A signal that nobody has given yet.
  public init() {}

  /// Asks for the stop and wakes whoever waits.
  public func stop() {
    condition.lock()
    stopped = true
    condition.broadcast()
    let others = others
    condition.unlock()
    for other in others { other.stop() }
  }

  /// Gives the other signal too when this one is given, or at once if it was.
  func forward(to other: StopSignal) {
    condition.lock()
    others.append(other)
    let isDue = stopped
    condition.unlock()
    if isDue { other.stop() }
  }

  /// Leaves the other signal alone from now on.
  func stopForwarding(to other: StopSignal) {
    condition.lock()
    others.removeAll { $0 === other }
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
