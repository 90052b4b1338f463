public import Pipelines

/// How many rows a rule was asked about, and how many broke it.
public struct ExpectationCount: Sendable, Hashable {
  /// The table whose rows are meant.
  public var table: String
  /// The rule's name.
  public var rule: String
  /// What happens to a row that breaks it.
  public var action: Expectation.Action
  /// Rows that the rule was asked about: those that the table's SQL gave.
  public var checked: Int64
  /// Rows that broke it.
  public var failed: Int64

  /// A count from its parts.
  public init(table: String, rule: String, action: Expectation.Action, checked: Int64, failed: Int64) {
    self.table = table
    self.rule = rule
    self.action = action
    self.checked = checked
    self.failed = failed
  }
}
