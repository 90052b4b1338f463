internal import Foundation
internal import HTTP
internal import Observability
internal import OpenSSL
internal import PostgresWire
internal import Synchronization

/// Where the PostgreSQL protocol is spoken and what it bears.
public struct PostgresSettings: Sendable {
  /// The address to listen on.
  public var host: String
  /// The port; 0 takes a free one.
  public var port: UInt16
  /// With it clients may encrypt, and those of other machines must.
  var tls: ServerTLS?
  /// Sessions at once.
  public var maximumSessions = 50
  /// How long the login may take.
  public var loginSeconds = 15
  /// How long a session may say nothing.
  public var idleSeconds = 3_600
  /// How long an answer may stay unread.
  public var writeSeconds = 60

  /// Settings with the usual limits.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Lets clients encrypt with this certificate, both files in PEM.
  /// - Throws: If they cannot be used, naming the file.
  public mutating func useTLS(certificateFile: String, keyFile: String) throws {
    tls = try ServerTLS(certificateFile: certificateFile, keyFile: keyFile)
  }

  /// Addresses that only this machine reaches.
  static let loopback: Set<String> = ["127.0.0.1", "localhost", "::1"]
}

/// The PostgreSQL protocol over the lake: a thread that takes connections, and a thread for each session.
final class PostgresServer: Sendable {
  let port: UInt16
  private let backend: PostgresBackend
  private let descriptor: Int32
  private let sessions = Mutex<[ObjectIdentifier: PostgresChannel]>([:])
  private let isStopping = Atomic(false)
  private let done = DispatchSemaphore(value: 0)
  private let logger: Logger
  /// Clients beyond the sessions that are told why they cannot come in.
  private static let refusals = 16

  /// Listens.
  /// - Throws: `ServerError` for the address; `AccessError` where tokens would cross the network in the clear.
  init(_ settings: PostgresSettings, backend: PostgresBackend, logger: Logger) throws {
    if !backend.isLoopback, settings.tls == nil || backend.tokens == nil {
      throw AccessError(
        description: "speaking PostgreSQL on \(settings.host) needs tokens and TLS: set server.auth and server.tls in "
          + "lakeward.yml (docs/bi-tools.md), or listen on 127.0.0.1")
    }
    self.backend = backend
    self.logger = logger
    (descriptor, port) = try ListenSocket.open(host: settings.host, port: settings.port)
    let gauge = backend.context.surroundings.metrics.gauge(
      "lakeward_postgres_sessions", "Open sessions of the PostgreSQL protocol.")
    backend.context.surroundings.metrics.onCollect { [weak self] in
      gauge[].set(self?.sessions.withLock { $0.count } ?? 0)
    }
    let thread = Thread { [self] in
      accept()
      done.signal()
    }
    thread.name = "postgres listener"
    thread.start()
  }

  /// Takes no more connections, ends all sessions, and waits for them.
  func stop() {
    guard !isStopping.exchange(true, ordering: .relaxed) else { return }
    done.wait()
    close(descriptor)
    for _ in 0..<500 {
      let open = sessions.withLock { Array($0.values) }
      if open.isEmpty { return }
      for channel in open { channel.close() }
      Thread.sleep(forTimeInterval: 0.02)
    }
  }

  private func accept() {
    while !isStopping.load(ordering: .relaxed) {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 100) > 0 else { continue }
      var address = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let (client, text) = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
          let client = Foundation.accept(descriptor, general, &length)
          if client >= 0 { _ = fcntl(client, F_SETFD, FD_CLOEXEC) }
          return (client, client < 0 ? "" : ListenSocket.text(general))
        }
      }
      guard client >= 0 else { continue }
      begin(PostgresChannel(client), text)
    }
  }

  private func begin(_ channel: PostgresChannel, _ address: String) {
    let settings = backend.settings
    channel.limit(readSeconds: settings.loginSeconds, writeSeconds: settings.writeSeconds)
    let id = ObjectIdentifier(channel)
    let count = sessions.withLock { sessions in
      if sessions.count < settings.maximumSessions + Self.refusals { sessions[id] = channel }
      return sessions.count
    }
    guard count <= settings.maximumSessions + Self.refusals, sessions.withLock({ $0[id] != nil }) else { return }
    let isFull = count > settings.maximumSessions
    let thread = Thread { [self] in
      serve(channel, address, isFull: isFull)
      channel.close()
      sessions.withLock { $0[id] = nil }
    }
    thread.name = "postgres session"
    thread.stackSize = 8 << 20
    thread.start()
  }

  private func serve(_ channel: PostgresChannel, _ address: String, isFull: Bool) {
    do {
      let login = PostgresLogin(backend: backend, channel: channel, address: address, isFull: isFull)
      guard let client = try login.run() else { return }
      try converse(client, channel, address)
    } catch {
      var wire = PostgresErrors.wireError(error)
      if error is OpenSSLError { return }
      wire.isFatal = true
      if wire.state == .internalError { logger.error("postgres_failed", ["error": .name("\(type(of: error))")]) }
      var writer = BackendWriter()
      writer.error(wire)
      _ = channel.write(writer.bytes)
    }
  }

  private func converse(_ client: PostgresLogin.Client, _ channel: PostgresChannel, _ address: String) throws {
    let running = RunningSession()
    let process = backend.register(running)
    defer { backend.remove(process) }
    let session = PostgresSession(backend, client.principal, address: address, running: running)
    session.writer.authenticationOk()
    for (name, value) in client.parameters where !["user", "database", "options", "replication"].contains(name) {
      try? session.settings.set(name, value)
    }
    for name in SessionSettings.reported { session.report(name) }
    session.writer.backendKeyData(process: process, secret: running.secret)
    session.writer.readyForQuery(.idle)
    channel.limit(readSeconds: backend.settings.idleSeconds, writeSeconds: backend.settings.writeSeconds)
    var reader = client.reader
    while true {
      var goesOn = true
      while goesOn, let message = try reader.next(isKnown: true) {
        goesOn = session.answer(message)
        guard session.writer.bytes.count < 1 << 20 || flush(session, channel) else { return }
      }
      guard flush(session, channel), goesOn else { return }
      let bytes = channel.read()
      if bytes.isEmpty { return }
      reader.feed(bytes)
    }
  }

  private func flush(_ session: PostgresSession, _ channel: PostgresChannel) -> Bool {
    defer { session.writer.removeAll() }
    return session.writer.bytes.isEmpty || channel.write(session.writer.bytes)
  }
}
