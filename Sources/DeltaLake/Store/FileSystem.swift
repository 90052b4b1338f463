import Foundation
import Synchronization

/// The operations that change the local file system, one system call each, so that tests can stop between any two.
public protocol FileSystem: Sendable {
  /// Makes a folder and the folders above it.
  func makeFolder(_ path: String) throws(DeltaError)
  /// Creates a file with this content; fails if it exists.
  func create(_ path: String, _ bytes: [UInt8]) throws(DeltaError)
  /// Forces a file or a folder to the disk.
  func sync(_ path: String) throws(DeltaError)
  /// Gives a file a second name; false if the name is taken.
  func link(_ path: String, to name: String) throws(DeltaError) -> Bool
  /// Renames a file, replacing what has the name.
  func rename(_ path: String, to name: String) throws(DeltaError)
  /// Removes a file; false if it is gone already.
  @discardableResult func unlink(_ path: String) throws(DeltaError) -> Bool
}

/// The file system of the operating system.
public struct PosixFileSystem: FileSystem {
  /// The file system of the operating system.
  public init() {}

  /// Makes a folder and the folders above it.
  public func makeFolder(_ path: String) throws(DeltaError) {
    if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw DeltaError(errno: errno, "the folder cannot be made", path)
    }
    try makeFolder(String(path[..<slash]))
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw DeltaError(errno: errno, "the folder cannot be made", path)
    }
  }

  /// Creates a file with this content; fails if it exists.
  public func create(_ path: String, _ bytes: [UInt8]) throws(DeltaError) {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw DeltaError(errno: errno, "the file cannot be created", path) }
    var written = 0
    var failure: Int32 = 0
    bytes.withUnsafeBytes { buffer in
      while written < buffer.count {
        let count = write(file, buffer.baseAddress! + written, buffer.count - written)
        if count < 0 {
          if errno == EINTR { continue }
          failure = errno
          return
        }
        written += count
      }
    }
    if close(file) != 0, failure == 0 { failure = errno }
    if failure != 0 {
      _ = Foundation.unlink(path)
      throw DeltaError(errno: failure, "the file cannot be written", path)
    }
  }

  /// Forces a file or a folder to the disk.
  public func sync(_ path: String) throws(DeltaError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw DeltaError(errno: errno, "the file cannot be opened", path) }
    defer { close(file) }
    // Some file systems cannot sync a folder and say EINVAL.
    guard fsync(file) == 0 || errno == EINVAL else { throw DeltaError(errno: errno, "the file cannot be synced", path) }
  }

  /// Gives a file a second name; false if the name is taken.
  public func link(_ path: String, to name: String) throws(DeltaError) -> Bool {
    if Foundation.link(path, name) == 0 { return true }
    guard errno == EEXIST else { throw DeltaError(errno: errno, "the file cannot be put in place", name) }
    return false
  }

  /// Renames a file, replacing what has the name.
  public func rename(_ path: String, to name: String) throws(DeltaError) {
    guard Foundation.rename(path, name) == 0 else {
      throw DeltaError(errno: errno, "the file cannot be put in place", name)
    }
  }

  /// Removes a file; false if it is gone already.
  public func unlink(_ path: String) throws(DeltaError) -> Bool {
    if Foundation.unlink(path) == 0 { return true }
    guard errno == ENOENT else { throw DeltaError(errno: errno, "the file cannot be removed", path) }
    return false
  }
}

extension DeltaError {
  init(errno code: Int32, _ what: String, _ path: String) {
    let reason = String(cString: strerror(code))
    switch code {
    case ENOSPC, EDQUOT:
      self.init(.diskFull, "\(path): \(what): \(reason)", hint: "make room on the disk and try again")
    case EACCES, EPERM, EROFS:
      self.init(.permissionDenied, "\(path): \(what): \(reason)", hint: "check the owner and the rights of the folder")
    case ENOENT:
      self.init(.missingFile, "\(path): \(what): \(reason)", hint: "the file was deleted or never arrived")
    default: self.init(.storage, "\(path): \(what): \(reason)")
    }
  }
}
