internal import DeltaLake
internal import Foundation
internal import Models
internal import Observability
internal import Intake
internal import Pipelines
internal import Server
internal import Simulation
internal import Streaming

/// `lakeward demo`
enum DemoCommand: Command {
  static let name = "demo"
  static let summary = "everything in one process: train a model, stream simulated patients, watch"
  static let help = """
    usage: lakeward demo [--seconds N] [--rate N]

    Generates a population in Synthea's CSV schema if the lake holds none, trains the illness model on it, streams
    simulated test results with faults through bronze, silver and gold, and shows what happens until Ctrl-C, here and on a
    dashboard at http://127.0.0.1:8080 (another port if that is taken). At the
    end what is left is processed and the tables are verified. All data are invented; nothing leaves the machine.

    examples:
      lakeward demo
      lakeward demo --seconds 20 --rate 5000
      lakeward demo --lake /tmp/demo > demo.log
    """
  static let options = [
    Option("seconds", "N", "end by itself after this long"),
    Option("rate", "N", "simulated records per second (default 2000)"),
    Option("patients", "N", "patients in the generated population (default 2000)"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let pipeline = try workspace.pipeline("illness")
    guard let landing = pipeline.source?.landing else { throw StreamingError.noSource(pipeline: pipeline.name) }
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    try workspace.lake.prepare()
    try prepareModel(workspace, patients: try arguments.integer("patients", minimum: 50) ?? 2_000)
    guard !stop.isStopped else { return 0 }

    let view = LiveView(pipeline: pipeline)
    let operations = try Operations(level: .warning)
    let job = try PipelineJob(
      pipeline, workspace, engine: workspace.engine(), operations: operations, observe: view.observe)
    let server = try ServerStart.start(
      workspace, listen: nil, metrics: operations.metrics, health: operations.health, logger: operations.log,
      mayMove: true)
    defer { server.stop() }
    Console.write("Dashboard: \(server.address)   API: \(server.address)/docs\n")
    let feed = try startFeed(
      folder: workspace.lake.resolve(landing.path), rate: try arguments.number("rate", minimum: 1) ?? 2_000)
    job.start(.continuous, stop: stop)
    let end = try arguments.number("seconds", minimum: 1).map { ContinuousClock.now + .seconds($0) }
    while !stop.isStopped, end.map({ ContinuousClock.now < $0 }) ?? true {
      stop.wait(seconds: 0.25)
      view.draw()
    }
    feed.stop()
    stop.stop()
    view.finish()
    if let error = job.wait() { throw error }
    return try finish(workspace, pipeline, simulated: feed.truth)
  }

  /// Makes sure that a live model exists, from the lake's imported data or from a generated population.
  private static func prepareModel(_ workspace: Workspace, patients: Int) throws {
    if try workspace.registry.liveVersion(of: "illness") != nil {
      Console.write("The illness model of an earlier run is live; lakeward train illness makes a new one.")
      return
    }
    if try !workspace.lake.tableNames().contains("synthea_patients") {
      Console.write(
        "No Synthea data in the lake: generating \(Console.grouped(patients)) invented patients in Synthea's CSV schema."
      )
      let folder = "\(workspace.lake.root)/_generated/synthea"
      try? FileManager.default.removeItem(atPath: folder)
      let population = try PopulationGenerator(seed: 42, patients: patients).write(to: folder)
      Console.write(
        "Importing \(Console.grouped(population.encounters)) encounters and \(Console.grouped(population.observations)) observations."
      )
      _ = try workspace.importFolder([folder]) { _ in }
    }
    Console.write("Training the illness model (random forest, balanced with SMOTE).")
    let entry = try workspace.train("illness") { _ in }
    Console.write(entry.card.summary + "\n")
  }

  private static func startFeed(folder: String, rate: Double) throws -> BackgroundFeed<IllnessRecordSimulator> {
    // A seed of its own for every run, so that a second demo on the same lake brings new records.
    let seed = UInt64(Date().timeIntervalSince1970)
    let feed = RecordFeed(
      simulator: IllnessRecordSimulator(seed: seed, patients: 5_000, faults: .mixed),
      target: .landing(try LandingWriter(folder: folder, prefix: "demo", delivery: .growing, maximumFileBytes: 8 << 20))
    )
    let background = BackgroundFeed(feed)
    background.start(rate: rate)
    return background
  }

  /// Takes what the simulator still wrote, then proves that the tables are right.
  private static func finish(_ workspace: Workspace, _ pipeline: Pipeline, simulated: IllnessTruth) throws -> Int32 {
    let rest = try PipelineJob(
      pipeline, workspace, engine: workspace.engine(), operations: Operations(level: .warning))
    rest.start(.once, stop: StopSignal())
    if let error = rest.wait() { throw error }
    Console.write("")
    Console.write(
      "Simulated: \(Console.grouped(simulated.records)) records, \(Console.grouped(simulated.quarantined)) broken on purpose, "
        + "\(Console.grouped(simulated[.duplicate])) duplicates.")
    for name in pipeline.streamTableNames {
      let snapshot = try workspace.lake.table(named: name).snapshot()
      Console.write(
        "\(name.padding(toLength: 28, withPad: " ", startingAt: 0)) \(Console.grouped(try snapshot.rowCount() ?? 0)) rows, version \(snapshot.version)"
      )
    }
    Console.write("")
    let clean = try workspace.verify(pipeline)
    Console.write(
      "\nLook around: lakeward query \"SELECT age_group, avg(prediction) AS ill_share FROM gold_patient_data GROUP BY 1 ORDER BY 1\""
    )
    return clean ? 0 : 1
  }
}

/// A record feed on a thread of its own.
final class BackgroundFeed<Simulator: RecordSimulator>: @unchecked Sendable {
  // Safe to share: the feed belongs to its thread until `stop` has waited for it.
  private let feed: RecordFeed<Simulator>
  private let signal = StopSignal()
  private let done = DispatchSemaphore(value: 0)

  init(_ feed: RecordFeed<Simulator>) { self.feed = feed }

  func start(rate: Double) {
    let thread = Thread { [self] in
      do {
        try feed.run(rate: rate, count: nil, eventTime: .live, stop: signal) { _ in }
      } catch {
        Console.warn("simulator: \(error)")
      }
      done.signal()
    }
    thread.name = "simulator"
    thread.start()
  }

  /// Ends the feed and waits for its last record.
  func stop() {
    signal.stop()
    done.wait()
  }

  /// What was sent; only after `stop`.
  var truth: Simulator.Truth { feed.simulator.truth }
}
