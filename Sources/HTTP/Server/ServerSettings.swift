/// Where a server listens and what it bears.
public struct ServerSettings: Sendable {
  /// A certificate with its key.
  public struct Identity: Sendable {
    /// The certificate chain, PEM.
    public var certificate: String
    /// The private key, PEM.
    public var key: String

    /// A certificate with its key.
    public init(certificate: String, key: String) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// The address to listen on: a name or a number.
  public var host: String
  /// The port; 0 takes a free one.
  public var port: UInt16
  /// With it the server speaks TLS 1.2 and 1.3 only.
  public var identity: Identity?
  /// Threads that read and write connections.
  public var networkThreads = 2
  /// Threads for handlers that wait or compute.
  public var workers = 4
  /// Requests that may wait for a worker; more get 503.
  public var queueLength = 256
  /// Open connections, event streams among them.
  public var maximumConnections = 4_096
  /// Open connections of one address; 0: no limit.
  public var maximumConnectionsPerAddress = 0
  /// Memory for a request's head, bytes.
  public var headerBytes = 32 << 10
  /// How long a head may take to come in, counted from the connection's start or the end of its last request.
  public var headSeconds = 15.0
  /// How long a connection may stay idle between two requests.
  public var idleSeconds = 60.0
  /// How long a body may take to come in.
  public var bodySeconds = 120.0
  /// How long an answer may take to be read by the other side; event streams have no such limit.
  public var answerSeconds = 300.0
  /// A connection on which nothing moves for so long is closed.
  public var stallSeconds = 30
  /// Header fields of every answer.
  public var headers: HTTPHeaders = [:]

  /// Settings with the usual limits.
  public init(host: String = "127.0.0.1", port: UInt16 = 8080, identity: Identity? = nil) {
    self.host = host
    self.port = port
    self.identity = identity
  }
}

/// A server cannot start.
public struct ServerError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Why.
  public enum Code: Sendable, Hashable {
    /// Another process listens there.
    case addressInUse
    /// The address is not one of this machine, or may not be used.
    case address
    /// Certificate or key cannot be used.
    case identity
    /// The library refuses.
    case library
  }

  /// Why.
  public let code: Code
  /// What happened and what to do.
  public let description: String
}
