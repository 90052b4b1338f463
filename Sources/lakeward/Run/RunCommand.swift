internal import BigQuery
internal import Foundation
internal import Observability
internal import Pipelines
internal import Schedule
internal import Server
internal import Streaming

/// `lakeward run`
enum RunCommand: Command {
  static let name = "run"
  static let summary = "run pipelines: records in, scored Delta tables out"
  static let help = """
    usage: lakeward run [PIPELINE…] [--once] [--brokers HOST:PORT,…] [--http HOST:PORT [--postgres PORT]] [--log text|json]

    Runs the named pipelines, or all, until Ctrl-C. Stop it at any instant and start it again: the tables hold the
    source's positions, so nothing is lost and nothing is there twice. Records come from the pipeline's Kafka topic
    where brokers are given, here or in lakeward.yml, and else from its landing directory. Messages of the pipeline's
    MQTT topics are taken where lakeward.yml names a broker. Materialized views are brought up to date as often as
    pipeline.yml says, with --once at the end.

    A pipeline that cannot start, or ends with an error, is reported; the others go on, and the exit code is 1 in the end.
    One process runs a pipeline at a time, or several that share a Kafka topic; others wait for their turn.

    examples:
      lakeward run                          every pipeline, until Ctrl-C
      lakeward run illness --once           take what is there, then stop
      lakeward run illness --brokers localhost:9092
      lakeward run vitals --interval 0.2    a quick ward: what was measured is in the tables within a quarter second
      lakeward run --log json 2>> run.log   the log as JSON lines
      lakeward run --http 127.0.0.1:8080 --postgres 5433   and PostgreSQL's protocol for BI tools
      lakeward run --http 127.0.0.1:8080    with /metrics, /health, /ready, the API and the dashboard
    """
  static let options =
    [
      Option("once", nil, "take what the sources hold now, then stop"),
      Option("brokers", "LIST", "Kafka bootstrap servers, HOST:PORT separated by commas"),
      Option("interval", "SECONDS", "between two micro-batches (default: the trigger of each pipeline.yml)"),
      Option("http", "HOST:PORT", "answer HTTP too: metrics, health, API and dashboard, as lakeward serve does"),
      Option("port-file", "FILE", "write the port of --http into this file once it is listened on"),
    ] + Operations.options + ServeCommand.postgresOptions

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let mode: PipelineRunner.Mode = arguments.has("once") ? .once : .continuous
    let operations = try Operations(arguments, level: mode == .once ? .warning : .info)
    let brokers = arguments.text("brokers")
    let interval = try arguments.number("interval", minimum: 0)
    var pipelines: [Pipeline] = []
    var jobs: [PipelineJob] = []
    var failed = false
    let engine = try workspace.engine()
    let names = arguments.positionals.isEmpty ? try workspace.pipelineNames() : arguments.positionals
    for name in names {
      do {
        var pipeline = try workspace.pipeline(name)
        if let interval { pipeline.trigger.intervalSeconds = interval }
        pipelines.append(pipeline)
      } catch {
        // Whoever names one pipeline wants that one or nothing.
        guard names.count > 1 else { throw error }
        failed = true
        operations.report(error, pipeline: name)
      }
    }
    let alerts = try AlertDuty(workspace, pipelines, metrics: operations.metrics, log: operations.log)
    let lineage = LineageDuty(workspace, brokers: brokers)
    defer { lineage?.finish() }
    for pipeline in pipelines where pipeline.source != nil {
      do {
        jobs.append(
          try PipelineJob(
            pipeline, workspace, engine: engine, operations: operations, brokers: brokers,
            isSharing: mode == .continuous, lineage: lineage, observe: alerts?.observer(pipeline)))
      } catch {
        guard names.count > 1 else { throw error }
        failed = true
        operations.report(error, pipeline: pipeline.name)
      }
    }
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    // A run over what is there does not wait for anybody's questions unless it is told to.
    let listen =
      arguments.text("http") ?? (mode == .continuous ? workspace.configuration.server?.listen : nil)
      ?? arguments.text("postgres").map { _ in "127.0.0.1:8080" }
    let server = try listen.map {
      try ServerStart.start(
        workspace, listen: $0, portFile: arguments.text("port-file"), metrics: operations.metrics,
        health: operations.health, logger: operations.log,
        brokers: brokers, postgres: PostgresChoice(arguments))
    }
    if let server { Console.warn("\(server.address)  (Ctrl-C ends)") }
    defer { server?.stop() }
    // Alerts go on until the last pipeline has ended, so they have a signal of their own.
    let end = StopSignal()
    alerts?.start(stop: end)
    defer {
      end.stop()
      alerts?.finish()
    }
    let schedule = mode == .once ? nil : try ScheduleDuty.start(workspace, arguments, stop: stop)
    defer {
      stop.stop()
      schedule?.wait()
    }
    let models = ModelWatching(pipelines, workspace, operations)
    for job in jobs { job.start(mode, stop: stop) }
    let mirrors = try BigQueryStart.loops(pipelines, workspace)
    if mode == .continuous { for mirror in mirrors { mirror.start(observe: BigQueryStart.report) } }
    let views =
      mode == .once ? [] : try ViewKeeping.start(pipelines, workspace, operations, lineage: lineage)
    // What clients push waits in the log or the topic; a run over what is there takes no more of it.
    let feeds =
      try mode == .once
      ? [] : PushFeed.start(pipelines, workspace, brokers: brokers, operations: operations, stop: stop)
    defer { for feed in feeds { feed.wait() } }
    let hl7 = try HL7Duty(
      pipelines, workspace, brokers: brokers, operations: operations, isListening: mode == .continuous)
    if mode == .continuous { hl7?.start(stop: stop) }
    while jobs.isEmpty, mode == .continuous, !stop.isStopped { stop.wait(seconds: 3_600) }
    for job in jobs {
      if job.wait() != nil {
        failed = true
      } else {
        Console.write(job.summary)
      }
    }
    let wasStopped = stop.isStopped
    // Without any pipeline left, nobody would end what feeds them.
    stop.stop()
    if mode == .continuous { hl7?.finish() }
    models.stop(lastRound: mode == .once && !wasStopped)
    for keeper in views { keeper.stop() }
    if mode == .continuous { for mirror in mirrors { mirror.stop() } }
    if mode == .once, !failed, !wasStopped { try hl7?.takeMessages() }
    if mode == .once, !failed, !wasStopped { try ViewKeeping.refresh(pipelines, workspace, lineage: lineage) }
    if mode == .once, !wasStopped { for mirror in mirrors { mirror.round(BigQueryStart.report) } }
    return failed ? 1 : 0
  }
}

/// What a process that runs pipelines tells about itself: metrics, health and log.
struct Operations: Sendable {
  let metrics = MetricRegistry()
  let health = Health()
  let log: Logger
  private let isJSON: Bool

  static let options = [
    Option("log", "FORMAT", "how the log on standard error looks: text (default) or json, one object per line"),
    Option("log-level", "LEVEL", "what it holds: debug, info, warning, error (default info; warning with --once)"),
  ]

  /// - Parameter level: The least level that is logged unless an option says otherwise.
  init(_ arguments: Arguments? = nil, level: LogLevel) throws {
    var format = Logger.Format.text
    if let text = arguments?.text("log") {
      guard let chosen = Logger.Format(rawValue: text) else { throw UsageError("--log \(text): write text or json") }
      format = chosen
    }
    var level = level
    if let text = arguments?.text("log-level") {
      guard let chosen = LogLevel(name: text) else {
        throw UsageError("--log-level \(text): write debug, info, warning or error")
      }
      level = chosen
    }
    isJSON = format == .json
    log = Logger(format: format, level: level) { Console.warnRaw($0) }
    ProcessMetrics.register(in: metrics, version: Lakeward.version)
  }

  /// Says that a pipeline cannot start, or ended with an error.
  func report(_ error: any Error, pipeline: String) {
    health.set(pipeline, .failed, reason: "\(error)")
    if isJSON {
      log.error("pipeline failed", ["pipeline": .name(pipeline), "reason": .error(error)])
    } else {
      Console.warn("lakeward run: \(error)")
    }
  }
}
