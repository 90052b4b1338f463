internal import Foundation
internal import Pipelines
internal import Streaming

/// `lakeward run`
enum RunCommand: Command {
  static let name = "run"
  static let summary = "run pipelines: records in, scored Delta tables out"
  static let help = """
    usage: lakeward run [PIPELINE…] [--once] [--brokers HOST:PORT,…]

    Runs the named pipelines, or all, until Ctrl-C. Stop it at any instant and start it again: the tables hold the
    source's positions, so nothing is lost and nothing is there twice. Records come from the pipeline's Kafka topic
    where brokers are given, here or in lakeward.yml, and else from its landing directory. Messages of the pipeline's
    MQTT topics are taken where lakeward.yml names a broker. Materialized views are brought up to date as often as
    pipeline.yml says, with --once at the end.

    examples:
      lakeward run                          every pipeline, until Ctrl-C
      lakeward run illness --once           take what is there, then stop
      lakeward run illness --brokers localhost:9092
    """
  static let options = [
    Option("once", nil, "take what the sources hold now, then stop"),
    Option("brokers", "LIST", "Kafka bootstrap servers, HOST:PORT separated by commas"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let pipelines = try workspace.pipelines(arguments.positionals)
    let engine = try workspace.engine()
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    let mode: PipelineRunner.Mode = arguments.has("once") ? .once : .continuous
    let alerts = try AlertDuty(workspace, pipelines)
    let jobs = try pipelines.filter { $0.source != nil }.map { pipeline in
      PipelineJob(
        pipeline: pipeline,
        runner: try PipelineRunner(
          pipeline: pipeline, lake: workspace.lake, engine: engine,
          source: try workspace.source(
            pipeline, brokers: arguments.text("brokers"), sharing: mode == .continuous),
          registry: workspace.registry),
        observe: alerts?.observer(pipeline))
    }
    // Alerts go on until the last pipeline has ended, so they have a signal of their own.
    let end = StopSignal()
    alerts?.start(stop: end)
    defer {
      end.stop()
      alerts?.finish()
    }
    for job in jobs { job.start(mode, stop: stop) }
    let views = mode == .once ? [] : try ViewKeeping.start(pipelines, workspace)
    // What clients push waits in the log or the topic; a run over what is there takes no more of it.
    let feeds =
      try mode == .once ? [] : PushFeed.start(pipelines, workspace, brokers: arguments.text("brokers"), stop: stop)
    defer { for feed in feeds { feed.wait() } }
    while jobs.isEmpty, mode == .continuous, !stop.isStopped { stop.wait(seconds: 3_600) }
    var failed = false
    for job in jobs {
      if let error = job.wait() {
        failed = true
        Console.warn("lakeward run: \(error)")
      } else {
        Console.write(job.summary)
      }
    }
    for keeper in views { keeper.stop() }
    if mode == .once, !failed, !stop.isStopped { try ViewKeeping.refresh(pipelines, workspace) }
    return failed ? 1 : 0
  }
}

/// One pipeline running on a thread of its own, with totals for its closing line.
final class PipelineJob: @unchecked Sendable {
  // Safe to share: everything mutable is written by the job's thread and read after `wait`.
  let pipeline: Pipeline
  private let runner: PipelineRunner
  private let done = DispatchSemaphore(value: 0)
  private var failure: (any Error)?
  private var records: Int64 = 0
  private var quarantined: Int64 = 0
  private var duplicates: Int64 = 0
  private var batches = 0
  private var seconds: [String: Double] = [:]
  private let started = ContinuousClock.now
  private let observe: ((PipelineRunner.Event, PipelineRunner.BatchView) -> Void)?

  init(
    pipeline: Pipeline, runner: PipelineRunner,
    observe: ((PipelineRunner.Event, PipelineRunner.BatchView) -> Void)? = nil
  ) {
    self.pipeline = pipeline
    self.runner = runner
    self.observe = observe
  }

  /// Starts the thread.
  func start(_ mode: PipelineRunner.Mode, stop: StopSignal) {
    let thread = Thread { [self] in
      do {
        try runner.run(mode, stop: stop) { event, view in
          note(event)
          observe?(event, view)
        }
      } catch {
        failure = error
        stop.stop()
      }
      done.signal()
    }
    thread.name = "pipeline \(pipeline.name)"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Waits for the end; returns the error that ended it, if one did.
  func wait() -> (any Error)? {
    done.wait()
    return failure
  }

  private func note(_ event: PipelineRunner.Event) {
    switch event {
    case .started: break
    case .committed(let report):
      batches += 1
      if !report.isCatchUp { records += report.records }
      quarantined += pipeline.source.flatMap { report.rows[$0.quarantineTable] } ?? 0
      duplicates += report.duplicates
      seconds.merge(report.seconds) { $0 + $1 }
    case .overtaken(let table):
      Console.warn("\(pipeline.name): another process committed to \(table) first; starting again from the tables")
    case .noticed(let notice):
      Console.warn("\(pipeline.name): \(notice)")
    case .maintenanceFailed(let error):
      Console.warn("\(pipeline.name): small files are left as they are: \(error)")
    case .retrying(let error, let pause):
      Console.warn("\(pipeline.name): \(error); trying again in \(String(format: "%.1f", pause)) s")
    }
  }

  /// One line: what was done, how fast, and where the time went.
  var summary: String {
    let elapsed = max(0.001, (ContinuousClock.now - started) / .seconds(1))
    let stages = seconds.sorted { $0.value > $1.value }.map { "\($0.key) \(String(format: "%.2f", $0.value)) s" }
    return """
      \(pipeline.name): \(Console.grouped(records)) records in \(batches) micro-batches, \
      \(Console.grouped(Int64(Double(records) / elapsed)))/s; \(Console.grouped(quarantined)) quarantined, \
      \(Console.grouped(duplicates)) duplicates dropped (\(stages.joined(separator: ", ")))
      """
  }
}

/// Turns SIGINT and SIGTERM into a stop signal; a second one ends the process at once.
final class StopOnSignals {
  private let sources: [any DispatchSourceSignal]

  init(_ stop: StopSignal) {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        if stop.isStopped { exit(130) }
        stop.stop()
      }
      source.resume()
      return source
    }
  }

  func cancel() { for source in sources { source.cancel() } }
}
