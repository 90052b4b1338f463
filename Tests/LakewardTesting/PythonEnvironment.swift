import Foundation

/// A Python environment that `scripts/peers` makes beside the package, `.venv-NAME`.
///
/// A bare `swift test` skips the tests that need one, with a printed reason, when it is absent; `make test` sets
/// `LAKEWARD_REQUIRE_PEERS`, so that it fails there instead.
public struct PythonEnvironment: Sendable {
  /// What follows `.venv-` in the folder's name.
  public let name: String
  private let override: String?

  /// delta-rs, DuckDB with its Delta extension, pyarrow. `LAKEWARD_PEERS` names another folder.
  public static let peers = PythonEnvironment("peers", override: "LAKEWARD_PEERS")
  /// scikit-learn, imbalanced-learn, shap and XGBoost.
  public static let learning = PythonEnvironment("learning")
  /// MLflow's server and client.
  public static let mlflow = PythonEnvironment("mlflow")
  /// What drives a browser.
  public static let browser = PythonEnvironment("browser")
  /// pandas, Sail and the ADBC driver of Spark Connect.
  public static let population = PythonEnvironment("population")
  /// Schemathesis.
  public static let api = PythonEnvironment("api")

  /// The environment `.venv-NAME`.
  /// - Parameter override: A variable of the process's environment that names another folder.
  public init(_ name: String, override: String? = nil) {
    self.name = name
    self.override = override
  }

  /// A program in the environment, or nil (with a printed reason) when the environment has not been made.
  public func program(_ program: String) -> String? {
    let given = override.flatMap { ProcessInfo.processInfo.environment[$0] } ?? ""
    let folders = given.isEmpty ? Places.roots().map { "\($0)/.venv-\(name)" } : [given]
    for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/bin/\(program)") {
      return "\(folder)/bin/\(program)"
    }
    Places.note("skipped: no \(program) in \(folders[0]) (scripts/peers makes it)")
    return nil
  }

  /// The interpreter, or nil as for ``program(_:)``.
  public var interpreter: String? { program("python") }

  /// Whether tests against it can run: `@Test(.enabled(if: PythonEnvironment.learning.isReady))`.
  public var isReady: Bool { isReady("python") }

  /// Whether tests with a program of it can run.
  public func isReady(_ program: String) -> Bool {
    let required = ProcessInfo.processInfo.environment["LAKEWARD_REQUIRE_PEERS"] ?? ""
    return !required.isEmpty || self.program(program) != nil
  }
}
