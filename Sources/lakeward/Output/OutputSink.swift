internal import Foundation

/// Where results go: standard output, or a file that appears under its name when it is complete.
final class OutputSink {
  /// The reader of standard output has gone (`lakeward query … | head`): stop, nothing is wrong.
  struct ReaderLeft: Error {}

  private static let bufferBytes = 1 << 16
  private let descriptor: Int32
  private let file: String?
  private let temporary: String?
  private var buffer: [UInt8] = []
  private var isFinished = false

  /// Standard output.
  static func standardOutput() -> OutputSink { OutputSink(STDOUT_FILENO, file: nil, temporary: nil) }

  /// The file of `--output`, else standard output.
  static func open(_ file: String?) throws -> OutputSink {
    guard let file else { return standardOutput() }
    let temporary = try temporaryName(for: file)
    let path = temporary ?? file
    let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("write", file) }
    return OutputSink(descriptor, file: file, temporary: temporary)
  }

  /// A name beside `file` for what is not complete yet; nil if the file is a device or a pipe, which is written directly.
  static func temporaryName(for file: String) throws -> String? {
    var status = stat()
    if stat(file, &status) == 0 {
      let kind = status.st_mode & S_IFMT
      if kind == S_IFDIR { throw CommandFailure("\(file) is a folder; give a file's name") }
      if kind != S_IFREG { return nil }
    }
    let path = URL(fileURLWithPath: file)
    let folder = path.deletingLastPathComponent().path
    guard FileManager.default.fileExists(atPath: folder) else {
      throw CommandFailure("\(file) cannot be written: there is no folder \(folder)")
    }
    return "\(folder)/.\(path.lastPathComponent).\(getpid()).partial"
  }

  private init(_ descriptor: Int32, file: String?, temporary: String?) {
    self.descriptor = descriptor
    self.file = file
    self.temporary = temporary
  }

  deinit {
    guard file != nil, !isFinished else { return }
    close(descriptor)
    if let temporary { unlink(temporary) }
  }

  /// Columns of the terminal that it writes to; nil if it is none.
  var terminalWidth: Int? {
    file == nil ? Console.terminalWidth(descriptor) : nil
  }

  /// Appends bytes.
  func write(_ bytes: [UInt8]) throws {
    buffer += bytes
    if buffer.count >= Self.bufferBytes { try flush() }
  }

  /// Appends text.
  func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// Hands everything on; a file gets its name now.
  func finish() throws {
    try flush()
    guard let file else { return }
    isFinished = true
    let synced = temporary == nil || fsync(descriptor) == 0
    guard close(descriptor) == 0, synced else {
      defer { if let temporary { unlink(temporary) } }
      throw Self.failure("write", file)
    }
    if let temporary { try Self.install(temporary, as: file) }
  }

  /// Gives a complete file its name.
  static func install(_ temporary: String, as file: String) throws {
    guard rename(temporary, file) == 0 else {
      defer { unlink(temporary) }
      throw failure("rename", file)
    }
  }

  private func flush() throws {
    defer { buffer.removeAll(keepingCapacity: true) }
    try buffer.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = Foundation.write(descriptor, bytes.baseAddress! + sent, bytes.count - sent)
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EPIPE { throw ReaderLeft() }
        guard count > 0 else { throw Self.failure("write", file ?? "standard output") }
        sent += count
      }
    }
  }

  private static func failure(_ operation: String, _ file: String) -> CommandFailure {
    CommandFailure("cannot \(operation) \(file): \(String(cString: strerror(errno)))")
  }
}
