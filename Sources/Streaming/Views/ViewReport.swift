/// What a refresh of a materialized view did, for people and for metrics. It holds no patient data.
public struct ViewReport: Sendable, Hashable {
  /// What was computed.
  public enum Outcome: Sendable, Hashable {
    /// Nothing: the inputs hold the rows that the view reflects.
    case unchanged
    /// Nothing: what it reads does not exist yet.
    case waiting(String)
    /// These many partitions, from the rows of the inputs that belong to them.
    case partitions(Int)
    /// The rows of these many keys, from the rows of the inputs that belong to them.
    case keys(Int)
    /// Every row, for this reason.
    case whole(String)
  }

  /// The view.
  public var view: String
  /// What was computed.
  public var outcome: Outcome
  /// Rows that were written.
  public var rows: Int64 = 0
  /// The view's version afterwards; nil if it does not exist.
  public var version: Int64?
  /// The versions of the inputs that it reflects now, by table.
  public var inputs: [String: Int64] = [:]
  /// How often another process was faster, so that the work was done again.
  public var overtaken = 0
  /// Seconds that it took.
  public var seconds = 0.0

  /// A report without figures.
  public init(view: String, outcome: Outcome) {
    self.view = view
    self.outcome = outcome
  }

  /// Whether a version was written.
  public var didWrite: Bool {
    switch outcome {
    case .partitions, .keys, .whole: true
    case .unchanged, .waiting: false
    }
  }
}
