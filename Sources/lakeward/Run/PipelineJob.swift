internal import Foundation
internal import Pipelines
internal import Streaming
internal import Synchronization

/// One pipeline running on a thread of its own.
final class PipelineJob: @unchecked Sendable {
  // Safe to share: `failure` is written by the job's thread and read after `wait`; the monitor may be asked at any time.
  let pipeline: Pipeline
  private let supervisor: PipelineSupervisor
  private let operations: Operations
  private let done = DispatchSemaphore(value: 0)
  private var failure: (any Error)?
  private let started = ContinuousClock.now
  private let lineage: LineageDuty?
  private let observe: ((PipelineRunner.Event, PipelineRunner.BatchView) -> Void)?

  /// DuckDB's heap is damaged when a database is destroyed while a thread that used it is ending, and nobody can wait
  /// for the very end of a `Thread`: the engines of jobs live as long as the process.
  private static let engines = Mutex<[QueryEngine]>([])

  /// Engines are shared, and functions are registered with them: one pipeline opens at a time.
  private static let opening = NSLock()

  /// - Parameters:
  ///   - isSharing: Whether the partitions of a topic are shared with other processes.
  ///   - isOnlyBackfill: Whether to take the pipeline's backfills alone, and leave its stream.
  ///   - lineage: Is told what the run makes of which tables.
  ///   - observe: Sees each event on the job's thread.
  init(
    _ pipeline: Pipeline, _ workspace: Workspace, engine: QueryEngine, operations: Operations, brokers: String? = nil,
    isSharing: Bool = false, isOnlyBackfill: Bool = false, lineage: LineageDuty? = nil,
    observe: ((PipelineRunner.Event, PipelineRunner.BatchView) -> Void)? = nil
  ) throws {
    Self.engines.withLock { $0.append(engine) }
    self.pipeline = pipeline
    self.operations = operations
    self.lineage = lineage
    self.observe = observe
    let inputs = try workspace.inputs(pipeline, brokers: brokers)
    let monitor = PipelineMonitor(
      pipeline: pipeline.name, quarantine: pipeline.source?.quarantineTable ?? "", metrics: operations.metrics,
      health: operations.health, log: operations.log)
    supervisor = PipelineSupervisor(
      pipeline: pipeline, lake: workspace.lake, monitor: monitor, isShared: inputs.isShared,
      source: {
        try isOnlyBackfill
          ? inputs.backfillSource() : workspace.source(pipeline, brokers: brokers, sharing: isSharing)
      },
      open: { source in
        let runner = try Self.opening.withLock {
          try PipelineRunner(
            pipeline: pipeline, lake: workspace.lake, engine: engine, source: source, registry: workspace.registry)
        }
        monitor.watch(runner.deltaTables, in: operations.metrics)
        return runner
      })
  }

  /// Starts the thread.
  func start(_ mode: PipelineRunner.Mode, stop: StopSignal) {
    let thread = Thread { [self] in
      lineage?.began(pipeline)
      do {
        try supervisor.run(mode, stop: stop) { event, view in
          if case .committed(let report) = event { lineage?.committed(report, of: pipeline) }
          observe?(event, view)
        }
      } catch {
        failure = error
        operations.report(error, pipeline: pipeline.name)
      }
      lineage?.ended(pipeline, failure)
      done.signal()
    }
    thread.name = "pipeline \(pipeline.name)"
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Waits for the end; returns the error that ended it, if one did. It was reported already.
  func wait() -> (any Error)? {
    done.wait()
    return failure
  }

  /// One line: what was done, how fast, and where the time went.
  var summary: String {
    let figures = supervisor.monitor.figures
    let elapsed = max(0.001, (ContinuousClock.now - started) / .seconds(1))
    let stages = figures.seconds.sorted { $0.value > $1.value }.map {
      "\($0.key) \(String(format: "%.2f", $0.value)) s"
    }
    return """
      \(pipeline.name): \(Console.grouped(figures.records)) records in \(figures.batches) micro-batches, \
      \(Console.grouped(Int64(Double(figures.records) / elapsed)))/s; \(Console.grouped(figures.quarantined)) quarantined, \
      \(Console.grouped(figures.duplicates)) duplicates dropped (\(stages.joined(separator: ", ")))
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
