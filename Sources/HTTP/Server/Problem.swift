internal import JSON

/// Why a request was not done, in the shape of RFC 9457 (problem details).
///
/// Names fields, rules and limits, never a patient's value.
public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
  /// One thing that is wrong with the input.
  public struct FieldError: Sendable, Hashable {
    /// The field, as a JSON pointer for bodies (`/glucose`, `/3/age`) or a parameter's name.
    public var field: String
    /// The rule that it breaks, such as `required`, `type`, `minimum`, `unknown`.
    public var rule: String
    /// One line for people.
    public var message: String

    /// A field's error.
    public init(field: String, rule: String, message: String) {
      self.field = field
      self.rule = rule
      self.message = message
    }
  }

  /// Status code.
  public var status: Int
  /// A stable word for programs; `type` is `urn:lakeward:problem:CODE`.
  public var code: String
  /// What kind of problem it is.
  public var title: String
  /// What happened here, and what to do about it.
  public var detail: String
  /// What is wrong with which field.
  public var errors: [FieldError]
  /// Header fields that belong to the answer, such as `Retry-After`.
  public var headers: HTTPHeaders

  /// A problem.
  public init(
    _ status: Int, _ code: String, _ title: String, detail: String = "", errors: [FieldError] = [],
    headers: HTTPHeaders = HTTPHeaders()
  ) {
    self.status = status
    self.code = code
    self.title = title
    self.detail = detail
    self.errors = errors
    self.headers = headers
  }

  /// Title and detail.
  public var description: String { detail.isEmpty ? title : "\(title): \(detail)" }

  /// The media type of a problem.
  public static let mediaType = "application/problem+json"

  /// The answer that says it.
  public var response: ServerResponse {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("type", "urn:lakeward:problem:\(code)")
    writer.member("title", title)
    writer.member("status", Int64(status))
    if !detail.isEmpty { writer.member("detail", detail) }
    if !errors.isEmpty {
      writer.key("errors")
      writer.beginArray()
      for error in errors {
        writer.beginObject()
        writer.member("field", error.field)
        writer.member("rule", error.rule)
        writer.member("message", error.message)
        writer.endObject()
      }
      writer.endArray()
    }
    writer.endObject()
    var response = ServerResponse(status, Self.mediaType, writer.bytes)
    for field in headers.fields { response.headers.add(field.name, field.value) }
    return response
  }
}

extension Problem {
  /// 404.
  public static func notFound(_ detail: String) -> Problem { Problem(404, "not-found", "Not found", detail: detail) }

  /// 405 with the methods that there are.
  public static func methodNotAllowed(_ allowed: [HTTPMethod]) -> Problem {
    let names = allowed.map(\.rawValue).joined(separator: ", ")
    return Problem(
      405, "method-not-allowed", "Method not allowed", detail: "this path knows \(names)", headers: ["allow": names])
  }

  /// 400 for a request that cannot be read.
  public static func badRequest(_ detail: String) -> Problem {
    Problem(400, "bad-request", "The request cannot be read", detail: detail)
  }

  /// 413 with the limit.
  public static func tooLarge(limit: Int) -> Problem {
    Problem(413, "body-too-large", "The body is too large", detail: "at most \(limit) bytes are taken at once")
  }

  /// 503: come again later.
  public static func busy(_ detail: String, retryAfterSeconds: Int = 1) -> Problem {
    Problem(
      503, "busy", "The server is busy", detail: detail, headers: ["retry-after": String(retryAfterSeconds)])
  }
}
