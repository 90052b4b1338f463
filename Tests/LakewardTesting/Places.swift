import Foundation

/// Where a test finds the package, its shared data and its built program.
public enum Places {
  /// The folder that holds `Package.swift`, found by walking up from `file`.
  ///
  /// - Parameter file: a source file of this package; the caller's by default.
  /// - Returns: the absolute path without a trailing slash.
  public static func packageRoot(from file: String = #filePath) -> String {
    var folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    while folder.path != "/" {
      if FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path) {
        return folder.path
      }
      folder.deleteLastPathComponent()
    }
    return FileManager.default.currentDirectoryPath
  }

  /// A file or folder of the shared reference data, which may stand beside the package as `../shared`.
  ///
  /// `LAKEWARD_SHARED` names another place for it. A reason is printed when it is absent, so that a skipped test
  /// says why: `@Test(.enabled(if: Places.shared("golden/delta") != nil))`.
  ///
  /// - Parameter relative: the path inside the shared folder; empty for the folder itself.
  /// - Returns: its absolute path, or nil when it is not there.
  public static func shared(_ relative: String = "", from file: String = #filePath) -> String? {
    let candidates = sharedRoots(from: file)
    for root in candidates {
      let path = relative.isEmpty ? root : root + "/" + relative
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    let name = relative.isEmpty ? "the shared folder" : "shared/\(relative)"
    Places.note("skipped: \(name) is not there (looked beside the package; LAKEWARD_SHARED names another place)")
    return nil
  }

  /// A built program: the one beside the running test bundle; `LAKEWARD_PROGRAM` names another `lakeward`.
  ///
  /// - Returns: its absolute path, or nil when it has not been built.
  public static func program(_ name: String = "lakeward") -> String? {
    let given = ProcessInfo.processInfo.environment["LAKEWARD_PROGRAM"] ?? ""
    if name == "lakeward", !given.isEmpty { return given }
    let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/" + name
    let candidates = [
      beside, packageRoot() + "/.build/debug/" + name, packageRoot() + "/.build/release/" + name,
    ]
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// A file below the package root, or the main work tree's when the package is a linked git work tree; nil if neither
  /// has it.
  public static func existing(_ relative: String) -> String? {
    roots().map { $0 + "/" + relative }.first { FileManager.default.fileExists(atPath: $0) }
  }

  /// Prints one line for whoever reads the test run, beside the runner's own lines.
  public static func note(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// The package root, and the main work tree's when the package is a linked git work tree.
  static func roots(from file: String = #filePath) -> [String] {
    let root = packageRoot(from: file)
    guard let link = try? String(contentsOfFile: root + "/.git", encoding: .utf8), link.hasPrefix("gitdir: "),
      let range = link.range(of: "/.git/worktrees/")
    else { return [root] }
    return [root, String(link[link.index(link.startIndex, offsetBy: 8)..<range.lowerBound])]
  }

  private static func sharedRoots(from file: String) -> [String] {
    if let given = ProcessInfo.processInfo.environment["LAKEWARD_SHARED"], !given.isEmpty { return [given] }
    return roots(from: file).map { URL(fileURLWithPath: $0).deletingLastPathComponent().path + "/shared" }
  }
}
