/// What became of one file.
public struct FileReport: Sendable, Hashable {
  /// How the import of a file ended.
  public enum Outcome: Sendable, Hashable {
    /// Its rows are in the table.
    case imported
    /// The same content was imported before; nothing changed.
    case alreadyImported
    /// It has no bytes (Synthea leaves such files when it is stopped).
    case empty
    /// Its header is none of Synthea's; nothing was read.
    case unknownHeader
    /// It is compressed; nothing was read.
    case compressed
  }

  /// File name inside the folder.
  public let file: String
  /// How it ended.
  public let outcome: Outcome
  /// The Delta table; `nil` if the file belongs to none.
  public var table: String?
  /// Rows added to the table.
  public var rows = 0
  /// Malformed lines added to the quarantine table.
  public var quarantined = 0
  /// Rows with a date or timestamp that cannot be read: NULL in its column, its text in the column `extra`.
  public var rowsWithUnreadableDate = 0
  /// Columns that this version of the file does not have; NULL in the table.
  public var missingColumns: [String] = []
  /// Fields of the header that no known version has; kept in the column `extra`.
  public var unknownColumns: [String] = []

  init(file: String, outcome: Outcome) {
    self.file = file
    self.outcome = outcome
  }
}

/// What became of a folder.
public struct ImportReport: Sendable, Hashable {
  /// One report per file, in order of their names.
  public internal(set) var files: [FileReport] = []

  /// A report without files.
  init() {}

  /// Several reports as one.
  public init(joining reports: [ImportReport]) { files = reports.flatMap(\.files) }

  /// Rows added to tables.
  public var rows: Int { files.reduce(0) { $0 + $1.rows } }
  /// Malformed lines added to the quarantine table.
  public var quarantined: Int { files.reduce(0) { $0 + $1.quarantined } }

  /// The report of a table's file, if the folder had one.
  public subscript(table: String) -> FileReport? { files.first { $0.table == table } }
}

/// How far an import is.
public struct ImportProgress: Sendable, Hashable {
  /// The file that is being read.
  public let file: String
  /// Position of the file among those of the folder, from 1.
  public let number: Int
  /// How many files the folder has.
  public let count: Int
  /// Bytes of the file read so far.
  public let bytesRead: Int64
  /// Bytes of the file.
  public let byteCount: Int64
}
