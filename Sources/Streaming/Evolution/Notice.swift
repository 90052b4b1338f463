public import DuckDB
internal import Pipelines

/// Something that somebody who keeps a pipeline should know, said once in a run. It holds names, never a value.
public enum Notice: Sendable, Hashable, CustomStringConvertible {
  /// Records have a field that the pipeline's definition does not name: it is kept in bronze only.
  case unknownField(stream: String, UnknownField)
  /// The SELECT of a table has columns that the stored table lacked; rows that are there have NULL in them.
  case columnsAdded(table: String, columns: [String])
  /// The stored table has columns that the SELECT does not give any more; new rows have NULL in them.
  case columnsMissing(table: String, columns: [String])
  /// Something about the source, as its own line says it.
  case source(String)

  /// One line: what is the case, and what to do.
  public var description: String {
    switch self {
    case .source(let text): text
    case .unknownField(let stream, let field):
      """
      \(stream): records have a field '\(field.key)' that pipeline.yml does not name; it is kept in bronze only. \
      To use it, add this line to record, and the column to the SQL: \(field.line)
      """
    case .columnsAdded(let table, let columns):
      """
      \(table): new columns \(columns.joined(separator: ", ")); rows from now on have them, older rows have NULL there
      """
    case .columnsMissing(let table, let columns):
      """
      \(table): the SQL gives no column \(columns.joined(separator: ", ")) any more; rows from now on have NULL there. \
      If a column was renamed, give it its old name again, or remove the table to have it filled anew
      """
    }
  }
}

/// A field of records that no field of the pipeline's definition reads.
public struct UnknownField: Sendable, Hashable {
  /// The key in the JSON object.
  public var key: String
  /// What its values look like.
  public var kind: UnknownKey.Kind

  /// A field from its parts.
  public init(key: String, kind: UnknownKey.Kind) {
    self.key = key
    self.kind = kind
  }

  /// The line of `pipeline.yml` that makes a column of it.
  public var line: String {
    let type =
      switch kind {
      case .text, .null: "string"
      case .number: "double"
      case .boolean: "boolean"
      case .container: "string"
      }
    var name = String(key.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
    if name.first?.isNumber ?? true { name = "_" + name }
    let field = name == key ? "" : ", field: \"\(key)\""
    let remark = kind == .container ? "  # an object or list: only top-level values become columns" : ""
    return "- { name: \(name)\(field), type: \(type) }\(remark)"
  }
}
