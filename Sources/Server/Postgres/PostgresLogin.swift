internal import Foundation
internal import PostgresWire

/// What happens before a session: encryption, cancelling, who it is.
struct PostgresLogin {
  let backend: PostgresBackend
  let channel: PostgresChannel
  let address: String
  /// Whether there are as many sessions as there may be.
  let isFull: Bool

  /// A client that may work.
  struct Client {
    var principal: Principal
    var parameters: [String: String]
    var reader: FrontendReader
  }

  /// Goes through the first messages. Nil: there is to be no session, and the client knows.
  func run() throws -> Client? {
    var reader = FrontendReader()
    while true {
      guard let message = try next(&reader, { try $0.nextStartup() }) else { return nil }
      switch message {
      case .gss: guard channel.write([0x4E]) else { return nil }
      case .tls:
        guard reader.waitingBytes == 0, !channel.isEncrypted else {
          throw WireError.violation("bytes came with the question for TLS")
        }
        var writer = BackendWriter()
        writer.encryption(backend.settings.tls != nil)
        guard channel.write(writer.bytes) else { return nil }
        if let tls = backend.settings.tls { try channel.encrypt(tls) }
      case .cancel(let process, let secret):
        backend.cancel(process: process, secret: secret)
        return nil
      case .start(let minor, let parameters): return try start(minor, parameters, reader)
      }
    }
  }

  private func start(_ minor: Int, _ parameters: [String: String], _ reader: FrontendReader) throws -> Client? {
    var reader = reader
    let options = parameters.keys.filter { $0.hasPrefix("_pq_.") }.sorted()
    if minor > 0 || !options.isEmpty {
      var writer = BackendWriter()
      writer.negotiateProtocolVersion(unknown: options)
      guard channel.write(writer.bytes) else { return nil }
    }
    if isFull {
      throw WireError(
        .tooManyConnections, "there are \(backend.settings.maximumSessions) sessions already; try later", isFatal: true)
    }
    guard let user = parameters["user"], !user.isEmpty else {
      throw WireError(.invalidAuthorization, "give a user name", isFatal: true)
    }
    let database = parameters["database"] ?? user
    guard database == CatalogSchema.database else {
      throw WireError(
        .unknownDatabase, "there is no database \(database); the only one is \(CatalogSchema.database)", isFatal: true)
    }
    guard let principal = try principal(&reader) else { return nil }
    guard principal.may(.query) else {
      let roles = Role.allCases.filter { $0.permissions.contains(.query) }.map(\.rawValue)
      throw WireError(
        .invalidAuthorization,
        "the token's role is \(principal.role.rawValue); queries are for \(roles.joined(separator: ", "))",
        isFatal: true)
    }
    return Client(principal: principal, parameters: parameters, reader: reader)
  }

  /// Asks for a token where tokens are needed.
  private func principal(_ reader: inout FrontendReader) throws -> Principal? {
    guard let tokens = backend.tokens else { return .local }
    guard channel.isEncrypted || backend.isLoopback else {
      throw WireError(
        .invalidAuthorization, "the connection must be encrypted: connect with sslmode=require", isFatal: true)
    }
    var writer = BackendWriter()
    writer.authenticationCleartextPassword()
    guard channel.write(writer.bytes),
      let message = try next(&reader, { try $0.next(isKnown: false) })
    else { return nil }
    guard case .password(let token) = message else { throw WireError.violation("a password was expected") }
    if let principal = tokens.principal(of: token) { return principal }
    let wait = backend.failures.take(address)
    throw WireError(
      .invalidPassword,
      wait.map { "too many wrong tokens; try again in \($0) s" }
        ?? "the token is not known; give a token of lakeward token create as the password", isFatal: true)
  }

  /// The next message; nil when the client has gone.
  private func next<M>(_ reader: inout FrontendReader, _ take: (inout FrontendReader) throws -> M?) throws -> M? {
    while true {
      if let message = try take(&reader) { return message }
      let bytes = channel.read()
      if bytes.isEmpty { return nil }
      reader.feed(bytes)
    }
  }
}
