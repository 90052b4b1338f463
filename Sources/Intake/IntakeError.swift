import Foundation

/// Why an import could not go on. Never holds a value of a record.
public enum IntakeError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The folder does not exist or is not one.
  case notAFolder(path: String)
  /// The folder holds no file that Synthea would have written.
  case nothingToImport(path: String)
  /// An operation on a file failed with this `errno`.
  case fileSystem(operation: String, path: String, code: Int32)
  /// A file became shorter while it was read.
  case fileShrank(path: String)
  /// A file has a line that is longer than can be read.
  case lineTooLong(path: String, line: Int64)

  /// One line for a person: what failed, where and what to do.
  public var description: String {
    switch self {
    case .notAFolder(let path):
      "\(path) is not a folder; give a folder with Synthea's, FHIR or HL7 files"
    case .nothingToImport(let path):
      "\(path) holds nothing to import: no Synthea CSV or Parquet, no FHIR bundle or NDJSON, no HL7 messages"
    case .fileSystem(let operation, let path, let code):
      "cannot \(operation) \(path): \(String(cString: strerror(code)))"
    case .fileShrank(let path):
      "\(path) became shorter while it was read; import again when nobody writes it any more"
    case .lineTooLong(let path, let line):
      "\(path), line \(line): the line is longer than can be read; is this a CSV file?"
    }
  }
}
