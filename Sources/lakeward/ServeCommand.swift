internal import Query
internal import Pipelines
internal import Foundation
internal import HTTP
internal import Observability
internal import Schedule
internal import Server
internal import Streaming

/// `lakeward serve`
enum ServeCommand: Command {
  static let name = "serve"
  static let summary = "the API and the dashboard, without running pipelines"
  static let help = """
    usage: lakeward serve [--listen HOST:PORT] [--postgres PORT]

    Answers HTTP on 127.0.0.1:8080, or where --listen or server.listen in lakeward.yml says: predictions, ingest, tables,
    SQL, patients, alerts, events, and the dashboard at /. /docs describes every route. lakeward run --http HOST:PORT
    starts the same inside the process that runs the pipelines.

    With --postgres, BI tools and psql query the same tables over PostgreSQL's protocol (docs/bi-tools.md).

    Without tokens (server.auth in lakeward.yml, lakeward token create) only this machine may be listened on.

    examples:
      lakeward serve
      lakeward serve --listen 127.0.0.1:9000
      lakeward serve --postgres 5433        then: psql -h 127.0.0.1 -p 5433 -d lakeward
    """
  static let options =
    [
      Option("listen", "HOST:PORT", "where to listen (default server.listen of lakeward.yml, else 127.0.0.1:8080)"),
      Option("port-file", "FILE", "write the port into this file once it is listened on"),
    ] + postgresOptions

  /// Options of every command that serves.
  static let postgresOptions = [
    Option("postgres", "PORT", "speak PostgreSQL's protocol too, on PORT of this machine or on HOST:PORT"),
    Option("postgres-port-file", "FILE", "write the port of --postgres into this file once it is listened on"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    let metrics = MetricRegistry()
    let log = Logger(format: .text, level: .warning) { Console.warnRaw($0) }
    let server = try ServerStart.start(
      workspace, listen: arguments.text("listen"), portFile: arguments.text("port-file"), metrics: metrics,
      postgres: .init(arguments))
    // Escalation and messages go on while nothing runs.
    let alerts = try AlertDuty(workspace, [], metrics: metrics, log: log)
    alerts?.start(stop: stop)
    defer {
      stop.stop()
      alerts?.finish()
    }
    let schedule = try ScheduleDuty.start(workspace, arguments, stop: stop)
    defer { schedule?.wait() }
    Console.write("\(server.address)  (Ctrl-C ends)")
    while !stop.isStopped { stop.wait(seconds: 3_600) }
    server.stop()
    return 0
  }
}

/// Where the command line says that PostgreSQL's protocol is spoken.
struct PostgresChoice {
  /// `PORT` or `HOST:PORT`.
  var address: String?
  /// The file for the port.
  var portFile: String?

  init(_ arguments: Arguments) {
    address = arguments.text("postgres")
    portFile = arguments.text("postgres-port-file")
  }
}

/// Starts the server with what the workspace and the configuration say.
enum ServerStart {
  static func start(
    _ workspace: Workspace, listen: String?, portFile: String? = nil, metrics: MetricRegistry = MetricRegistry(),
    health: Health? = nil, logger: Logger = .silent, brokers: String? = nil, mayMove: Bool = false,
    postgres choice: PostgresChoice? = nil
  ) throws -> LakeServer {
    let definition = workspace.configuration.server
    let (host, port) = try address(listen ?? definition?.listen ?? "127.0.0.1:8080")
    var settings = ServerSettings(host: host, port: port)
    if let tls = definition?.tls {
      settings.identity = .init(certificate: try text(tls.certificateFile), key: try text(tls.keyFile))
    }
    if let limit = definition?.connectionsPerAddress { settings.maximumConnectionsPerAddress = limit }
    var access = LakeServer.Access()
    if let auth = definition?.auth {
      access.tokens = TokenStore(path: auth.tokensFile ?? tokensFile(workspace))
      access.requestsPerSecond = auth.requestsPerSecond
      access.hosts = auth.hosts.map { Set($0.map { $0.lowercased() }) }
    }
    var surroundings = ServerSurroundings(
      lake: workspace.lake, registry: workspace.registry,
      pipelines: workspace.readablePipelines,
      dashboards: workspace.configuration.dashboards, metrics: metrics, health: health, logger: logger,
      version: String(Lakeward.version.split(separator: " ").last ?? ""),
      openIngest: { try workspace.inputs($0, brokers: brokers).ingest(channel: "http", log: logger) })
    if let limits = definition?.query {
      if let seconds = limits.seconds { surroundings.querySeconds = seconds }
      if let rows = limits.rows { surroundings.queryRows = rows }
      if let memory = limits.memoryBytes { surroundings.queryLimits.memoryBytes = memory }
    }
    let postgres = try postgresSettings(choice?.address ?? definition?.postgres, tls: definition?.tls)
    let server: LakeServer
    do {
      server = try LakeServer(settings, access: access, surroundings: surroundings, postgres: postgres)
    } catch let error as ServerError where error.code == .addressInUse && mayMove {
      settings.port = 0
      server = try LakeServer(settings, access: access, surroundings: surroundings, postgres: postgres)
    }
    if let portFile {
      let port = server.address.split(separator: ":").last.map(String.init) ?? ""
      try port.write(toFile: portFile, atomically: true, encoding: .utf8)
    }
    if let file = choice?.portFile, let port = server.postgresPort {
      try String(port).write(toFile: file, atomically: true, encoding: .utf8)
    }
    return server
  }

  private static func postgresSettings(
    _ address: String?, tls: ServerDefinition.TLS?
  ) throws -> PostgresSettings? {
    guard let address else { return nil }
    let (host, port) = try self.address(address)
    var settings = PostgresSettings(host: host, port: port)
    if let tls { try settings.useTLS(certificateFile: tls.certificateFile, keyFile: tls.keyFile) }
    return settings
  }

  /// The file of tokens where the configuration names none.
  static func tokensFile(_ workspace: Workspace) -> String { "\(workspace.lake.root)/_access/tokens.json" }

  private static func text(_ file: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw CommandFailure("\(file) cannot be read: server.tls of lakeward.yml names it")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// `HOST:PORT`, `[::1]:PORT` or `PORT`.
  static func address(_ text: String) throws -> (host: String, port: UInt16) {
    let wrong = UsageError("\(text) is no address to listen on; write HOST:PORT, such as 127.0.0.1:8080")
    if let port = UInt16(text) { return ("127.0.0.1", port) }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { throw wrong }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty else { throw wrong }
    return (host, port)
  }
}
