/// A failure that DuckDB reports.
///
/// `description` is safe for logs: it carries the kind, the place in the SQL and the names of tables, columns, types
/// and files that DuckDB names, never a data value. `detail` is DuckDB's own text, which can quote values: show it only
/// to the person who typed the SQL, and in tests.
public struct DuckDBError: Error, Sendable, Hashable, CustomStringConvertible {
  /// DuckDB's class of error (`duckdb_error_type`), reduced to what callers tell apart.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The SQL text does not parse.
    case parser
    /// Names and types in the SQL do not fit each other or the catalog.
    case binder
    /// A table, function or type does not exist, or exists already.
    case catalog
    /// A value does not fit the type it is cast to.
    case conversion
    /// A number left its type's range.
    case outOfRange
    /// A constraint of a table was violated.
    case constraint
    /// A file could not be read or written (`detail` and `description` name it).
    case io
    /// The memory limit is exhausted.
    case outOfMemory
    /// The statement was interrupted, by `Connection.interrupt()` or a deadline.
    case interrupt
    /// Input (a file, a function's argument) is not what the statement needs; also errors of scalar functions.
    case invalidInput
    /// Transaction conflicts and misuse.
    case transaction
    /// Permission refused by a setting.
    case permission
    /// An extension is missing.
    case missingExtension
    /// A setting does not exist or does not take this value.
    case settings
    /// DuckDB does not implement this.
    case notImplemented
    /// A connection or database could not be opened or is closed.
    case connection
    /// DuckDB found itself in an impossible state, or its database is invalidated by an earlier fatal error.
    case `internal`
    /// A Swift-side misuse: a type that this adapter does not carry, a column number out of range.
    case usage
    /// Anything else.
    case other
  }

  /// A place in the SQL text, both counted from 1; the column counts bytes.
  public struct Position: Sendable, Hashable, CustomStringConvertible {
    /// Line, from 1.
    public var line: Int
    /// Byte column, from 1; nil if DuckDB tells the line alone.
    public var column: Int?

    /// `line 3, column 14`.
    public var description: String { column.map { "line \(line), column \($0)" } ?? "line \(line)" }
  }

  /// The class of error.
  public let kind: Kind
  /// DuckDB's own text. It can quote data values; never log it.
  public let detail: String
  /// Where in the SQL, if DuckDB says.
  public let position: Position?
  /// What may be said aloud about it (names, types, paths), without values; empty if nothing is.
  public let safeDetail: String

  /// An error of this adapter: `message` must hold no data value.
  init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.detail = message
    self.position = nil
    self.safeDetail = message
  }

  /// An error from DuckDB's text, such as `Binder Error: Referenced column "x" not found …`, for the statement `sql`.
  init(message: String, sql: String? = nil) {
    let parsed = ErrorText(message, sql: sql)
    self.kind = parsed.kind
    self.detail = message
    self.position = parsed.position
    self.safeDetail = parsed.safeDetail
  }

  /// Whether a disk ran full: free space and do the work again.
  public var isDiskFull: Bool { kind == .io && detail.contains("No space left on device") }

  /// Kind, safe detail and place; no data values.
  public var description: String {
    var text = "DuckDB \(kind.title)"
    if !safeDetail.isEmpty { text += ": \(safeDetail)" }
    if let position { text += " (SQL \(position))" }
    return text
  }
}

extension DuckDBError.Kind {
  var title: String {
    switch self {
    case .parser: "syntax error"
    case .binder: "binder error"
    case .catalog: "catalog error"
    case .conversion: "conversion error"
    case .outOfRange: "out of range error"
    case .constraint: "constraint error"
    case .io: "file error"
    case .outOfMemory: "out of memory"
    case .interrupt: "statement interrupted"
    case .invalidInput: "invalid input"
    case .transaction: "transaction error"
    case .permission: "permission error"
    case .missingExtension: "missing extension"
    case .settings: "setting error"
    case .notImplemented: "not implemented"
    case .connection: "connection error"
    case .internal: "internal error"
    case .usage: "wrong use"
    case .other: "error"
    }
  }
}
