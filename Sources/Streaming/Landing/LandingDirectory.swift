internal import Foundation
internal import Glibc

/// A file or folder of a landing directory that could not be read; the text names the path and the system's reason.
public struct LandingError: RetriableError, Sendable, Hashable, CustomStringConvertible {
  /// What was being done: "open", "list", "read".
  public let operation: String
  /// Path of the file or folder.
  public let path: String
  /// The system's error number.
  public let code: Int32

  /// True: permissions and disks are repaired from outside.
  public var isRetriable: Bool { true }

  /// One line with a remedy.
  public var description: String {
    "landing directory: cannot \(operation) \(path): \(String(cString: strerror(code))). "
      + (code == EILSEQ ? "Rename it in UTF-8" : "Give this user the right to read it, or move it away")
  }
}

/// Lists and reads the files of a landing directory.
///
/// Names that begin with "." or "_" and names that end in ".tmp" are ignored, folders too; subfolders are read; links to
/// files are followed, links to folders are not.
struct LandingDirectory: Sendable {
  let root: String

  /// Makes the directory if it is not there.
  func prepare() throws(LandingError) {
    // What stands in the way is told by opening the directory.
    try? FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    guard let directory = opendir(root) else { throw LandingError(operation: "open", path: root, code: errno) }
    closedir(directory)
  }

  /// What is in the directory, in no particular order.
  struct Listing {
    var files: [LandingFile] = []
    /// A name that is not UTF-8 could not be written down in the table of splits: what it names is not read.
    var unreadableName: LandingError?
  }

  /// Every file.
  func list() throws(LandingError) -> Listing {
    var listing = Listing()
    var folders = [""]
    while let folder = folders.popLast() {
      let path = folder.isEmpty ? root : root + "/" + folder
      guard let directory = opendir(path) else {
        // A subfolder may go while this runs.
        if errno == ENOENT, !folder.isEmpty { continue }
        throw LandingError(operation: "list", path: path, code: errno)
      }
      defer { closedir(directory) }
      while let entry = readdir(directory) {
        guard let name = Self.name(of: entry) else {
          listing.unreadableName = LandingError(operation: "read a file by its name in", path: path, code: EILSEQ)
          continue
        }
        guard !Self.isIgnored(name) else { continue }
        var status = stat()
        guard fstatat(dirfd(directory), name, &status, 0) == 0 else { continue }
        let relative = folder.isEmpty ? name : folder + "/" + name
        switch status.st_mode & S_IFMT {
        case S_IFDIR where entry.pointee.d_type != UInt8(DT_LNK): folders.append(relative)
        case S_IFREG:
          let modified = Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1000
          let changed = Int64(status.st_ctim.tv_sec) * 1_000_000 + Int64(status.st_ctim.tv_nsec) / 1000
          listing.files.append(
            LandingFile(path: relative, size: Int64(status.st_size), modified: modified, changed: changed))
        default: break
        }
      }
    }
    return listing
  }

  /// What became of reading a range.
  enum ReadOutcome {
    case whole
    /// The file is gone, or ends before the range does.
    case vanished
  }

  /// Reads a range of a file into a buffer of its length.
  func read(_ path: String, from: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(LandingError) -> ReadOutcome
  {
    let file = open(root + "/" + path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return .vanished }
      throw LandingError(operation: "read", path: path, code: errno)
    }
    defer { close(file) }
    var done = 0
    while done < buffer.count {
      let count = pread(file, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(from) + off_t(done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw LandingError(operation: "read", path: path, code: errno) }
      guard count > 0 else { return .vanished }
      done += count
    }
    return .whole
  }

  private static func isIgnored(_ name: String) -> Bool {
    name.hasPrefix(".") || name.hasPrefix("_") || name.hasSuffix(".tmp")
  }

  /// Nil for a name that is not UTF-8.
  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String? {
    withUnsafePointer(to: &entry.pointee.d_name) { tuple in
      tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
    }
  }
}

extension LandingDirectory {
  /// The bytes of a range.
  ///
  /// - Throws: `Vanished` if the file is gone or ends before the range does.
  func bytes(_ path: String, _ range: Range<Int64>) throws -> [UInt8] {
    var outcome = Result<ReadOutcome, LandingError>.success(.vanished)
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      let room = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: range.count)
      outcome = Result { () throws(LandingError) in try read(path, from: range.lowerBound, into: room) }
      if case .success(.whole) = outcome { count = range.count }
    }
    if case .vanished = try outcome.get() { throw Vanished() }
    return bytes
  }

  /// A hash (FNV-1a, 64 bits) of up to 1024 bytes at the file's beginning and as many before `end`; nil if the file is
  /// shorter.
  func fingerprint(of path: String, before end: Int64) throws -> Int64? {
    do {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for range in [0..<min(1024, end), max(0, end - 1024)..<end] {
        for byte in try bytes(path, range) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      }
      return Int64(bitPattern: hash)
    } catch is Vanished {
      return nil
    }
  }

  /// Whether the file still holds what was registered as this split.
  func isUnchanged(_ split: LandingSplit) throws -> Bool {
    guard let wanted = split.fingerprint else { return true }
    return try fingerprint(of: split.path, before: split.to) == wanted
  }
}
