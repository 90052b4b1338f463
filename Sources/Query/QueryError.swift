public import DuckDB

/// Why a query is not run. The text is for the person who wrote the query.
public struct QueryError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Whether the text is no query at all, rather than one that is refused or fails.
  public let isUsage: Bool
  /// Whether it fails because the lake holds no table of a name.
  public let isMissingTable: Bool
  /// The class of the engine's error; nil if the engine was not asked.
  public let cause: DuckDBError.Kind?
  /// One line: what is wrong and what to do.
  public let description: String

  /// The text is no query.
  public init(usage description: String) {
    isUsage = true
    isMissingTable = false
    cause = nil
    self.description = description
  }

  /// The query is refused, or fails.
  public init(refused description: String, isMissingTable: Bool = false, cause: DuckDBError.Kind? = nil) {
    isUsage = false
    self.isMissingTable = isMissingTable
    self.cause = cause
    self.description = description
  }
}
