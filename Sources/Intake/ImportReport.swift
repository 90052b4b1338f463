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
    /// It is nothing that can be imported; nothing was read.
    case unknownHeader
    /// It is not what its name says, or a gzip file that is cut off; nothing was read.
    case damaged
    /// Rows were derived from FHIR resources or HL7 messages, of however many files.
    case derived
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
  /// Rows that gave way to a newer version of their record.
  public var replaced = 0
  /// Fields of the header that no known version has; kept in the column `extra`.
  public var unknownColumns: [String] = []

  /// The table of FHIR resources as they came.
  public static let resourceTable = FHIRLog.name

  /// A report of a file without rows.
  public init(file: String, outcome: Outcome) {
    self.file = file
    self.outcome = outcome
  }
}

/// What became of a folder.
public struct ImportReport: Sendable, Hashable {
  /// One report per file, in order of their names.
  public internal(set) var files: [FileReport] = []

  /// How each file that was looked at ended, in their order.
  var outcomes: [FileReport.Outcome] = []

  /// A report without files.
  init() {}

  /// Rows added to tables of facts.
  public var rows: Int { files.filter { $0.table != FHIRLog.name }.reduce(0) { $0 + $1.rows } }
  /// Malformed lines added to the quarantine table.
  public var quarantined: Int { files.reduce(0) { $0 + $1.quarantined } }

  /// The report of a table's file, if the folder had one.
  public subscript(table: String) -> FileReport? {
    files.first { $0.table == table && $0.outcome != .alreadyImported } ?? files.first { $0.table == table }
  }
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
