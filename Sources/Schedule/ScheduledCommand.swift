internal import Foundation
internal import Synchronization

/// One attempt of a job: Lakeward's own program as a process of its own, so that a job that fails, hangs or needs much memory
/// harms nothing else.
final class ScheduledCommand: @unchecked Sendable {
  // Safe to share: the process may be signalled from any thread; the rest is under the lock.
  struct End: Sendable {
    var outcome: ScheduleHistory.Outcome
    var exitCode: Int?
    var lastLine: String?
  }

  private enum Phase {
    case waiting, running, over
  }

  private struct State {
    var tail: [UInt8] = []
    var phase = Phase.waiting
    /// Why it was asked to end, if it was before it ended by itself.
    var reason: ScheduleHistory.Outcome?
  }

  private let process = Process()
  private let errors = Pipe()
  private let graceSeconds: Double
  private let state = Mutex(State())

  /// - Parameters:
  ///   - program: The program's path.
  ///   - words: Its words.
  ///   - graceSeconds: Between the request to end and the end by force.
  init(program: String, words: [String], graceSeconds: Double) {
    self.graceSeconds = graceSeconds
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = words
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
  }

  /// Whether it has ended.
  var isOver: Bool { state.withLock { $0.phase == .over } }

  /// Runs it to its end. Blocks.
  func run(timeoutSeconds: Double?) -> End {
    defer { state.withLock { $0.phase = .over } }
    do {
      try launch()
    } catch {
      return End(
        outcome: .failed, exitCode: nil, lastLine: "the program cannot be started: \(error.localizedDescription)")
    }
    // Asked to end while it was being started.
    if let reason = state.withLock({
      $0.phase = .running
      return $0.reason
    }) {
      end(reason)
    }
    let timer = timeoutSeconds.map { seconds in
      let timer = DispatchSource.makeTimerSource(queue: .global())
      timer.schedule(deadline: .now() + seconds)
      timer.setEventHandler { [weak self] in self?.end(.timedOut) }
      timer.resume()
      return timer
    }
    defer { timer?.cancel() }
    // Only the last lines are kept, however much it says.
    while let data = try? errors.fileHandleForReading.read(upToCount: 65_536), !data.isEmpty {
      state.withLock { $0.tail = Array(($0.tail + data).suffix(4_096)) }
    }
    process.waitUntilExit()
    let (tail, reason) = state.withLock {
      $0.phase = .over
      return ($0.tail, $0.reason)
    }
    let line = String(decoding: tail, as: UTF8.self).split(separator: "\n").last.map(String.init)
    if let reason { return End(outcome: reason, exitCode: nil, lastLine: line) }
    let code = Int(process.terminationStatus)
    let isWell = process.terminationReason == .exit && code == 0
    return End(
      outcome: isWell ? .succeeded : .failed, exitCode: process.terminationReason == .exit ? code : 128 + code,
      lastLine: isWell ? nil : line)
  }

  /// A process begins with the signals blocked that the thread blocks which starts it: it would never hear that it is to end.
  private func launch() throws {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
  }

  /// Asks it to end, with whatever it started, and ends it by force if it does not. What has not begun yet ends as soon as it has.
  func end(_ reason: ScheduleHistory.Outcome) {
    let isRunning = state.withLock {
      guard $0.phase != .over else { return false }
      $0.reason = $0.reason ?? reason
      return $0.phase == .running
    }
    guard isRunning else { return }
    signal(SIGTERM)
    DispatchQueue.global().asyncAfter(deadline: .now() + graceSeconds) { [weak self] in
      if self?.isOver == false { self?.signal(SIGKILL) }
    }
  }

  /// To its whole group: a process of its own that holds the pipe open would keep the job from ending.
  private func signal(_ number: Int32) {
    let leader = process.processIdentifier
    guard leader > 0 else { return }
    // Foundation makes the process the leader of a group; were it not, the group would be ours. A leader that has ended keeps its number
    // while its group lives.
    if getpgid(leader) == getpgrp() || kill(-leader, number) != 0 { kill(leader, number) }
  }
}
