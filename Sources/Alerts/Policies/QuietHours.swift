internal import Foundation

/// A time of day, in a named time zone, in which alerts of some severities wait.
public struct QuietHours: Sendable, Hashable {
  /// The severities that wait.
  public var severities: Set<AlertSeverity>
  /// Minutes after midnight at which the quiet begins.
  public var fromMinute: Int
  /// Minutes after midnight at which it ends; at or before the beginning: on the next day.
  public var toMinute: Int
  /// An IANA time zone, such as `Europe/Berlin`.
  public var zone: String

  /// Quiet hours from their parts.
  public init(severities: Set<AlertSeverity>, fromMinute: Int, toMinute: Int, zone: String) {
    self.severities = severities
    self.fromMinute = fromMinute
    self.toMinute = toMinute
    self.zone = zone
  }

  /// When the quiet that holds at an instant ends; nil if none does. Microseconds since 1970.
  ///
  /// Both ends are read off the wall clock of the zone. A wall-clock time that does not exist on the day on which
  /// summer time begins is taken as the instant at which the clock jumps over it; of one that comes twice on the day
  /// on which summer time ends, the first counts.
  public func end(at instant: Int64) -> Int64? {
    guard let zone = TimeZone(identifier: zone) else { return nil }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let now = Date(timeIntervalSince1970: Double(instant) / 1e6)
    // The quiet that began yesterday may still hold.
    for day in [-1, 0] {
      guard let noon = calendar.date(bySettingHour: 12, minute: 0, second: 0, of: now),
        let date = calendar.date(byAdding: .day, value: day, to: noon),
        let next = calendar.date(byAdding: .day, value: 1, to: date),
        let start = Self.moment(fromMinute, of: date, calendar),
        let end = Self.moment(toMinute, of: toMinute <= fromMinute ? next : date, calendar)
      else { continue }
      if start <= now, now < end { return Int64((end.timeIntervalSince1970 * 1e6).rounded()) }
    }
    return nil
  }

  /// A wall-clock time of the day of `date`.
  private static func moment(_ minute: Int, of date: Date, _ calendar: Calendar) -> Date? {
    let day = calendar.startOfDay(for: date)
    if minute == 0 { return day }
    return calendar.nextDate(
      after: day.addingTimeInterval(-1), matching: DateComponents(hour: minute / 60, minute: minute % 60, second: 0),
      matchingPolicy: .nextTime, repeatedTimePolicy: .first, direction: .forward)
  }
}

/// A planned span in which a policy tells nobody: maintenance, a drill, patients off the ward.
public struct SuppressionWindow: Sendable, Hashable {
  /// First instant, microseconds since 1970.
  public var from: Int64
  /// First instant after it.
  public var to: Int64
  /// The wards that it is for; empty: all.
  public var wards: [String]
  /// Why; it stands in the audit.
  public var reason: String

  /// A window from its parts.
  public init(from: Int64, to: Int64, wards: [String], reason: String) {
    self.from = from
    self.to = to
    self.wards = wards
    self.reason = reason
  }
}

extension AlertPolicy {
  /// Until when nobody is told about an alert that is raised now, and why; nil: tell at once.
  func silence(ward: String?, at now: Int64) -> (until: Int64, reason: String)? {
    var until = now
    var reason: String?
    // One silence may run into the next.
    for _ in 0..<8 {
      let before = until
      for window in suppressions where window.from <= until && until < window.to {
        guard window.wards.isEmpty || ward.map(window.wards.contains) ?? false else { continue }
        until = window.to
        reason = reason ?? window.reason
      }
      for hours in quiet where hours.severities.contains(severity) {
        guard let end = hours.end(at: until) else { continue }
        until = end
        reason = reason ?? "quiet hours"
      }
      if until == before { break }
    }
    return reason.map { (until, $0) }
  }
}
