/// What went wrong with a table, told without any value of a row.
public struct DeltaError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A stable name of the kind of failure.
  public enum Code: String, Sendable, Hashable {
    case notATable, alreadyExists, versionNotFound, corruptLog, corruptDeletionVector, missingFile
    case unsupportedProtocol, unsupportedFeature, invalidSchema, schemaMismatch, constraintViolation, appendOnly
    case conflict, invalidArgument, storage, unreachable, diskFull, permissionDenied, engine, retention
  }

  /// Who can put it right.
  public enum Blame: String, Sendable, Hashable {
    case user, external, bug
  }

  /// The kind of failure.
  public let code: Code
  /// What happened, naming table, file, line, field or offset.
  public let message: String
  /// What to do about it.
  public let hint: String

  /// A failure of a kind, with what happened and what to do.
  public init(_ code: Code, _ message: String, hint: String = "") {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// Who can put it right.
  public var blame: Blame {
    switch code {
    case .invalidArgument, .alreadyExists, .versionNotFound, .schemaMismatch, .constraintViolation, .appendOnly,
      .retention:
      .user
    case .engine: .bug
    default: .external
    }
  }

  /// The message and the hint.
  public var description: String { hint.isEmpty ? message : "\(message): \(hint)" }
}
