/// How urgent an alert is: the priorities of IEC 60601-1-8, and one below them.
public enum AlertSeverity: String, Sendable, Hashable, CaseIterable, Comparable {
  /// Immediate response.
  case high
  /// Prompt response.
  case medium
  /// Awareness.
  case low
  /// What a model or a trend says: it must not look like a limit's alarm.
  case advisory

  /// From least to most urgent.
  public static func < (left: AlertSeverity, right: AlertSeverity) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .advisory: 0
    case .low: 1
    case .medium: 2
    case .high: 3
    }
  }

  /// The longest snooze that is allowed, seconds. High and medium follow section 8.2 of the project's clinical
  /// reference; the others are this program's choice.
  public var longestSnoozeSeconds: Int64 {
    switch self {
    case .high: 600
    case .medium: 1_800
    case .low: 8 * 3_600
    case .advisory: 24 * 3_600
    }
  }
}
