internal import Foundation
public import Streaming
internal import Synchronization

/// Runs jobs when they are due, on a thread of its own; of several schedulers over one lake, one works and the others wait.
public final class Scheduler: @unchecked Sendable {
  // Safe to share: the book and the commands are under the lock; the rest does not change.
  /// What the scheduler does, for a log.
  public enum Event: Sendable {
    /// An attempt begins.
    case started(job: String, attempt: Int)
    /// An attempt ended, or a time passed without one.
    case ended(ScheduleHistory.Entry)
    /// The history could not be written, or the lock not be taken; it goes on.
    case failed(any Error)
  }

  private struct State {
    var book: ScheduleBook
    var commands: [String: ScheduledCommand] = [:]
  }

  private let jobs: [String: ScheduledJob]
  private let all: [ScheduledJob]
  private let history: ScheduleHistory
  private let lake: Lake
  private let program: String
  private let options: [String]
  private let graceSeconds: Double
  private let observe: @Sendable (Event) -> Void
  private let state: Mutex<State>
  private let wake = DispatchSemaphore(value: 0)
  private let done = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - program: The program that jobs run, Lakeward's own.
  ///   - options: Words behind each job's own, such as `--config FILE`.
  ///   - graceSeconds: How long a job that is asked to end may take before it is ended by force.
  ///   - observe: Called on the scheduler's threads.
  public init(
    _ jobs: [ScheduledJob], lake: Lake, program: String, options: [String], graceSeconds: Double = 10,
    observe: @escaping @Sendable (Event) -> Void
  ) throws {
    all = jobs
    self.jobs = Dictionary(jobs.map { ($0.name, $0) }) { first, _ in first }
    self.lake = lake
    self.program = program
    self.options = options
    self.graceSeconds = graceSeconds
    self.observe = observe
    history = try ScheduleHistory(lake)
    state = Mutex(State(book: ScheduleBook([], now: 0)))
  }

  /// Starts the thread, which ends with the signal; running jobs are then ended.
  public func start(stop: StopSignal) {
    let thread = Thread { [self] in
      work(stop)
      done.signal()
    }
    thread.name = "schedule"
    thread.start()
  }

  /// Waits for the end of the thread, after the signal was given.
  public func wait() { done.wait() }

  private func work(_ stop: StopSignal) {
    guard let lease = lease(stop) else { return }
    defer { withExtendedLifetime(lease) {} }
    let now = Date().timeIntervalSince1970
    do {
      let memories = try history.memories()
      state.withLock { $0.book = ScheduleBook(all, memories: memories, now: now) }
    } catch {
      observe(.failed(error))
      state.withLock { $0.book = ScheduleBook(all, now: now) }
    }
    while !stop.isStopped {
      let decisions = state.withLock { $0.book.decide(at: Date().timeIntervalSince1970) }
      for decision in decisions { carryOut(decision) }
      let next = state.withLock { $0.book.nextTime } ?? .infinity
      // A clock that is set, and a job that ends, are seen within a second.
      stop.wait(seconds: min(1, max(0.01, next - Date().timeIntervalSince1970)))
    }
    for command in state.withLock({ Array($0.commands.values) }) { command.end(.stopped) }
    while state.withLock({ !$0.commands.isEmpty }) { _ = wake.wait(timeout: .now() + 1) }
  }

  /// Waits for the lock; nil if the stop comes first.
  private func lease(_ stop: StopSignal) -> ControlLease? {
    while !stop.isStopped {
      do {
        if let lease = try ControlLease.take(lake, "schedule") { return lease }
      } catch {
        observe(.failed(error))
      }
      stop.wait(seconds: 2)
    }
    return nil
  }

  private func carryOut(_ decision: ScheduleBook.Decision) {
    switch decision {
    case .skip(let start, let reason):
      note(start, nil, .init(outcome: .skipped, exitCode: nil, lastLine: reason))
    case .start(let start):
      guard let job = jobs[start.job] else { return }
      let command = command(job)
      state.withLock { $0.commands[job.name] = command }
      observe(.started(job: job.name, attempt: start.attempt))
      let thread = Thread { [self] in
        let begin = Date().timeIntervalSince1970
        let end = command.run(timeoutSeconds: job.timeoutSeconds)
        let now = Date().timeIntervalSince1970
        note(start, begin...max(begin, now), end)
        state.withLock {
          $0.commands[job.name] = nil
          $0.book.ended(start, succeeded: end.outcome == .succeeded, at: now)
        }
        wake.signal()
      }
      thread.name = "job \(job.name)"
      thread.start()
    }
  }

  private func command(_ job: ScheduledJob) -> ScheduledCommand {
    ScheduledCommand(program: program, words: job.words + options, graceSeconds: graceSeconds)
  }

  private func note(_ start: ScheduleBook.Start, _ span: ClosedRange<Double>?, _ end: ScheduledCommand.End) {
    let entry = ScheduleHistory.Entry(
      job: start.job, command: jobs[start.job]?.words.joined(separator: " ") ?? "", due: start.due,
      attempt: start.attempt, span: span, outcome: end.outcome, exitCode: end.exitCode, error: end.lastLine)
    do { try history.add(entry) } catch { observe(.failed(error)) }
    observe(.ended(entry))
  }

  /// Runs one job now, with its retries, and notes it in the history. Blocks.
  /// - Parameter stop: Ends the job, and no retry follows.
  /// - Returns: The last attempt.
  public func runNow(_ job: ScheduledJob, stop: StopSignal) -> ScheduleHistory.Entry {
    var start = ScheduleBook.Start(job: job.name, due: Date().timeIntervalSince1970)
    while true {
      observe(.started(job: job.name, attempt: start.attempt))
      let begin = Date().timeIntervalSince1970
      let command = command(job)
      let watch = Thread {
        while !stop.isStopped, !command.isOver { stop.wait(seconds: 0.5) }
        if stop.isStopped { command.end(.stopped) }
      }
      watch.start()
      let end = command.run(timeoutSeconds: job.timeoutSeconds)
      let span = begin...max(begin, Date().timeIntervalSince1970)
      note(start, span, end)
      if end.outcome != .succeeded, start.attempt <= job.retries {
        stop.wait(seconds: ScheduleBook.pause(job, attempt: start.attempt))
        if !stop.isStopped {
          start.attempt += 1
          continue
        }
      }
      return ScheduleHistory.Entry(
        job: job.name, command: job.words.joined(separator: " "), due: start.due, attempt: start.attempt, span: span,
        outcome: end.outcome, exitCode: end.exitCode, error: end.lastLine)
    }
  }
}
