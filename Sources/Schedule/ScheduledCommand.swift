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

  /// Seconds between the request to end and the end by force.
  private static let grace = 10.0

  private let process = Process()
  private let errors = Pipe()
  private let state = Mutex<(tail: [UInt8], reason: ScheduleHistory.Outcome?)>(([], nil))

  /// - Parameters:
  ///   - program: The program's path.
  ///   - words: Its words.
  init(program: String, words: [String]) {
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = words
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
  }

  /// Runs it to its end. Blocks.
  func run(timeoutSeconds: Double?) -> End {
    do {
      try process.run()
    } catch {
      return End(
        outcome: .failed, exitCode: nil, lastLine: "the program cannot be started: \(error.localizedDescription)")
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
    let (tail, reason) = state.withLock { ($0.tail, $0.reason) }
    let line = String(decoding: tail, as: UTF8.self).split(separator: "\n").last.map(String.init)
    if let reason { return End(outcome: reason, exitCode: nil, lastLine: line) }
    let code = Int(process.terminationStatus)
    let isWell = process.terminationReason == .exit && code == 0
    return End(
      outcome: isWell ? .succeeded : .failed, exitCode: process.terminationReason == .exit ? code : 128 + code,
      lastLine: isWell ? nil : line)
  }

  /// Asks it to end, and ends it by force if it does not.
  func end(_ reason: ScheduleHistory.Outcome) {
    guard process.isRunning else { return }
    state.withLock { $0.reason = $0.reason ?? reason }
    process.terminate()
    let number = process.processIdentifier
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.grace) { [weak self] in
      if self?.process.isRunning == true { kill(number, SIGKILL) }
    }
  }
}
