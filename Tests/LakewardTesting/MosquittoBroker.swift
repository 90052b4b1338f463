import Foundation

/// A real Mosquitto broker on a free loopback port. It writes its sessions and messages to the disk now and then, and when it
/// is stopped in good order.
public final class MosquittoBroker {
  /// Its port.
  public let port: UInt16
  private let folder: TemporaryDirectory
  private let configuration: String
  private var process: ChildProcess?

  /// Where Debian's package puts the program; nil, with a printed reason, if it is not installed.
  public static func program() -> String? {
    for path in ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"] where FileManager.default.isExecutableFile(atPath: path) {
      return path
    }
    Places.note("skipped: mosquitto is not installed (apt-get install mosquitto)")
    return nil
  }

  /// Starts a broker.
  ///
  /// - Parameter settings: further lines of its configuration file, such as a password file or certificates.
  public init(settings: [String] = ["allow_anonymous true"]) throws {
    folder = try TemporaryDirectory("mosquitto")
    port = try FreePort.next()
    let lines =
      [
        "listener \(port) 127.0.0.1", "persistence true", "persistence_location \(folder.path)/",
        "autosave_interval 500", "autosave_on_changes true", "max_queued_messages 0", "user \(NSUserName())",
      ] + settings
    configuration = try folder.write(lines.joined(separator: "\n") + "\n", to: "mosquitto.conf")
    try start()
  }

  deinit { stop() }

  /// Starts it again on the same port with what it has on disk.
  public func start() throws {
    guard let program = Self.program() else {
      throw ProcessError.notStarted(command: "mosquitto", reason: "not installed")
    }
    // Threads of the test run block signals, a child inherits that, and Mosquitto would never hear SIGTERM.
    let unblocked =
      "import os,signal,sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv(sys.argv[1], sys.argv[1:])"
    let process = try ChildProcess(
      "/usr/bin/python3", ["-c", unblocked, program, "-c", configuration], directory: folder.path)
    self.process = process
    try process.waitFor("running", seconds: 20)
  }

  /// kill -9.
  public func kill() throws {
    process?.signal(SIGKILL)
    try process?.wait()
    process = nil
  }

  /// Ends it in good order.
  public func stop() {
    process?.signal(SIGTERM)
    _ = try? process?.wait(seconds: 10)
    process = nil
  }
}
