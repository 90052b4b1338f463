/// When the views of a running pipeline are due. Pure; times are seconds of any clock.
///
/// Between the end of a refresh and the next begin lie at least the view's span and at least as long as the refresh took,
/// so that refreshing takes half of one processor at most, however large the view is. What comes meanwhile is taken
/// together.
struct ViewSchedule {
  private struct Entry {
    var every: Double
    var due = -Double.infinity
    var failures = 0
  }

  /// The longest pause after failures, seconds.
  static let longestPause = 300.0

  private var entries: [String: Entry] = [:]
  private let order: [String]

  /// The views with their spans in seconds, in the order in which they are refreshed; all are due at once.
  init(_ views: [(name: String, every: Double)]) {
    order = views.map(\.name)
    for view in views { entries[view.name] = Entry(every: view.every) }
  }

  /// The first view that is due.
  func due(at now: Double) -> String? { order.first { (entries[$0]?.due ?? .infinity) <= now } }

  /// When the next one is due; nil if there is none.
  var next: Double? { entries.values.map(\.due).min() }

  /// Notes a refresh that ended.
  mutating func didRefresh(_ name: String, seconds: Double, at now: Double) {
    guard var entry = entries[name] else { return }
    entry.failures = 0
    entry.due = now + max(entry.every, seconds)
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
