import Foundation

/// A real MLflow tracking server on a loopback port, with its database and files in a folder; it ends with the last
/// reference.
///
/// `scripts/peers` makes its environment as `.venv-mlflow`.
public final class MLflowProcess: Sendable {
  /// Address for clients, `http://127.0.0.1:PORT`.
  public let address: String
  private let process: ChildProcess

  /// The environment's interpreter, or nil (with a printed reason) when it has not been made.
  public static var interpreter: String? {
    let folders = Places.roots().map { $0 + "/.venv-mlflow" }
    for folder in folders where FileManager.default.isExecutableFile(atPath: folder + "/bin/python") {
      return folder + "/bin/python"
    }
    Places.note("skipped: no MLflow at \(folders[0]) (scripts/peers makes it)")
    return nil
  }

  /// Starts a server; it answers some seconds later.
  ///
  /// - Throws: ``ProcessError`` or ``PortError`` when it cannot be started.
  public init(interpreter: String, folder: String) throws {
    let port = try FreePort.next()
    address = "http://127.0.0.1:\(port)"
    process = try ChildProcess(
      interpreter,
      [
        "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///\(folder)/mlflow.db", "--artifacts-destination",
        "\(folder)/artifacts", "--host", "127.0.0.1", "--port", "\(port)", "--workers", "1",
      ],
      environment: Self.environment, directory: folder)
  }

  /// Settings of the server and of scripts that talk to it.
  public static let environment = [
    "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONNOUSERSITE": "1", "PYTHONPATH": "", "TZ": "UTC", "GIT_PYTHON_REFRESH": "quiet",
  ]

  /// Whether it still runs, and what it has written: for waiting and for the message of a failed test.
  public var log: String { process.outputSoFar + process.errorsSoFar }

  /// Runs Python source text in the server's environment.
  ///
  /// - Throws: ``ProcessError`` when it hangs.
  public static func run(
    _ interpreter: String, source: String, _ arguments: [String], seconds: Double = 120
  ) throws -> ProcessOutcome {
    try ChildProcess.run(interpreter, ["-c", source] + arguments, environment: environment, seconds: seconds)
  }
}
