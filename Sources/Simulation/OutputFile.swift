import Foundation

/// A file that is written once from the start to the end, through memory that several writers fill in place.
final class OutputFile {
  /// A row or record written in place may have this many bytes at most.
  static let maximumRowBytes = 4_096
  private static let capacity = 1 << 20

  let path: String
  private let descriptor: Int32
  private let memory: UnsafeMutablePointer<UInt8>
  private var used = 0
  private var isOpen = true
  /// Bytes handed over so far.
  private(set) var bytes = 0
  /// How often ``row(_:)`` was called.
  private(set) var rows = 0

  /// Creates the file, or empties it if it is there; its folder must exist.
  init(path: String) throws(SimulationError) {
    self.path = path
    memory = .allocate(capacity: Self.capacity + Self.maximumRowBytes)
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 {
      throw .fileSystem(operation: "create", path: path, code: errno)
    }
  }

  deinit {
    memory.deallocate()
    if descriptor >= 0, isOpen { Foundation.close(descriptor) }
  }

  /// Writes one row of at most ``maximumRowBytes`` bytes in place.
  @inline(__always)
  func row(_ write: (inout ByteCursor) -> Void) throws(SimulationError) {
    var cursor = ByteCursor(memory + used)
    write(&cursor)
    used += cursor.count
    bytes += cursor.count
    rows += 1
    if used >= Self.capacity { try flush() }
  }

  /// Writes bytes of any length.
  func write(_ content: UnsafeRawBufferPointer) throws(SimulationError) {
    try flush()
    try put(content)
    bytes += content.count
  }

  /// Hands everything written so far to the operating system.
  func flush() throws(SimulationError) {
    try put(UnsafeRawBufferPointer(start: memory, count: used))
    used = 0
  }

  /// Flushes and closes; a failure to do so is thrown here and nowhere else.
  func close() throws(SimulationError) {
    guard isOpen else { return }
    try flush()
    isOpen = false
    if Foundation.close(descriptor) != 0 {
      throw .fileSystem(operation: "close", path: path, code: errno)
    }
  }

  private func put(_ content: UnsafeRawBufferPointer) throws(SimulationError) {
    guard let start = content.baseAddress else { return }
    var done = 0
    while done < content.count {
      let written = Foundation.write(descriptor, start + done, content.count - done)
      if written >= 0 {
        done += written
      } else if errno != EINTR {
        throw .fileSystem(operation: "write", path: path, code: errno)
      }
    }
  }
}
