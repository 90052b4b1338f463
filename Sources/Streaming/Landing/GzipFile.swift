internal import CZlib
internal import Glibc

/// A gzip file that is read from its beginning. Files of several members are read as one.
final class GzipFile {
  /// The file is damaged, or ends too early.
  struct Damaged: Error {}

  private let handle: gzFile

  /// Opens a file; nil if it is not there.
  init?(path: String) throws(LandingError) {
    guard let handle = gzopen(path, "rbe") else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw LandingError(operation: "read", path: path, code: errno)
    }
    gzbuffer(handle, 1 << 18)
    self.handle = handle
  }

  deinit { gzclose(handle) }

  /// Reads what comes next; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Damaged) -> Int {
    let count = gzread(handle, buffer.baseAddress, UInt32(clamping: buffer.count))
    var code: Int32 = 0
    gzerror(handle, &code)
    guard count >= 0, code == Z_OK || code == Z_STREAM_END else { throw Damaged() }
    return Int(count)
  }
}
