internal import Foundation

/// The right to do something over a lake that one process does at a time. It ends with its holder, however that happens.
public final class ControlLease: Sendable {
  private let lock: FileLock

  private init(_ lock: FileLock) { self.lock = lock }

  /// The right of that name; nil if another holds it.
  public static func take(_ lake: Lake, _ name: String) throws(StreamingError) -> ControlLease? {
    let folder = "\(lake.root)/_control"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .fileSystem(path: folder, operation: "create the folder", reason: error.localizedDescription)
    }
    return try FileLock.take("\(folder)/\(name).lease", .exclusive).map(ControlLease.init)
  }
}
