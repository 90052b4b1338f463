internal import Foundation
internal import Glibc

/// The files of a pipeline's ingest log: what both its writers and its reader know of each other.
///
/// The folder lies in the landing directory, so that its files are read like any other. Each writer appends to files that
/// nobody else writes, and holds a lock (flock) on the one in hand; a file without a lock is finished for good. The reader
/// says in `_committed` how far each file is in all tables.
struct IngestFolder: Sendable {
  /// The folder's name in the landing directory.
  static let name = "ingest-log"

  let path: String

  init(landing: String) { path = landing + "/" + Self.name }

  /// One file of the log.
  struct File: Sendable, Hashable {
    var name: String
    var bytes: Int64
    /// Microseconds since 1970.
    var modified: Int64
  }

  private var marker: String { path + "/_committed" }

  /// Makes the folder if it is not there.
  func prepare() throws(IngestError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .unavailable(
        reason: "the folder \(path) cannot be made: \(error.localizedDescription)", retryAfterSeconds: 30)
    }
  }

  /// The log's files; none if the folder is not there.
  func files() -> [File] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var files: [File] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasSuffix(".ndjson"), !name.hasPrefix("."), !name.hasPrefix("_") else { continue }
      var status = stat()
      guard fstatat(dirfd(directory), name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG
      else { continue }
      let modified = Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1000
      files.append(File(name: name, bytes: Int64(status.st_size), modified: modified))
    }
    return files
  }

  /// How far the files are committed in all tables (bytes), by name, as the reader said last.
  func committed() -> [String: Int64] {
    guard let data = FileManager.default.contents(atPath: marker) else { return [:] }
    var ends: [String: Int64] = [:]
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      if parts.count == 2, let end = Int64(parts[0]) { ends[String(parts[1])] = end }
    }
    return ends
  }

  /// Bytes that are not in all tables yet.
  func backlog() -> Int64 {
    let committed = committed()
    return files().reduce(0) { $0 + max(0, $1.bytes - (committed[$1.name] ?? 0)) }
  }

  /// Tells the writers how far the files are committed. Only advice: a failure makes the backlog look larger.
  func write(committed ends: [String: Int64]) {
    let text = ends.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)\n" }.joined()
    let temporary = marker + "-\(getpid())"
    guard FileManager.default.createFile(atPath: temporary, contents: Data(text.utf8)) else { return }
    if rename(temporary, marker) != 0 { unlink(temporary) }
  }

  /// Does something with a file that no writer has in hand; nil if one has, or if the file is gone.
  func withFinished<Result>(_ name: String, _ body: (Int32) -> Result) -> Result? {
    let file = open(path + "/" + name, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return nil }
    defer { Glibc.close(file) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else { return nil }
    return body(file)
  }

  /// Cuts off the unfinished last lines that crashed writers left: nobody was told that they are durable.
  ///
  /// - Returns: the names of the files, each of which had one.
  func cutTornLines() -> [String] {
    var torn: [String] = []
    for file in files() {
      let cut = withFinished(file.name) { descriptor -> Bool in
        guard let end = Self.lastLineEnd(descriptor), end < Self.size(descriptor) else { return false }
        return ftruncate(descriptor, off_t(end)) == 0 && fdatasync(descriptor) == 0
      }
      if cut == true { torn.append(file.name) }
    }
    return torn
  }

  /// Deletes a file that no writer has in hand and of which nothing but a torn line lies beyond `committed`.
  func remove(_ name: String, committed: Int64) -> Bool {
    withFinished(name) { descriptor in
      guard let end = Self.lastLineEnd(descriptor), end <= committed else { return false }
      return unlink(path + "/" + name) == 0
    } ?? false
  }

  static func size(_ file: Int32) -> Int64 {
    var status = stat()
    return fstat(file, &status) == 0 ? Int64(status.st_size) : 0
  }

  /// The position after the last line feed, 0 if there is none; nil if the file cannot be read.
  static func lastLineEnd(_ file: Int32) -> Int64? {
    var end = size(file)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while end > 0 {
      let length = min(Int64(buffer.count), end)
      let count = pread(file, &buffer, Int(length), off_t(end - length))
      guard count == Int(length) else { return nil }
      if let index = buffer[..<count].lastIndex(of: UInt8(ascii: "\n")) { return end - length + Int64(index) + 1 }
      end -= length
    }
    return 0
  }
}
