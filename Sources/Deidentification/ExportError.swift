/// Why nothing was exported.
public enum ExportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The folder is there and holds something.
  case notEmpty(folder: String)
  /// An operation on files failed.
  case fileSystem(operation: String, path: String, reason: String)
  /// A table has no column that may be exported.
  case nothingKnown(table: String)
  /// A column holds text that is shaped like an identifier.
  case leak(table: String, column: String, kind: String, rows: Int64)

  /// One line for a person: what is wrong and what to do. Never a value.
  public var description: String {
    switch self {
    case .notEmpty(let folder): "\(folder) is not empty; choose a new folder"
    case .fileSystem(let operation, let path, let reason): "cannot \(operation) \(path): \(reason)"
    case .nothingKnown(let table):
      "nobody has said what the columns of \(table) hold; classify them by 'phi:' under 'columns:' in a pipeline.yml"
    case .leak(let table, let column, let kind, let rows):
      "nothing was exported: \(table).\(column) has \(rows) values with what looks like \(kind); say in the pipeline.yml "
        + "what the column holds (phi: free_text leaves it out)"
    }
  }
}
