/// How the API and the dashboard are served: `server:` in `lakeward.yml`.
public struct ServerDefinition: Sendable, Hashable {
  /// A certificate and its key, PEM files.
  public struct TLS: Sendable, Hashable {
    /// The certificate chain.
    public var certificateFile: String
    /// The private key.
    public var keyFile: String
  }

  /// Tokens and what they may do.
  public struct Auth: Sendable, Hashable {
    /// The file of tokens; nil: in the lake.
    public var tokensFile: String?
    /// Requests per second and token; nil: no limit.
    public var requestsPerSecond: Double?
    /// Names under which the server is reached; nil: any.
    public var hosts: [String]?
  }

  /// What queries of `POST /query` may use.
  public struct QueryLimits: Sendable, Hashable {
    /// The most seconds.
    public var seconds: Double?
    /// The most rows.
    public var rows: Int?
    /// Memory for all of them together.
    public var memoryBytes: Int?
  }

  /// `HOST:PORT`.
  public var listen = "127.0.0.1:8080"
  /// Where PostgreSQL's protocol is spoken, `HOST:PORT`; nil: nowhere.
  public var postgres: String?
  /// Whether `lakeward run` starts the server too.
  public var startsWithRun = false
  /// With it the server speaks TLS.
  public var tls: TLS?
  /// With it every request needs a token.
  public var auth: Auth?
  /// Limits of queries.
  public var query: QueryLimits?
  /// Open connections of one address; nil: no limit.
  public var connectionsPerAddress: Int?

  init?(_ node: YAMLNode, _ problems: ProblemList, _ resolved: (String) -> String) {
    guard var reader = MappingReader(node, what: "server", problems: problems) else { return nil }
    startsWithRun = true
    if let listen = reader.text("listen") { self.listen = listen }
    postgres = reader.text("postgres")
    connectionsPerAddress = reader.integer("connections_per_address", in: 1...1_000_000)
    if let node = reader.node("tls"), var part = MappingReader(node, what: "tls", problems: problems) {
      if let certificate = part.requiredText("certificate"), let key = part.requiredText("key") {
        tls = TLS(certificateFile: resolved(certificate), keyFile: resolved(key))
      }
      part.finish()
    }
    if let node = reader.node("auth"), var part = MappingReader(node, what: "auth", problems: problems) {
      var auth = Auth()
      auth.tokensFile = part.text("tokens").map(resolved)
      auth.requestsPerSecond = part.integer("requests_per_second", in: 1...1_000_000).map(Double.init)
      let hosts = part.texts("hosts").compactMap { Scalars.text($0, of: "hosts", problems) }
      if !hosts.isEmpty { auth.hosts = hosts }
      part.finish()
      self.auth = auth
    }
    if let node = reader.node("query"), var part = MappingReader(node, what: "query", problems: problems) {
      query = QueryLimits(
        seconds: part.integer("seconds", in: 1...86_400).map(Double.init),
        rows: part.integer("rows", in: 1...10_000_000),
        memoryBytes: part.bytes("memory_limit", in: (64 << 20)...(1 << 50)))
      part.finish()
    }
    reader.finish()
  }
}
