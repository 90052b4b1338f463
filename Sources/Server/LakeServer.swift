internal import Alerts
internal import Foundation
public import HTTP
internal import Observability
internal import Streaming

/// The API and the dashboard of a lake.
public final class LakeServer: Sendable {
  /// Who may call.
  public struct Access: Sendable {
    /// The tokens; nil: nobody needs one, and only this machine may call.
    public var tokens: TokenStore?
    /// Requests per second and token; nil: no limit.
    public var requestsPerSecond: Double?
    /// Names that the Host header may carry; nil: any. Without tokens it is always this machine's own.
    public var hosts: Set<String>?
    /// The most entries that may wait for the audit log; with as many, nothing about patients is answered.
    public var auditBacklog = 20_000

    /// Whoever is at this machine.
    public init() {}
  }

  private let server: HTTPServer
  private let context: ServerContext
  private let follower: LakeFollower
  private let postgres: PostgresServer?

  /// Starts the server.
  /// - Parameter postgres: Where the PostgreSQL protocol is spoken too.
  /// - Throws: `ServerError` for an address or a certificate; `AccessError` where the address is open to others and no
  ///   tokens are configured.
  public init(
    _ settings: ServerSettings, access: Access, surroundings: ServerSurroundings, postgres: PostgresSettings? = nil
  ) throws {
    if access.tokens == nil, !["127.0.0.1", "localhost", "::1"].contains(settings.host) {
      throw AccessError(
        description: "listening on \(settings.host) without tokens would open every patient to the network; "
          + "set server.auth in lakeward.yml (docs/security.md)")
    }
    try surroundings.lake.prepare()
    let audit = try AuditLog(lake: surroundings.lake, limit: access.auditBacklog, logger: surroundings.logger)
    let events = EventBroadcaster()
    let context = try ServerContext(
      surroundings, audit: audit, events: events,
      desk: try? AlertDesk(
        lake: surroundings.lake, policies: surroundings.pipelines.flatMap { (try? PolicyFile.load($0)) ?? [] }))
    self.context = context
    var endpoints = Self.endpoints(context)
    endpoints += DocumentationRoutes.endpoints(
      endpoints, version: surroundings.version, hasTokens: access.tokens != nil)
    var settings = settings
    settings.headers = BrowserRules.headers
    if settings.identity != nil {
      settings.headers.add("strict-transport-security", "max-age=31536000")
    }
    let application = APIApplication(
      endpoints, rules: BrowserRules(hosts: access.tokens == nil ? BrowserRules.loopback : access.hosts),
      tokens: access.tokens, requestsPerSecond: access.requestsPerSecond, audit: audit, logger: surroundings.logger,
      metrics: surroundings.metrics)
    server = try HTTPServer(settings, application: application)
    self.postgres = try postgres.map {
      try PostgresServer(
        $0, backend: PostgresBackend(context, access: access, settings: $0), logger: surroundings.logger)
    }
    follower = LakeFollower(context)
    let streams = surroundings.metrics.gauge("lakeward_http_event_clients", "Clients that listen to events.")
    let connections = surroundings.metrics.gauge("lakeward_http_connections", "Open connections.")
    surroundings.metrics.onCollect { [weak server] in
      streams[].set(events.clientCount)
      connections[].set(server?.connectionCount ?? 0)
    }
  }

  /// `http://HOST:PORT`.
  public var address: String { server.address }

  /// The port of the PostgreSQL protocol; nil if it is not spoken.
  public var postgresPort: UInt16? { postgres?.port }

  /// Ends event streams, lets requests finish, writes the audit log.
  public func stop() {
    follower.stop()
    postgres?.stop()
    context.events.close()
    server.stop()
    context.close()
  }

  private static func endpoints(_ context: ServerContext) -> [Endpoint] {
    SystemRoutes.endpoints(context) + PredictRoutes.endpoints(context) + IngestRoutes.endpoints(context)
      + TableRoutes.endpoints(context) + LineageRoutes.endpoints(context) + QueryRoutes.endpoints(context)
      + PatientRoutes.endpoints(context)
      + AlertRoutes.endpoints(context) + ModelRoutes.endpoints(context) + EventRoutes.endpoints(context)
      + PageRoutes.endpoints(context)
      + FileRoutes.endpoints()
  }
}

/// The server would be open to whom it must not be.
public struct AccessError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One line with a remedy.
  public let description: String
}
