internal import Foundation
public import HTTP
internal import Observability
internal import Synchronization

/// Routes behind the rules of who may call them.
public struct APIApplication: ServerApplication {
  private let router: Router<Endpoint>
  private let rules: BrowserRules
  private let tokens: TokenStore?
  private let limiter: RateLimiter?
  /// Slows down whoever tries tokens.
  private let failures = RateLimiter(perSecond: 5)
  private let audit: AuditLog?
  private let logger: Logger
  private let requests: MetricFamily<Counter>
  private let durations: MetricFamily<Histogram>

  init(
    _ endpoints: [Endpoint], rules: BrowserRules, tokens: TokenStore?, requestsPerSecond: Double?, audit: AuditLog?,
    logger: Logger, metrics: MetricRegistry
  ) {
    var router = Router<Endpoint>()
    for endpoint in endpoints { router.add(endpoint.method, endpoint.path, endpoint) }
    self.router = router
    self.rules = rules
    self.tokens = tokens
    limiter = requestsPerSecond.map { RateLimiter(perSecond: $0) }
    self.audit = audit
    self.logger = logger
    requests = metrics.counter(
      "lakeward_http_requests_total", "Requests by route and status.", labels: "method", "route", "status")
    durations = metrics.histogram(
      "lakeward_http_request_seconds", "Time from the whole request to its answer, by route.", labels: "route")
  }

  /// Finds the route, then who calls and whether that may be, before any body is read.
  public func admit(_ head: RequestHead) -> Admission {
    if let fault = rules.fault(of: head) { return refuse(fault, head, route: "") }
    switch router.match(head) {
    case .unknown: return refuse(.notFound("nothing is at this path; /docs lists what there is"), head, route: "")
    case .malformed: return refuse(.badRequest("the path is not well percent-encoded"), head, route: "")
    case .otherMethods(let methods): return refuse(.methodNotAllowed(methods), head, route: "")
    case .found(let endpoint, let path):
      do throws(Problem) {
        let principal = try principal(head, for: endpoint)
        try checkBody(head, of: endpoint)
        let query = try ParameterCheck.values(head, endpoint.parameters)
        return .accept(
          Handling(bodyLimit: endpoint.body?.limit ?? 0, isQuick: endpoint.isQuick) { request in
            answer(request, endpoint, path, query, principal)
          })
      } catch {
        return refuse(error, head, route: endpoint.path)
      }
    }
  }

  private func refuse(_ problem: Problem, _ head: RequestHead, route: String) -> Admission {
    requests[HTTPMethod(rawValue: head.method)?.rawValue ?? "other", route, String(problem.status)].add()
    return .refuse(problem.response)
  }

  // MARK: Who calls

  private func principal(_ head: RequestHead, for endpoint: Endpoint) throws(Problem) -> Principal {
    guard let tokens else { return .local }
    guard let permission = endpoint.permission else { return Principal(name: "anyone", role: .viewer) }
    let challenge: HTTPHeaders = ["www-authenticate": "Bearer realm=\"lakeward\""]
    guard let authorization = head.headers["authorization"] else {
      throw Problem(
        401, "token-needed", "A token is needed", detail: "send Authorization: Bearer TOKEN", headers: challenge)
    }
    guard let principal = Self.bearer(authorization).flatMap(tokens.principal) else {
      if let seconds = failures.take(head.remoteAddress) { throw Self.tooMany(seconds) }
      throw Problem(
        401, "token-unknown", "The token is not known", detail: "it may have been revoked or have expired",
        headers: ["www-authenticate": "Bearer realm=\"lakeward\", error=\"invalid_token\""])
    }
    if let seconds = limiter?.take(principal.name) { throw Self.tooMany(seconds) }
    guard principal.may(permission) else {
      let roles = Role.allCases.filter { $0.permissions.contains(permission) }.map(\.rawValue)
      throw Problem(
        403, "forbidden", "The token may not do this",
        detail: "its role is \(principal.role.rawValue); this is for \(roles.joined(separator: ", "))")
    }
    return principal
  }

  private static func bearer(_ authorization: String) -> String? {
    guard authorization.lowercased().hasPrefix("bearer ") else { return nil }
    return String(authorization.dropFirst(7)).trimmingCharacters(in: .whitespaces)
  }

  /// Whether a caller who was let in would still be.
  private func isStillKnown(_ principal: Principal, _ head: RequestHead) -> Bool {
    guard let tokens else { return true }
    return head.headers["authorization"].flatMap(Self.bearer).flatMap(tokens.principal) == principal
  }

  private static func tooMany(_ seconds: Int) -> Problem {
    Problem(
      429, "too-many-requests", "Too many requests", detail: "try again in \(seconds) s",
      headers: ["retry-after": String(seconds)])
  }

  private func checkBody(_ head: RequestHead, of endpoint: Endpoint) throws(Problem) {
    guard let body = endpoint.body else { return }
    guard let given = head.mediaType else {
      // Without one a browser's form of another site could pass; curl -d says so itself.
      guard body.isRequired || (head.contentLength ?? 0) > 0 else { return }
      throw Self.unsupported(body)
    }
    guard body.contents.contains(where: { $0.mediaType == given }) else { throw Self.unsupported(body) }
  }

  private static func unsupported(_ body: Endpoint.Body) -> Problem {
    let types = body.contents.map(\.mediaType).joined(separator: " or ")
    return Problem(
      415, "media-type", "The body's media type is not taken", detail: "send Content-Type: \(types)",
      headers: ["accept": types])
  }

  // MARK: Answering

  private func answer(
    _ request: ServerRequest, _ endpoint: Endpoint, _ path: [String: String], _ query: [String: String],
    _ principal: Principal
  ) -> ServerResponse {
    let begin = ContinuousClock.now
    let trail = AuditTrail()
    var response: ServerResponse
    do {
      if let isChange = endpoint.audit.isChange, let audit, !audit.takes(change: isChange) { throw AuditError() }
      response = try endpoint.handle(
        Call(
          request: request, path: path, query: query, principal: principal,
          isStillKnown: { isStillKnown(principal, request.head) }, trail: trail))
      try record(request, endpoint, path, principal, trail, status: response.status)
    } catch {
      let problem = ProblemText.problem(of: error)
      if problem.status >= 500 {
        logger.error(
          "request_failed",
          [
            "route": .name(endpoint.path), "status": .count(Int64(problem.status)),
            "error": .name("\(type(of: error))"),
          ])
      }
      // A refused change is in the log too; that it failed is no reason to fail once more.
      try? record(request, endpoint, path, principal, trail, status: problem.status)
      response = problem.response
    }
    requests[endpoint.method.rawValue, endpoint.path, String(response.status)].add()
    durations[endpoint.path].observe((ContinuousClock.now - begin) / .seconds(1))
    return response
  }

  private func record(
    _ request: ServerRequest, _ endpoint: Endpoint, _ path: [String: String], _ principal: Principal,
    _ trail: AuditTrail, status: Int
  ) throws {
    guard let audit, let action = endpoint.audit.action, let isChange = endpoint.audit.isChange else { return }
    var patients = trail.patients
    if endpoint.path.hasPrefix("/patients/{"), let id = path["id"] { patients.append(id) }
    let entry = AuditLog.Entry(
      at: Int64(Date().timeIntervalSince1970 * 1e6), principal: principal, action: action, patients: patients,
      method: request.head.method, path: request.head.path, status: status, address: request.head.remoteAddress,
      detail: trail.detail)
    try audit.add(entry, durably: isChange)
  }
}
