public import Observability

/// What one pipeline has done since its process began: counts and times only.
public struct PipelineFigures: Sendable, Hashable {
  /// The pipeline's name.
  public var pipeline: String
  /// What it is doing.
  public var state = PipelineState.starting
  /// Since when, microseconds since 1970.
  public var since: Int64
  /// Why, where that needs a reason.
  public var reason: String?
  /// Micro-batches that were committed.
  public var batches: Int64 = 0
  /// Records that were read.
  public var records: Int64 = 0
  /// Records that went to quarantine.
  public var quarantined: Int64 = 0
  /// Repeats that were dropped.
  public var duplicates: Int64 = 0
  /// Rows that each table got.
  public var rows: [String: Int64] = [:]
  /// Rows that broke each rule, as `TABLE.RULE`.
  public var breaches: [String: Int64] = [:]
  /// Seconds by stage.
  public var seconds: [String: Double] = [:]
  /// When the tables were last committed to, microseconds since 1970.
  public var lastCommit: Int64?
  /// Records that are known to wait; nil if the source does not know.
  public var lagRecords: Int64?
  /// How old the oldest record of the last micro-batch was when it was durable, seconds; 0 when nothing waits.
  public var lagSeconds: Double?
  private var recent = RateWindow()

  init(pipeline: String, since: Int64) {
    self.pipeline = pipeline
    self.since = since
  }

  mutating func take(_ report: BatchReport, quarantined: Int64, now: Int64, lagSeconds: Double?) {
    batches += 1
    if !report.isCatchUp {
      records += report.records
      recent.add(report.records, at: now)
      lagRecords = report.waitingRecords
      self.lagSeconds = lagSeconds
    }
    self.quarantined += quarantined
    duplicates += report.duplicates
    lastCommit = now
    rows.merge(report.rows) { $0 + $1 }
    breaches.merge(report.breaches) { $0 + $1 }
    seconds.merge(report.seconds) { $0 + $1 }
  }

  /// Records per second over the last ten seconds.
  /// - Parameter now: microseconds since 1970.
  public func rate(now: Int64) -> Double { recent.rate(now: now) }
}

/// How many of something came in each of the last ten seconds.
struct RateWindow: Sendable, Hashable {
  private static let seconds = 10
  private var slots = [Int64](repeating: 0, count: seconds)
  /// The second of the newest slot; long ago at first.
  private var newest: Int64 = -1_000
  private var first: Int64?

  mutating func add(_ count: Int64, at now: Int64) {
    let second = now / 1_000_000
    if first == nil { first = now }
    guard second > newest - Int64(Self.seconds) else { return }
    if second > newest {
      let steps = min(Int64(Self.seconds), second - newest)
      for step in 0..<steps { slots[Self.slot(second - step)] = 0 }
      newest = second
    }
    slots[Self.slot(second)] += count
  }

  /// Per second, over the time since the first one if that is shorter.
  func rate(now: Int64) -> Double {
    guard let first else { return 0 }
    let second = now / 1_000_000
    var sum: Int64 = 0
    for age in 0..<Int64(Self.seconds) {
      let place = second - age
      if place <= newest, place > newest - Int64(Self.seconds) { sum += slots[Self.slot(place)] }
    }
    // The oldest of the ten seconds is over; the newest has only just begun.
    let span = min(Double(Self.seconds - 1) + Double(now % 1_000_000) / 1e6, max(1, Double(now - first) / 1e6))
    return Double(sum) / span
  }

  private static func slot(_ second: Int64) -> Int {
    Int(((second % Int64(seconds)) + Int64(seconds)) % Int64(seconds))
  }
}
