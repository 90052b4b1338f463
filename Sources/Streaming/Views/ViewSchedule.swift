/// When the views of a running pipeline are due. Pure; times are seconds of any clock.
///
/// One view is refreshed at a time, the one that has been due longest. After a refresh all of them rest three times as
/// long as it took, so that refreshing takes a quarter of one processor at most, however many views there are and however
/// large they grow. What comes meanwhile is taken together.
struct ViewSchedule {
  private struct Entry {
    var every: Double
    var due = -Double.infinity
    var failures = 0
  }

  /// The longest pause after failures, seconds.
  static let longestPause = 300.0
  /// How often the time of a refresh is rested after it.
  private static let rest = 3.0

  private var entries: [String: Entry] = [:]
  private let order: [String]
  private var restsUntil = -Double.infinity

  /// The views with their spans in seconds, in the order in which they are refreshed; all are due at once.
  init(_ views: [(name: String, every: Double)]) {
    order = views.map(\.name)
    for view in views { entries[view.name] = Entry(every: view.every) }
  }

  /// The view to refresh now: the first in order of those that have been due longest; nil before `next`.
  func due(at now: Double) -> String? {
    guard let next, next <= now, let oldest = entries.values.map(\.due).min() else { return nil }
    return order.first { entries[$0]?.due == oldest }
  }

  /// When the next one is due; nil if there is none.
  var next: Double? { entries.values.map(\.due).min().map { max($0, restsUntil) } }

  /// Notes a refresh that ended.
  mutating func didRefresh(_ name: String, seconds: Double, at now: Double) {
    restsUntil = now + Self.rest * seconds
    guard var entry = entries[name] else { return }
    entry.failures = 0
    entry.due = now + entry.every
    entries[name] = entry
  }

  /// Notes a failure; returns the seconds until the view is tried again.
  mutating func didFail(_ name: String, at now: Double) -> Double {
    guard var entry = entries[name] else { return 0 }
    entry.failures += 1
    let pause = min(Self.longestPause, max(entry.every, 1) * Double(1 << min(entry.failures, 16)))
    entry.due = now + pause
    entries[name] = entry
    return pause
  }
}
