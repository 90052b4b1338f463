internal import Foundation
internal import Observability
public import Pipelines
internal import Synchronization

/// Runs one pipeline under its lease, and does what others ask of it meanwhile: pause, let a command work on its tables,
/// say how it is.
///
/// `run` blocks its thread. What may be asked for lies in the pipeline's control folder and is looked at five times a
/// second; a micro-batch in hand is finished first.
public final class PipelineSupervisor {
  /// What the supervisor tells and keeps.
  public let monitor: PipelineMonitor
  private let control: PipelineControl
  private let isShared: Bool
  private let open: (any RecordSource) throws -> PipelineRunner
  private let source: () throws -> any RecordSource
  private let clock: @Sendable () -> Int64

  /// - Parameters:
  ///   - isShared: Whether several processes may run the pipeline at the same time, each with its part of the source.
  ///   - clock: The time of day, microseconds since 1970.
  ///   - source: Makes the source, again after each pause.
  ///   - open: Makes the runner, once.
  public init(
    pipeline: Pipeline, lake: Lake, monitor: PipelineMonitor, isShared: Bool,
    clock: @escaping @Sendable () -> Int64 = LandingSource.systemClock,
    source: @escaping () throws -> any RecordSource, open: @escaping (any RecordSource) throws -> PipelineRunner
  ) {
    self.monitor = monitor
    self.isShared = isShared
    self.source = source
    self.open = open
    self.clock = clock
    control = PipelineControl(lake: lake, pipeline: pipeline.name)
  }

  /// Opens the pipeline and runs it until the mode or the signal ends it.
  ///
  /// In continuous mode it waits while the pipeline is paused or another process runs it; in once-mode that is an error.
  /// - Parameter observe: Called on this thread for each event, after the monitor.
  public func run(
    _ mode: PipelineRunner.Mode, stop: StopSignal,
    observe: (PipelineRunner.Event, PipelineRunner.BatchView) -> Void
  ) throws {
    control.removeStaleStatuses(now: clock())
    let watch = ControlWatch(control: control, monitor: monitor, clock: clock)
    watch.start()
    defer { watch.stop() }
    do {
      var runner: PipelineRunner?
      while let lease = try waitForTurn(mode, stop: stop) {
        defer { withExtendedLifetime(lease) {} }
        let turn = StopSignal()
        stop.forward(to: turn)
        watch.watch(turn)
        defer {
          watch.watch(nil)
          stop.stopForwarding(to: turn)
        }
        runner = try opened(runner)
        try runner?.run(mode, stop: turn) { event, view in
          monitor.observe(event)
          observe(event, view)
        }
        // A run that came to its end by itself is over.
        if !turn.isStopped { break }
      }
      monitor.set(.stopped)
    } catch {
      monitor.set(.failed, reason: "\(error)")
      throw error
    }
  }

  /// The runner with a source; made the first time.
  private func opened(_ runner: PipelineRunner?) throws -> PipelineRunner {
    monitor.set(.starting)
    guard let runner else { return try open(try source()) }
    runner.attach(try source())
    return runner
  }

  /// The lease, once nothing is against it; nil if the signal came first.
  private func waitForTurn(_ mode: PipelineRunner.Mode, stop: StopSignal) throws -> FileLock? {
    while !stop.isStopped {
      if control.pausedSince != nil {
        guard mode == .continuous else { throw StreamingError.paused(pipeline: control.pipeline) }
        monitor.set(.paused)
      } else if control.isInterrupted {
        monitor.set(.yielding, reason: "a command works on the tables")
      } else if let lease = try control.lease(isShared ? .shared : .exclusive) {
        return lease
      } else {
        let holder = self.holder
        guard mode == .continuous else { throw StreamingError.held(pipeline: control.pipeline, holder: holder) }
        monitor.set(.yielding, reason: "\(holder) runs it")
      }
      stop.wait(seconds: 0.2)
    }
    return nil
  }

  private var holder: String {
    guard let note = control.statuses(now: clock()).first(where: { $0.process != getpid() }) else {
      return "another process"
    }
    return "process \(note.process) on \(note.host)"
  }
}

/// Looks at the control folder five times a second, and says there once a second how the pipeline is.
private final class ControlWatch: @unchecked Sendable {
  // Safe to share: `turn` is exchanged under its lock; the rest is immutable and may be used from any thread.
  private let control: PipelineControl
  private let monitor: PipelineMonitor
  private let clock: @Sendable () -> Int64
  private let turn = Mutex<StopSignal?>(nil)
  private let over = StopSignal()
  private let done = DispatchSemaphore(value: 0)

  init(control: PipelineControl, monitor: PipelineMonitor, clock: @escaping @Sendable () -> Int64) {
    self.control = control
    self.monitor = monitor
    self.clock = clock
  }

  func start() {
    let started = clock()
    let thread = Thread { [self] in
      var round = 0
      while !over.isStopped {
        if control.pausedSince != nil || control.isInterrupted { turn.withLock { $0 }?.stop() }
        if round % 5 == 0 {
          // A status that cannot be written is no reason to stop a stream; `lakeward status` says how old it is.
          try? control.write(PipelineStatusNote(monitor.figures, started: started, now: clock()))
        }
        round += 1
        over.wait(seconds: 0.2)
      }
      control.removeStatus(process: getpid())
      done.signal()
    }
    thread.name = "control"
    thread.start()
  }

  /// The signal to give when the pipeline shall pause or make room; nil between turns.
  func watch(_ signal: StopSignal?) { turn.withLock { $0 = signal } }

  func stop() {
    over.stop()
    done.wait()
  }
}
