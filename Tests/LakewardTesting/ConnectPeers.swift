import Foundation

/// Clients of other systems' protocols: psycopg, SQLAlchemy, PostgreSQL's JDBC driver through JPype, psql; and what the
/// counterpart of BigQuery is made of. `scripts/peers` makes the environment as `.venv-connect`.
public enum ConnectPeers {
  /// The environment's interpreter, or nil (with a printed reason) when it has not been made.
  public static var interpreter: String? { python(".venv-connect", what: "clients of PostgreSQL") }

  /// The interpreter of the environment with the BigQuery emulator, which needs a Python that Debian 12 lacks.
  public static var emulatorInterpreter: String? { python(".venv-bigquery", what: "BigQuery emulator") }

  /// Whether tests with these clients can run; with `LAKEWARD_REQUIRE_PEERS` they must.
  public static var isReady: Bool {
    let required = ProcessInfo.processInfo.environment["LAKEWARD_REQUIRE_PEERS"] ?? ""
    return !required.isEmpty || interpreter != nil
  }

  /// Settings of scripts.
  public static let environment = [
    "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "", "TZ": "UTC",
  ]

  /// Runs a script of `Tests/LakewardTesting/peers`.
  /// - Throws: ``PeerError``; ``ProcessError`` when it hangs.
  @discardableResult
  public static func run(_ script: String, _ arguments: [String], seconds: Double = 180) throws -> ProcessOutcome {
    guard let interpreter else { throw PeerError.absent }
    let path = Places.packageRoot() + "/Tests/LakewardTesting/peers/" + script
    let outcome = try ChildProcess.run(interpreter, [path] + arguments, environment: environment, seconds: seconds)
    if !outcome.succeeded { throw PeerError.failed(script: script, outcome) }
    return outcome
  }

  private static func python(_ folder: String, what: String) -> String? {
    let folders = Places.roots().map { $0 + "/" + folder }
    for folder in folders where FileManager.default.isExecutableFile(atPath: folder + "/bin/python") {
      return folder + "/bin/python"
    }
    Places.note("skipped: no \(what) at \(folders[0]) (scripts/peers makes it)")
    return nil
  }
}
