import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// The registry's file operations: each throws a `ModelError` that names the path and the system's reason.

func readFile(_ path: String) throws(ModelError) -> [UInt8] {
  do {
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  } catch {
    throw ModelError(
      .fileSystem, "cannot read \(path): \(systemReason())", hint: "check that it exists and is readable")
  }
}

/// Writes a new file and syncs it to the disk.
func writeFile(_ bytes: [UInt8], to path: String) throws(ModelError) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw failure("create", path) }
  defer { close(descriptor) }
  var written = 0
  while written < bytes.count {
    let count = bytes[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { throw failure("write", path) }
    written += count
  }
  guard fsync(descriptor) == 0 else { throw failure("sync", path) }
}

/// Adds one line to a file, which is made if it is not there, and syncs it. Lines of several processes do not mix.
func appendLine(_ bytes: [UInt8], to path: String) throws(ModelError) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw failure("open", path) }
  defer { close(descriptor) }
  let line = bytes + [0x0A]
  let count = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  guard count == line.count else { throw failure("write", path) }
  guard fsync(descriptor) == 0 else { throw failure("sync", path) }
}

/// Makes a folder's entries durable.
func syncFolder(_ path: String) throws(ModelError) {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw failure("open", path) }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 else { throw failure("sync", path) }
}

func makeFolder(_ path: String) throws(ModelError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw failure("make the folder", path)
  }
}

func rename(_ source: String, to target: String) throws(ModelError) {
  #if canImport(Glibc)
    let status = Glibc.rename(source, target)
  #elseif canImport(Musl)
    let status = Musl.rename(source, target)
  #else
    let status = Darwin.rename(source, target)
  #endif
  guard status == 0 else { throw failure("rename", "\(source) to \(target)") }
}

private func failure(_ doing: String, _ path: String) -> ModelError {
  ModelError(.fileSystem, "cannot \(doing) \(path): \(systemReason())", hint: "check the disk's space and permissions")
}

private func systemReason() -> String {
  String(cString: strerror(errno))
}
