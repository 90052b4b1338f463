import Foundation

/// A table in a folder of the local file system.
public struct LocalStore: ObjectStore {
  /// The table's folder.
  public let location: String
  private let root: String
  private let fileSystem: any FileSystem

  /// The store of a folder, given as a path or a `file:` URI; the folder need not exist.
  public init(_ location: String, fileSystem: any FileSystem = PosixFileSystem()) {
    self.location = location
    var path = FilePath.localPath(absolute: location).flatMap { location.hasPrefix("file:") ? $0 : nil } ?? location
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    if !path.hasPrefix("/") { path = FileManager.default.currentDirectoryPath + "/" + path }
    root = path
    self.fileSystem = fileSystem
  }

  private func full(_ path: String) -> String { path.isEmpty ? root : root + "/" + path }

  /// The files of a folder, sorted.
  public func list(_ folder: String, startingAt start: String?) throws(DeltaError) -> [ObjectEntry] {
    guard let stream = opendir(full(folder)) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw DeltaError(errno: errno, "the folder cannot be listed", full(folder))
    }
    defer { closedir(stream) }
    var entries: [ObjectEntry] = []
    let prefix = folder.isEmpty ? "" : folder + "/"
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      if let start, name < start { continue }
      var status = stat()
      guard fstatat(dirfd(stream), name, &status, 0) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      entries.append(Self.entry(prefix + name, status))
    }
    return entries.sorted { $0.path < $1.path }
  }

  /// All files below a folder, sorted.
  public func listAll(_ folder: String) throws(DeltaError) -> [ObjectEntry] {
    var entries = try list(folder, startingAt: nil)
    for name in try subfolders(folder) {
      entries += try listAll(folder.isEmpty ? name : folder + "/" + name)
    }
    return entries.sorted { $0.path < $1.path }
  }

  private func subfolders(_ folder: String) throws(DeltaError) -> [String] {
    guard let stream = opendir(full(folder)) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw DeltaError(errno: errno, "the folder cannot be listed", full(folder))
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      var status = stat()
      guard fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFDIR else {
        continue
      }
      names.append(name)
    }
    return names
  }

  private static func entry(_ path: String, _ status: stat) -> ObjectEntry {
    ObjectEntry(
      path: path, size: Int64(status.st_size),
      modificationTime: Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
  }

  /// The whole content.
  public func read(_ path: String) throws(DeltaError) -> [UInt8] {
    try read(path, range: 0..<Int64.max)
  }

  /// A range of bytes of the content.
  public func read(_ path: String, range: Range<Int64>) throws(DeltaError) -> [UInt8] {
    let file = open(full(path), O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw DeltaError(errno: errno, "the file cannot be opened", full(path)) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw DeltaError(errno: errno, "the file cannot be read", full(path)) }
    let end = min(range.upperBound, Int64(status.st_size))
    let wanted = Int(max(0, end - range.lowerBound))
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
      while count < wanted, let base = buffer.baseAddress {
        let got = pread(file, base + count, wanted - count, off_t(range.lowerBound) + off_t(count))
        if got < 0, errno == EINTR { continue }
        if got < 0 { failure = errno }
        if got <= 0 { break }
        count += got
      }
    }
    guard failure == 0 else { throw DeltaError(errno: failure, "the file cannot be read", full(path)) }
    return bytes
  }

  /// Size and time of a file; nil if there is none.
  public func attributes(_ path: String) throws(DeltaError) -> ObjectEntry? {
    var status = stat()
    guard stat(full(path), &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw DeltaError(errno: errno, "the file cannot be examined", full(path))
    }
    return Self.entry(path, status)
  }

  /// Creates a file unless the path is taken: written under another name, synced, then linked into place.
  public func putIfAbsent(_ path: String, _ bytes: [UInt8]) throws(DeltaError) -> Bool {
    if try attributes(path) != nil { return false }
    let temporary = try writeTemporary(for: path, bytes)
    let created: Bool
    do throws(DeltaError) {
      created = try fileSystem.link(temporary, to: full(path))
    } catch {
      _ = try? fileSystem.unlink(temporary)
      throw error
    }
    try fileSystem.unlink(temporary)
    if created { try fileSystem.sync(parent(full(path))) }
    return created
  }

  /// Creates or replaces a file: written under another name, synced, then renamed into place.
  public func put(_ path: String, _ bytes: [UInt8]) throws(DeltaError) {
    let temporary = try writeTemporary(for: path, bytes)
    do throws(DeltaError) {
      try fileSystem.rename(temporary, to: full(path))
    } catch {
      _ = try? fileSystem.unlink(temporary)
      throw error
    }
    try fileSystem.sync(parent(full(path)))
  }

  private func writeTemporary(for path: String, _ bytes: [UInt8]) throws(DeltaError) -> String {
    let folder = parent(full(path))
    if access(folder, F_OK) != 0 { try fileSystem.makeFolder(folder) }
    let temporary = folder + "/.tmp-" + UUID().uuidString.lowercased()
    try fileSystem.create(temporary, bytes)
    do throws(DeltaError) {
      try fileSystem.sync(temporary)
    } catch {
      _ = try? fileSystem.unlink(temporary)
      throw error
    }
    return temporary
  }

  private func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  /// Removes a file.
  public func delete(_ path: String) throws(DeltaError) { try fileSystem.unlink(full(path)) }

  /// The file itself.
  public func localPath(_ path: String) throws(DeltaError) -> String { full(path) }

  /// The table's folder itself: files of no commit are invisible.
  public func stagingFolder() throws(DeltaError) -> String {
    if access(root, F_OK) != 0 { try fileSystem.makeFolder(root) }
    return root
  }

  /// Syncs the files and their folders.
  public func publish(_ paths: [String]) throws(DeltaError) {
    var folders: Set<String> = []
    for path in paths {
      try fileSystem.sync(full(path))
      var folder = parent(full(path))
      while folder.count >= root.count, folders.insert(folder).inserted { folder = parent(folder) }
    }
    for folder in folders.sorted(by: >) { try fileSystem.sync(folder) }
  }

  /// Syncs a file of the same file system and renames it into place.
  public func install(localFile: String, as path: String) throws(DeltaError) {
    try fileSystem.sync(localFile)
    try fileSystem.rename(localFile, to: full(path))
    try fileSystem.sync(parent(full(path)))
  }
}
