import Foundation
import Streaming

/// A file that was found below a folder, or named by itself.
struct FoundFile: Sendable, Hashable {
  /// Where it is.
  let path: String
  /// Its path below the folder; reports and quarantine know it by this.
  let name: String
  let bytes: Int64
  /// Nanoseconds since 1970.
  let modified: Int64
}

/// Finds the files of an import.
enum SourceFolder {
  /// The files below a folder whose names say that they may be imported, in order of their names. Names that begin with `.`
  /// or `_` or end in `.tmp` are passed over, folders too.
  static func files(in folder: String) throws(IntakeError) -> [FoundFile] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw .notAFolder(path: folder)
    }
    var found: [FoundFile] = []
    var pending = [""]
    while let below = pending.popLast() {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: folder + "/" + below)) ?? [] {
        guard !name.hasPrefix("."), !name.hasPrefix("_"), !name.hasSuffix(".tmp") else { continue }
        let relative = below.isEmpty ? name : below + "/" + name
        var status = stat()
        guard lstat(folder + "/" + relative, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          pending.append(relative)
        } else if SourceKind.base(of: name) != nil, stat(folder + "/" + relative, &status) == 0,
          status.st_mode & S_IFMT == S_IFREG
        {
          found.append(file(folder + "/" + relative, name: relative, status))
        }
      }
    }
    return found.sorted { $0.name < $1.name }
  }

  /// A file that is named by itself.
  static func file(_ path: String) throws(IntakeError) -> FoundFile {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .fileSystem(operation: "read", path: path, code: errno) }
    return file(path, name: (path as NSString).lastPathComponent, status)
  }

  private static func file(_ path: String, name: String, _ status: stat) -> FoundFile {
    FoundFile(
      path: path, name: name, bytes: Int64(status.st_size),
      modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
  }
}

/// A file as it can be read: itself, or what its gzip archive holds, which is deleted with this object.
final class ReadableFile {
  let path: String
  /// The name without `.gz`.
  let name: String
  /// The archive is damaged; nothing is read of it.
  let isDamaged: Bool
  private let temporary: String?

  init(_ file: FoundFile, temporaryFolder: String) throws {
    let base = SourceKind.base(of: file.name) ?? (file.name, file.name.hasSuffix(".gz"))
    name = base.name
    guard base.isPacked else {
      (path, isDamaged, temporary) = (file.path, false, nil)
      return
    }
    try FileManager.default.createDirectory(atPath: temporaryFolder, withIntermediateDirectories: true)
    let target = "\(temporaryFolder)/import-\(UUID().uuidString.lowercased())"
    (path, temporary) = (target, target)
    isDamaged = !(try GzipArchive.unpack(file.path, to: target))
  }

  deinit {
    if let temporary { unlink(temporary) }
  }
}
