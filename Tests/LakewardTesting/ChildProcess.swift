import Foundation

/// How a process ended and what it said.
public struct ProcessOutcome: Sendable {
  /// The exit status, or 128 + the signal's number when a signal ended it.
  public var status: Int32
  /// Everything it wrote to standard output, read as UTF-8.
  public var output: String
  /// Everything it wrote to standard error, read as UTF-8.
  public var errors: String

  /// It ended by itself with status 0.
  public var succeeded: Bool { status == 0 }
}

/// A process that could not be run to its end.
public enum ProcessError: Error, CustomStringConvertible {
  /// It could not be started.
  case notStarted(command: String, reason: String)
  /// It was still running after `seconds` and has been killed.
  case timedOut(command: String, seconds: Double, output: String, errors: String)
  /// It ended, or the time was over, before it wrote `text`.
  case neverSaid(text: String, output: String, errors: String)

  /// One line, then what the process had said.
  public var description: String {
    switch self {
    case .notStarted(let command, let reason): "\(command) did not start: \(reason)"
    case .timedOut(let command, let seconds, let output, let errors):
      "\(command) was still running after \(seconds) s and was killed\n\(output)\n\(errors)"
    case .neverSaid(let text, let output, let errors):
      "the process never said \"\(text)\"\n\(output)\n\(errors)"
    }
  }
}

/// A real process under test: started, listened to, signalled and waited for.
///
/// Its output is read by threads of its own, so a full pipe never blocks it. It is killed when the last reference goes.
public final class ChildProcess: @unchecked Sendable {
  // `process` is touched by `init` and then only through calls that Foundation allows on any thread;
  // everything else that changes is guarded by `condition`.
  private let process = Process()
  private let condition = NSCondition()
  private var output: [UInt8] = []
  private var errors: [UInt8] = []
  private var openStreams = 2
  private var hasEnded = false
  private let command: String

  /// Starts a process.
  ///
  /// - Parameters:
  ///   - executable: its absolute path, or a name to be found in `PATH`.
  ///   - environment: added to the test's own environment; an empty value stays an empty value.
  ///   - directory: its working directory; the test's own when nil.
  /// - Throws: ``ProcessError/notStarted(command:reason:)``.
  public init(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil
  ) throws {
    command = ([executable] + arguments).joined(separator: " ")
    if executable.contains("/") {
      process.executableURL = URL(fileURLWithPath: executable)
      process.arguments = arguments
    } else {
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = [executable] + arguments
    }
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    let outputPipe = Pipe()
    let errorPipe = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = outputPipe
    process.standardError = errorPipe
    process.terminationHandler = { [weak self] _ in self?.ended() }
    do {
      try process.run()
    } catch {
      throw ProcessError.notStarted(command: command, reason: "\(error)")
    }
    listen(to: outputPipe, keep: \.output)
    listen(to: errorPipe, keep: \.errors)
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  /// The process's number.
  public var identifier: Int32 { process.processIdentifier }

  /// Whether it has not ended yet.
  public var isRunning: Bool { process.isRunning }

  /// What it has written to standard output so far.
  public var outputSoFar: String { locked { String(decoding: output, as: UTF8.self) } }

  /// What it has written to standard error so far.
  public var errorsSoFar: String { locked { String(decoding: errors, as: UTF8.self) } }

  /// Sends a signal, for example `SIGTERM` or `SIGKILL`. A process that has ended is left alone.
  public func signal(_ number: Int32) {
    if process.isRunning { kill(process.processIdentifier, number) }
  }

  /// Waits until it ends.
  ///
  /// - Parameter seconds: how long; after that it is killed.
  /// - Throws: ``ProcessError/timedOut(command:seconds:output:errors:)``.
  @discardableResult
  public func wait(seconds: Double = 120) throws -> ProcessOutcome {
    let limit = Date(timeIntervalSinceNow: seconds)
    let inTime = until(limit) { self.hasEnded }
    if !inTime {
      kill(process.processIdentifier, SIGKILL)
      _ = until(Date(timeIntervalSinceNow: 10)) { self.hasEnded }
      throw ProcessError.timedOut(
        command: command, seconds: seconds, output: outputSoFar, errors: errorsSoFar)
    }
    // A grandchild may hold the pipes open for longer than the process lives.
    _ = until(Date(timeIntervalSinceNow: 2)) { self.openStreams == 0 }
    let status =
      process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
    return ProcessOutcome(status: status, output: outputSoFar, errors: errorsSoFar)
  }

  /// Waits until standard output or standard error contains `text`.
  ///
  /// - Throws: ``ProcessError/neverSaid(text:output:errors:)`` when it ends or the time is over before.
  public func waitFor(_ text: String, seconds: Double = 60) throws {
    let wanted = Array(text.utf8)
    func said() -> Bool { !self.output.ranges(of: wanted).isEmpty || !self.errors.ranges(of: wanted).isEmpty }
    _ = until(Date(timeIntervalSinceNow: seconds)) { said() || (self.hasEnded && self.openStreams == 0) }
    if !locked({ said() }) {
      throw ProcessError.neverSaid(text: text, output: outputSoFar, errors: errorsSoFar)
    }
  }

  /// Runs a process to its end.
  ///
  /// - Parameter seconds: how long it may take; after that it is killed.
  /// - Throws: ``ProcessError``; a non-zero status is not an error here.
  public static func run(
    _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], directory: String? = nil,
    seconds: Double = 120
  ) throws -> ProcessOutcome {
    try ChildProcess(executable, arguments, environment: environment, directory: directory).wait(seconds: seconds)
  }

  private func listen(to pipe: Pipe, keep: any (ReferenceWritableKeyPath<ChildProcess, [UInt8]> & Sendable)) {
    let descriptor = dup(pipe.fileHandleForReading.fileDescriptor)
    // Reads past the object's life end on their own when the process closes its side.
    Thread.detachNewThread { [weak self] in
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0, let self else { break }
        self.locked {
          self[keyPath: keep].append(contentsOf: buffer[..<count])
          self.condition.broadcast()
        }
      }
      close(descriptor)
      self?.locked {
        self?.openStreams -= 1
        self?.condition.broadcast()
      }
    }
  }

  private func ended() {
    locked {
      hasEnded = true
      condition.broadcast()
    }
  }

  private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    condition.lock()
    defer { condition.unlock() }
    return try body()
  }

  private func until(_ limit: Date, _ isTrue: () -> Bool) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while !isTrue() {
      if !condition.wait(until: limit) { return isTrue() }
    }
    return true
  }
}
