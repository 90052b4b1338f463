internal import Foundation
internal import JSON
internal import Observability

/// A pipeline's control folder in the lake, `_control/PIPELINE`: who runs it, whether it shall pause, what it does.
///
/// What is there is small and may be removed while nothing runs: positions are in the tables, never here.
///
/// - `lease` is locked by whoever runs the pipeline. The lock ends with the process, so a crashed holder's is free.
/// - `interrupt` is locked by a command that needs the pipeline for a moment; whoever runs it lets go until it is free.
/// - `paused` is there while the pipeline shall not run.
/// - `status-PID.json` says what a process is doing with it.
public struct PipelineControl: Sendable {
  /// The pipeline's name.
  public let pipeline: String
  let folder: String

  /// The control folder of a pipeline of a lake; it need not exist.
  public init(lake: Lake, pipeline: String) {
    self.pipeline = pipeline
    folder = lake.controlFolder(pipeline: pipeline)
  }

  // MARK: Pausing

  private var pausedFile: String { folder + "/paused" }

  /// Since when the pipeline is paused, microseconds since 1970; nil if it is not.
  public var pausedSince: Int64? {
    var status = stat()
    guard stat(pausedFile, &status) == 0 else { return nil }
    return Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1_000
  }

  /// Asks for a pause, which lasts until `resume`, also over restarts. False if it was asked for already.
  @discardableResult
  public func pause() throws(StreamingError) -> Bool {
    try prepare()
    let file = open(pausedFile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else {
      if errno == EEXIST { return false }
      throw .fileSystem(path: pausedFile, operation: "write", reason: String(cString: strerror(errno)))
    }
    fsync(file)
    close(file)
    return true
  }

  /// Ends a pause. False if there was none.
  @discardableResult
  public func resume() throws(StreamingError) -> Bool {
    if unlink(pausedFile) == 0 { return true }
    guard errno == ENOENT else {
      throw .fileSystem(path: pausedFile, operation: "remove", reason: String(cString: strerror(errno)))
    }
    return false
  }

  // MARK: Lease

  private var leaseFile: String { folder + "/lease" }
  private var interruptFile: String { folder + "/interrupt" }

  /// Whether somebody runs the pipeline now.
  public var isRunning: Bool { FileLock.isHeld(leaseFile) }

  /// Whether a command waits for the pipeline, or works on it.
  var isInterrupted: Bool { FileLock.isHeld(interruptFile) }

  /// The lease of the pipeline; nil if another process holds it.
  func lease(_ kind: FileLock.Kind) throws(StreamingError) -> FileLock? {
    try prepare()
    return try FileLock.take(leaseFile, kind)
  }

  /// The right to have whoever runs the pipeline let go of it; nil if another command has it.
  func interrupt() throws(StreamingError) -> FileLock? {
    try prepare()
    return try FileLock.take(interruptFile, .exclusive)
  }

  // MARK: Status

  /// What this process writes about the pipeline.
  func write(_ status: PipelineStatusNote) throws(StreamingError) {
    try prepare()
    let path = "\(folder)/status-\(status.process).json"
    let bytes = Array((status.json.text + "\n").utf8)
    // Readers see the old note or the new one. It need not outlive a power cut.
    let file = open(path + ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0, Foundation.write(file, bytes, bytes.count) == bytes.count, close(file) == 0,
      rename(path + ".tmp", path) == 0
    else { throw .fileSystem(path: path, operation: "write", reason: String(cString: strerror(errno))) }
  }

  /// Takes away what a process wrote.
  func removeStatus(process: Int32) { unlink("\(folder)/status-\(process).json") }

  /// What the processes that run the pipeline say about it, newest first. Those of dead processes are left out.
  /// - Parameter now: microseconds since 1970.
  public func statuses(now: Int64) -> [PipelineStatusNote] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let notes = names.filter { $0.hasPrefix("status-") && $0.hasSuffix(".json") }.compactMap { name in
      (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)).flatMap(PipelineStatusNote.init(parsing:))
    }
    return notes.filter { $0.isFresh(now: now) }.sorted { $0.updated > $1.updated }
  }

  /// Removes what processes left that did not come to their end.
  func removeStaleStatuses(now: Int64) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where name.hasPrefix("status-") && name.hasSuffix(".json") {
      let note = (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)).flatMap(
        PipelineStatusNote.init(parsing:))
      if note?.isFresh(now: now) != true { unlink("\(folder)/\(name)") }
    }
  }

  private func prepare() throws(StreamingError) {
    guard access(folder, F_OK) != 0 else { return }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .fileSystem(path: folder, operation: "create the folder", reason: error.localizedDescription)
    }
  }
}
