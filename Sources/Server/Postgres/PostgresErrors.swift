internal import DuckDB
internal import HTTP
internal import PostgresWire
internal import Query

/// Errors of the lake as those of the protocol.
enum PostgresErrors {
  static func wireError(_ error: any Error) -> WireError {
    switch error {
    case let error as WireError: error
    case let error as QueryError: wireError(error)
    case let error as DuckDBError: WireError(state(error.kind, error.detail), error.detail)
    case let problem as Problem where problem.status == 408:
      WireError(.queryCanceled, "\(problem.title): \(problem.detail)")
    case let problem as Problem where problem.status == 503:
      WireError(.tooManyConnections, "\(problem.title): \(problem.detail)")
    case let problem as Problem:
      WireError(.internalError, "\(problem.title): \(problem.detail)")
    default:
      wireError(ProblemText.problem(of: error))
    }
  }

  private static func wireError(_ error: QueryError) -> WireError {
    if error.isUsage { return WireError(.syntaxError, error.description) }
    if error.isMissingTable { return WireError(.undefinedTable, error.description) }
    guard let cause = error.cause else { return WireError(.readOnly, error.description) }
    return WireError(state(cause, error.description), error.description)
  }

  private static func state(_ kind: DuckDBError.Kind, _ text: String) -> SQLState {
    switch kind {
    case .parser: .syntaxError
    case .binder: text.contains("Referenced column") ? .undefinedColumn : .invalidStatement
    case .catalog:
      text.contains("Function") ? .undefinedFunction : (text.contains("Type") ? .undefinedObject : .undefinedTable)
    case .conversion: .invalidText
    case .outOfRange: .outOfRange
    case .invalidInput: .invalidParameter
    case .outOfMemory: .outOfMemory
    case .interrupt: .queryCanceled
    case .permission: .accessDenied
    case .notImplemented: .featureNotSupported
    default: .internalError
    }
  }
}
