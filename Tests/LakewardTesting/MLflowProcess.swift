import Foundation

/// A real MLflow tracking server on a loopback port, with its database and files in a folder; it ends with the last
/// reference.
///
/// `scripts/peers` makes its environment as `.venv-mlflow`.
public final class MLflowProcess: Sendable {
  /// Address for clients, `http://127.0.0.1:PORT`.
  public let address: String
  private let process: ChildProcess
  private let group: String

  /// The environment's interpreter, or nil (with a printed reason) when it has not been made.
  public static var interpreter: String? { PythonEnvironment.mlflow.interpreter }

  /// Starts a server; it answers some seconds later.
  ///
  /// - Throws: ``ProcessError`` or ``PortError`` when it cannot be started.
  public init(interpreter: String, folder: String) throws {
    let port = try FreePort.next()
    address = "http://127.0.0.1:\(port)"
    // The server starts others. All are of one group, whose number stands in a file, so that they end together.
    group = folder + "/mlflow.group"
    process = try ChildProcess(
      interpreter,
      [
        "-c", Self.leader, group, interpreter, "-m", "mlflow", "server", "--backend-store-uri",
        "sqlite:///\(folder)/mlflow.db", "--artifacts-destination", "\(folder)/artifacts", "--host", "127.0.0.1",
        "--port", "\(port)", "--workers", "1",
      ],
      environment: Self.environment, directory: folder)
  }

  private static let leader = """
    import os, sys
    if os.getpgrp() != os.getpid(): os.setpgid(0, 0)
    open(sys.argv[1], "w").write(str(os.getpid()))
    os.execv(sys.argv[2], sys.argv[2:])
    """

  deinit {
    let text = (try? String(contentsOfFile: group, encoding: .utf8)) ?? ""
    if let number = Int32(text), number > 1 { kill(-number, SIGKILL) }
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
