/// How many records the next micro-batch may hold: few while they come as fast as they are taken, more while they pile
/// up, so many that a micro-batch takes about as long as it should. Pure.
///
/// A stream that keeps up never meets this limit. After a pause or before a backlog the limit doubles from batch to batch
/// until a batch takes `targetSeconds`, so that tables and dashboards follow every second or two, and memory holds what
/// one such batch needs, however much waits.
struct BatchSize: Sendable {
  /// The limit never falls below this many records; a smaller maximum is always the limit.
  static let smallest = 10_000
  /// Bytes that are allowed however few records are.
  private static let smallestBytes = 4 << 20
  /// A tenth of the lag is spent on one batch, up to this many seconds: who is minutes behind gains nothing from tables that
  /// follow each second, and large batches cost less per record.
  private static let longestSeconds = 10.0

  private let maximum: BatchLimit
  private let targetSeconds: Double
  private(set) var records: Int

  /// - Parameters:
  ///   - maximum: What the pipeline allows.
  ///   - intervalSeconds: The pipeline's trigger.
  init(maximum: BatchLimit, intervalSeconds: Double) {
    self.maximum = maximum
    targetSeconds = max(1, min(5, intervalSeconds))
    records = min(maximum.records, max(Self.smallest, maximum.records / 4))
  }

  /// The limit of the next micro-batch. Bytes shrink with the records, so that long records count too.
  var limit: BatchLimit {
    let share = Double(records) / Double(max(1, maximum.records))
    let bytes = Int(Double(maximum.bytes) * share)
    return BatchLimit(records: records, bytes: min(maximum.bytes, max(Self.smallestBytes, bytes)))
  }

  /// Takes into account how a micro-batch went.
  /// - Parameters:
  ///   - count: Its records.
  ///   - seconds: What it took from the reading to the last commit.
  ///   - isCut: More records were there than the limit allowed.
  ///   - lagSeconds: How long its oldest record had waited; nil if the source does not know.
  mutating func took(_ count: Int, seconds: Double, isCut: Bool, lagSeconds: Double?) {
    // A small batch that took all there was says nothing about larger ones.
    guard count > 0, seconds > 0, isCut || count > records / 2 else { return }
    let target = max(targetSeconds, min(Self.longestSeconds, (lagSeconds ?? 0) / 10))
    // By half or double at most: one batch that met a busy disk is no measure.
    let ideal = min(2, max(0.5, target / seconds)) * Double(records)
    // Growth is for what waits.
    let wanted = isCut ? Int(ideal) : min(records, Int(ideal))
    records = min(maximum.records, max(min(Self.smallest, maximum.records), wanted))
  }
}
