import Foundation

/// Libraries that are loaded before all others of a program and take the place of system calls.
public enum Preload {
  /// Builds a C file of the peers (`slow_disk`, `jumping_clock`) into a folder.
  ///
  /// - Throws: ``ProcessError``, also when the compiler refuses.
  /// - Returns: The library's path.
  public static func build(_ name: String, in folder: TemporaryDirectory) throws -> String {
    let library = folder.file(name + ".so")
    let source = Places.packageRoot() + "/Tests/LakewardTesting/peers/\(name).c"
    let outcome = try ChildProcess.run("gcc", ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"])
    guard outcome.succeeded else { throw ProcessError.notStarted(command: "gcc", reason: outcome.errors) }
    return library
  }
}
