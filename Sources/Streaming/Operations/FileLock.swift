internal import Foundation

/// A lock on a file that ends with its holder: the system lets go of it when the process dies, however that happens.
///
/// An open file description lock of Linux (fcntl(2)): it belongs to this object, not to the process, so two in one
/// process exclude each other too, and it holds across machines where the file system locks for all of them (NFS 4).
public final class FileLock: Sendable {
  /// Whether others may hold it too.
  public enum Kind: Sendable {
    /// Others may share it.
    case shared
    /// Nobody else.
    case exclusive
  }

  private let file: Int32

  private init(file: Int32) { self.file = file }

  deinit { close(file) }

  // <linux/fcntl.h>; Swift does not see macros that hang on _GNU_SOURCE.
  private static let getLock: Int32 = 36
  private static let setLock: Int32 = 37

  /// The lock on this file, which is made if it is not there; nil if another holds one that excludes it.
  public static func take(_ path: String, _ kind: Kind) throws(StreamingError) -> FileLock? {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else {
      throw .fileSystem(path: path, operation: "open the lock", reason: String(cString: strerror(errno)))
    }
    var lock = whole(kind == .shared ? F_RDLCK : F_WRLCK)
    guard fcntl(file, setLock, &lock) == 0 else {
      let code = errno
      close(file)
      if code == EAGAIN || code == EACCES { return nil }
      throw .fileSystem(path: path, operation: "lock", reason: String(cString: strerror(code)))
    }
    return FileLock(file: file)
  }

  /// Whether somebody holds the lock of this file. Takes nothing.
  static func isHeld(_ path: String) -> Bool {
    let file = open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var lock = whole(F_WRLCK)
    return fcntl(file, getLock, &lock) == 0 && lock.l_type != Int16(F_UNLCK)
  }

  private static func whole(_ type: Int32) -> flock {
    flock(l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
  }
}
