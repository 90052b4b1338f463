/// Codes of errors that clients understand (PostgreSQL manual, appendix A).
public enum SQLState: String, Sendable, Hashable {
  case protocolViolation = "08P01"
  case featureNotSupported = "0A000"
  case invalidText = "22P02"
  case invalidBinary = "22P03"
  case outOfRange = "22003"
  case invalidParameter = "22023"
  case readOnly = "25006"
  case inFailedTransaction = "25P02"
  case invalidAuthorization = "28000"
  case invalidPassword = "28P01"
  case unknownStatement = "26000"
  case unknownCursor = "34000"
  case unknownDatabase = "3D000"
  case accessDenied = "42501"
  case syntaxError = "42601"
  case undefinedColumn = "42703"
  case undefinedFunction = "42883"
  case undefinedTable = "42P01"
  case duplicateStatement = "42P05"
  case undefinedParameter = "42P02"
  case invalidStatement = "42000"
  case undefinedObject = "42704"
  case outOfMemory = "53200"
  case tooManyConnections = "53300"
  case configurationLimit = "53400"
  case programLimit = "54000"
  case statementTooComplex = "54001"
  case queryCanceled = "57014"
  case adminShutdown = "57P01"
  case internalError = "XX000"
}

/// An error for the client.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Its code.
  public var state: SQLState
  /// What is wrong, and what to do about it.
  public var description: String
  /// Whether the connection ends with it.
  public var isFatal: Bool

  /// An error.
  public init(_ state: SQLState, _ description: String, isFatal: Bool = false) {
    self.state = state
    self.description = description
    self.isFatal = isFatal
  }

  /// Bytes that are not the protocol: the connection cannot go on.
  public static func violation(_ description: String) -> WireError {
    WireError(.protocolViolation, description, isFatal: true)
  }
}
