import Foundation

/// A folder of its own for one test, removed with everything in it when the last reference goes.
public final class TemporaryDirectory: Sendable {
  /// The folder's absolute path, without a trailing slash.
  public let path: String

  /// Makes the folder under `TMPDIR` (else `/tmp`).
  ///
  /// - Parameter label: a word in its name, which helps when a folder is left by a crash.
  /// - Throws: what the file system says, for example no space or no permission.
  public init(_ label: String = "test") throws {
    let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let folder = URL(fileURLWithPath: parent).appendingPathComponent("lakeward-\(label)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The absolute path of `name` inside the folder; nothing is made.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Makes a subfolder, its parents included, and returns its absolute path.
  @discardableResult
  public func folder(_ name: String) throws -> String {
    try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
    return file(name)
  }

  /// Writes a file, its folders included, and returns its absolute path.
  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  /// Writes a file of bytes, its folders included, and returns its absolute path.
  @discardableResult
  public func write(_ bytes: [UInt8], to name: String) throws -> String {
    let url = URL(fileURLWithPath: file(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  /// Every regular file in the folder, as paths relative to it, sorted.
  public func listing() -> [String] {
    guard let walk = FileManager.default.enumerator(atPath: path) else { return [] }
    var found: [String] = []
    while let name = walk.nextObject() as? String {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: file(name), isDirectory: &isFolder), !isFolder.boolValue {
        found.append(name)
      }
    }
    return found.sorted()
  }
}
