internal import DeltaLake
internal import Foundation
internal import Observability
internal import Pipelines
internal import Server
internal import Streaming

/// `lakeward demo`
enum DemoCommand: Command {
  static let name = "demo"
  static let summary = "everything in one process: models, simulated patients, alerts, the dashboard"
  static let help = """
    usage: lakeward demo [--seconds N] [--rate N] [--listen HOST:PORT]

    Generates a population in Synthea's CSV schema if the lake holds none, trains the models, streams simulated test
    results and the vital signs of a ward (its last three hours first) with faults through bronze, silver and gold, raises alerts, and shows it all on
    http://127.0.0.1:8080 (or a free port, if that one is taken) until Ctrl-C. At the end what is left is processed and
    the tables are verified. All data are invented; nothing leaves the machine.

    examples:
      lakeward demo
      lakeward demo --seconds 20 --rate 5000
      lakeward demo --lake /tmp/demo > demo.log
    """
  static let options = [
    Option("seconds", "N", "end by itself after this long"),
    Option("rate", "N", "simulated test results per second (default 2000)"),
    Option("patients", "N", "patients in the generated population (default 2000)"),
    Option("listen", "HOST:PORT", "where the dashboard is (default 127.0.0.1:8080)"),
    Option("port-file", "FILE", "write the dashboard's port into this file once it is listened on"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    try workspace.lake.prepare()
    let lineage = LineageDuty(workspace)
    defer { lineage?.finish() }
    try DemoModels.prepare(
      workspace, patients: try arguments.integer("patients", minimum: 50) ?? 2_000, lineage: lineage, stop: stop)
    guard !stop.isStopped else { return 0 }
    try DemoPopulation.prepare(workspace, lineage: lineage)

    let pipelines = try ["illness", "vitals", "risk", "diabetes"].map { name in
      var pipeline = try workspace.pipeline(name)
      // A ward wants to see at once what its patients do.
      if name == "vitals" { pipeline.trigger.intervalSeconds = min(0.2, pipeline.trigger.intervalSeconds) }
      return pipeline
    }
    let operations = try Operations(level: .warning)
    let server = try ServerStart.start(
      workspace, listen: arguments.text("listen"), portFile: arguments.text("port-file"), metrics: operations.metrics,
      health: operations.health, logger: operations.log, mayMove: arguments.text("listen") == nil)
    defer { server.stop() }
    Console.write("The dashboard is on \(server.address)\n")

    let view = LiveView(pipeline: pipelines[0], address: server.address)
    let feeds = try DemoFeeds.start(workspace, pipelines, rate: try arguments.number("rate", minimum: 1) ?? 2_000)
    let alerts = try AlertDuty(workspace, pipelines, metrics: operations.metrics, log: operations.log)
    let end = StopSignal()
    alerts?.start(stop: end)
    let engine = try workspace.engine(runsPipelines: true)
    let jobs = try pipelines.map { pipeline in
      let judge = alerts?.observer(pipeline)
      let isShown = pipeline.name == view.pipeline.name
      return try PipelineJob(pipeline, workspace, engine: engine, operations: operations, lineage: lineage) {
        event, batch in
        judge?(event, batch)
        if isShown { view.observe(event, batch) }
      }
    }
    let anomalies = DemoAnomalyTraining(workspace, lineage: lineage, stop: stop)
    let models = ModelWatching(pipelines, workspace, operations)
    let keepers = try ViewKeeping.start(pipelines, workspace, operations, lineage: lineage)
    let pushes = try PushFeed.start(pipelines, workspace, brokers: nil, operations: operations, stop: stop)
    for job in jobs { job.start(.continuous, stop: stop) }
    let last = try arguments.number("seconds", minimum: 1).map { ContinuousClock.now + .seconds($0) }
    while !stop.isStopped, last.map({ ContinuousClock.now < $0 }) ?? true {
      stop.wait(seconds: 0.25)
      view.draw()
    }
    for feed in feeds { feed.stop() }
    stop.stop()
    view.finish()
    let failures = jobs.compactMap { $0.wait() }
    for feed in pushes { feed.wait() }
    anomalies.wait()
    models.stop(lastRound: false)
    for keeper in keepers { keeper.stop() }
    end.stop()
    alerts?.finish()
    if let error = failures.first { throw error }
    return try finish(workspace, pipelines, feeds, lineage)
  }

  /// Takes what the simulators still wrote, then proves that the tables are right.
  private static func finish(
    _ workspace: Workspace, _ pipelines: [Pipeline], _ feeds: [any DemoFeed], _ lineage: LineageDuty?
  ) throws -> Int32 {
    for pipeline in pipelines {
      let rest = try PipelineJob(
        pipeline, workspace, engine: workspace.engine(runsPipelines: true), operations: Operations(level: .warning),
        lineage: lineage)
      rest.start(.once, stop: StopSignal())
      if let error = rest.wait() { throw error }
    }
    try ViewKeeping.refresh(pipelines, workspace, lineage: lineage)
    Console.write("")
    for feed in feeds { Console.write(feed.words) }
    for name in pipelines.flatMap(\.streamTableNames) {
      let snapshot = try workspace.lake.table(named: name).snapshot()
      Console.write(
        "\(name.padding(toLength: 28, withPad: " ", startingAt: 0)) \(Console.grouped(try snapshot.rowCount() ?? 0)) rows, version \(snapshot.version)"
      )
    }
    Console.write("")
    var clean = true
    for pipeline in pipelines { clean = try workspace.verify(pipeline) && clean }
    Console.write(
      "\nLook around: lakeward serve, or lakeward query \"SELECT age_group, avg(prediction) AS ill_share FROM gold_patient_data GROUP BY 1 ORDER BY 1\""
    )
    return clean ? 0 : 1
  }
}
