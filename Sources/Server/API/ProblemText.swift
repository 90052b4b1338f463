internal import Alerts
internal import DeltaLake
internal import DuckDB
internal import HTTP
internal import JSON
internal import Models
internal import Query
internal import Streaming

/// What an error is as an answer. Texts of errors that may quote data stay inside, except to whoever wrote the query.
enum ProblemText {
  static func problem(of error: any Error) -> Problem {
    switch error {
    case let error as Problem: return error
    case let error as QueryError:
      return Problem(
        400, error.isUsage ? "not-a-query" : "query-refused", "The query is not run", detail: error.description)
    case let error as IngestError: return problem(of: error)
    case let error as AlertRefusal: return problem(of: error)
    case let error as StreamingError:
      if case .unknownTable = error { return .notFound(error.description) }
      return Problem(503, "lake", "The lake cannot be read", detail: "try again; the server's log names the error")
    case let error as ModelError where error.code == .notFound || error.code == .invalidSpecification:
      return .notFound("there is no such model; /models lists them")
    case let error as DeltaError where error.code == .versionNotFound:
      return .notFound("the table has no such version")
    case is AuditError:
      return Problem(
        503, "audit-log", "The audit log cannot be written",
        detail: "until it can, nothing about patients is answered or changed; the server's log names the error")
    case is DeltaError, is DuckDBError, is ModelError:
      return Problem(503, "lake", "The lake cannot be used now", detail: "try again; the server's log names the error")
    case let error as JSONError:
      return Problem(
        400, "not-json", "The body is not JSON", detail: "at byte \(error.offset): \(error.reason)")
    default:
      return Problem(500, "internal", "A fault of the server", detail: "the server's log names the error")
    }
  }

  private static func problem(of error: IngestError) -> Problem {
    var headers: HTTPHeaders = [:]
    if let seconds = error.retryAfterSeconds { headers["retry-after"] = String(seconds) }
    let (status, code, title) =
      switch error {
      case .backlog: (429, "backlog", "The pipeline is behind")
      case .unavailable, .closed: (503, "not-durable", "The records could not be made durable")
      case .tooLarge: (413, "body-too-large", "The body is too large")
      case .refused: (409, "refused", "The pipeline takes no records this way")
      }
    return Problem(status, code, title, detail: error.description, headers: headers)
  }

  private static func problem(of error: AlertRefusal) -> Problem {
    switch error {
    case .unknownAlert: .notFound("there is no such alert")
    case .noReason, .reasonTooLong, .snoozeOutOfRange:
      Problem(422, error.code.replacing("_", with: "-"), "The action is not possible", detail: error.description)
    case .closed, .nothingToSnooze, .lastLevel, .nobody:
      Problem(409, error.code.replacing("_", with: "-"), "The action is not possible", detail: error.description)
    }
  }
}
