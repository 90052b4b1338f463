internal import Glibc

/// Unpacks gzip files for those who need the whole content as a file.
public enum GzipArchive {
  /// Writes the content of a gzip file to another file, which is replaced.
  ///
  /// - Returns: whether the archive was whole; false: it is damaged or ends too early, and nothing should be read of it.
  /// - Throws: `StreamingError.fileSystem` if one of the files cannot be opened or written.
  public static func unpack(_ path: String, to target: String) throws(StreamingError) -> Bool {
    let source: GzipFile?
    do throws(LandingError) {
      source = try GzipFile(path: path)
    } catch {
      throw .fileSystem(path: path, operation: "read", reason: "\(error)")
    }
    guard let source else {
      throw .fileSystem(path: path, operation: "read", reason: String(cString: strerror(ENOENT)))
    }
    let file = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw .fileSystem(path: target, operation: "write", reason: String(cString: strerror(errno)))
    }
    defer { close(file) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let count: Int
      do throws(GzipFile.Damaged) { count = try source.read(into: buffer) } catch { return false }
      guard count > 0 else { return true }
      var done = 0
      while done < count, let start = buffer.baseAddress {
        let written = write(file, start + done, count - done)
        if written < 0, errno != EINTR {
          throw .fileSystem(path: target, operation: "write", reason: String(cString: strerror(errno)))
        }
        done += max(0, written)
      }
    }
  }
}
