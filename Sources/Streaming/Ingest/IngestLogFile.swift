internal import Glibc

/// A system call that failed while the log was written.
struct IngestWriteFailure: Error {
  var operation: String
  var code: Int32
  /// The file may hold bytes that nobody was promised: it must not be appended to any more.
  var isSpoiled: Bool

  var reason: String { "\(operation): \(String(cString: strerror(code)))" }
}

/// One file of the ingest log, written by this object alone and locked as long as it is open.
final class IngestLogFile {
  private let descriptor: Int32
  /// Bytes that are durable.
  private(set) var bytes: Int64 = 0
  /// When it was made.
  let created = ContinuousClock.now

  /// Makes the file, which must not be there yet, and its directory entry durable.
  init(folder: String, name: String) throws(IngestWriteFailure) {
    let file = open(folder + "/" + name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o640)
    guard file >= 0 else { throw IngestWriteFailure(operation: "make a log file", code: errno, isSpoiled: true) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      Glibc.close(file)
      throw IngestWriteFailure(operation: "lock a log file", code: code, isSpoiled: true)
    }
    descriptor = file
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    let isDurable = directory >= 0 && fsync(directory) == 0
    let code = errno
    if directory >= 0 { Glibc.close(directory) }
    guard isDurable else { throw IngestWriteFailure(operation: "sync the log's folder", code: code, isSpoiled: true) }
  }

  /// Gives the lock back: the file is finished.
  deinit { Glibc.close(descriptor) }

  /// Appends whole lines and syncs them.
  func append(_ lines: [UInt8]) throws(IngestWriteFailure) {
    var done = 0
    while done < lines.count {
      let count = lines.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: done), lines.count - done) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = errno
        // Without the beginning of these lines the file is as good as before.
        let isClean = ftruncate(descriptor, off_t(bytes)) == 0
        throw IngestWriteFailure(operation: "write", code: code, isSpoiled: !isClean)
      }
      done += count
    }
    CrashPoint.ingestWritten.reached()
    guard fdatasync(descriptor) == 0 else {
      // What the kernel could not write it may have forgotten: only a new file is safe.
      throw IngestWriteFailure(operation: "sync", code: errno, isSpoiled: true)
    }
    CrashPoint.ingestSynced.reached()
    bytes += Int64(lines.count)
  }
}
