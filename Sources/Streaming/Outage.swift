internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Models

/// Which failures of a run may pass by waiting.
enum Outage {
  /// Whether the same step may succeed later without anybody changing the pipeline: an absent broker, a full disk, a
  /// file that may not be read, other writers in the way. Wrong SQL, a wrong password, a broken rule and a damaged
  /// table do not pass.
  static func mayPass(_ error: any Error) -> Bool {
    switch error {
    case let error as any RetriableError: return error.isRetriable
    case let error as DuckDBError: return error.kind == .io || error.kind == .outOfMemory
    case let error as DeltaError: return mayPass(error.code)
    case StreamingError.fileSystem: return true
    case let error as ModelError: return error.code == .fileSystem
    case is POSIXError: return true
    default: return (error as NSError).domain == NSCocoaErrorDomain
    }
  }

  private static func mayPass(_ code: DeltaError.Code) -> Bool {
    switch code {
    case .storage, .unreachable, .diskFull, .permissionDenied, .conflict, .missingFile: true
    case .notATable, .alreadyExists, .versionNotFound, .corruptLog, .corruptDeletionVector, .unsupportedProtocol,
      .unsupportedFeature, .invalidSchema, .schemaMismatch, .constraintViolation, .appendOnly, .invalidArgument,
      .engine, .retention:
      false
    }
  }
}
