import Foundation
import LakewardTesting
import Pipelines
import Streaming
import Synchronization

@testable import Alerts

/// A clock that tests set.
final class TestClock: Sendable {
  private let microseconds: Mutex<Int64>

  init(_ text: String = "2026-01-05T08:00:00Z") { microseconds = Mutex(instant(text)) }

  var now: Int64 { microseconds.withLock { $0 } }
  func advance(seconds: Double) { microseconds.withLock { $0 += Int64(seconds * 1e6) } }
  var read: @Sendable () -> Int64 { { self.now } }
}

/// Microseconds since 1970 of an ISO 8601 text.
func instant(_ text: String) -> Int64 {
  guard let date = try? Date(text, strategy: .iso8601) else { return 0 }
  return Int64(date.timeIntervalSince1970) * 1_000_000
}

enum Sample {
  static let policy: AlertPolicy = {
    var policy = AlertPolicy(
      name: "fast_heart", pipeline: "vitals", table: "silver", severity: .high, title: "Fast heart on {ward}",
      message: "Look at {patient}.", trigger: .condition("heart_rate > 130", threshold: nil))
    policy.levels = [
      EscalationLevel(afterSeconds: 0, notify: ["nurse"]), EscalationLevel(afterSeconds: 120, notify: ["charge"]),
      EscalationLevel(afterSeconds: 300, notify: ["doctor", "pager"]),
    ]
    policy.holdOffSeconds = 600
    return policy
  }()

  static func begins(_ policy: AlertPolicy = policy, patient: String = "p1", at time: String) -> Transition {
    Transition(
      begins: true, policy: policy.id, patient: patient, ward: "A1", eventTime: instant(time), since: instant(time))
  }

  static func ends(_ policy: AlertPolicy = policy, patient: String = "p1", at time: String) -> Transition {
    Transition(
      begins: false, policy: policy.id, patient: patient, ward: "A1", eventTime: instant(time), since: instant(time))
  }

  /// Raises or ends alerts as the stream would.
  @discardableResult
  static func take(_ transition: Transition, _ desk: AlertDesk, _ policy: AlertPolicy = policy) throws -> [AlertEvent] {
    try desk.store.commit([transition], policies: [policy.id: policy], covers: [:], now: desk.clock()) { _ in [] }
  }
}
