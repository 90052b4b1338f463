/// BigQuery did not answer, or refused. The text holds no row and no key.
public struct BigQueryError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was asked.
  public var step: String
  /// What it, or the network, said.
  public var reason: String
  /// The status of its answer; nil without one.
  public var status: Int?

  /// An error.
  init(_ step: String, _ reason: String, status: Int? = nil) {
    self.step = step
    self.reason = reason
    self.status = status
  }

  /// One line.
  public var description: String { "BigQuery: \(step): \(reason)" }
}
