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
    var plan = try RunPlan(arguments)
    let operations = plan.operations
    let alerts = try AlertDuty(plan.workspace, plan.pipelines, metrics: operations.metrics, log: operations.log)
    let lineage = LineageDuty(plan.workspace, brokers: plan.brokers)
    defer { lineage?.finish() }
    try plan.makeJobs(lineage: lineage, alerts: alerts)
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    let server = try startServer(arguments, plan)
    defer { server?.stop() }
    // Alerts go on until the last pipeline has ended, so they have a signal of their own.
    let end = StopSignal()
    alerts?.start(stop: end)
    defer {
      end.stop()
      alerts?.finish()
    }
    let schedule = plan.isOnce ? nil : try ScheduleDuty.start(plan.workspace, arguments, stop: stop)
    defer {
      stop.stop()
      schedule?.wait()
    }
    let company = RunCompany(plan, lineage: lineage, stop: stop)
    defer { company.leave() }
    for job in plan.jobs { job.start(plan.mode, stop: stop) }
    try company.start()
    while plan.jobs.isEmpty, !plan.isOnce, !stop.isStopped { stop.wait(seconds: 3_600) }
    plan.waitForJobs()
    let wasStopped = stop.isStopped
    // Without any pipeline left, nobody would end what feeds them.
    stop.stop()
    try company.finish(wasStopped: wasStopped, hasFailed: plan.hasFailed)
    return plan.hasFailed ? 1 : 0
  }

  /// A run over what is there does not wait for anybody's questions unless it is told to.
  private static func startServer(_ arguments: Arguments, _ plan: RunPlan) throws -> LakeServer? {
    let listen =
      arguments.text("http") ?? (plan.isOnce ? nil : plan.workspace.configuration.server?.listen)
      ?? arguments.text("postgres").map { _ in "127.0.0.1:8080" }
    guard let listen else { return nil }
    let server = try ServerStart.start(
      plan.workspace, listen: listen, portFile: arguments.text("port-file"), metrics: plan.operations.metrics,
      health: plan.operations.health, logger: plan.operations.log, brokers: plan.brokers,
      postgres: PostgresChoice(arguments))
    Console.warn("\(server.address)  (Ctrl-C ends)")
    return server
  }
}
