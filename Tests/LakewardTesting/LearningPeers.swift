import Foundation

/// The Python environment with scikit-learn, imbalanced-learn, shap and XGBoost, `.venv-learning` (made by
/// `scripts/peers`). A bare `swift test` skips its tests with a printed reason when it is absent.
public enum LearningPeers {
  /// The interpreter, or nil when the environment has not been made.
  public static var interpreter: String? { PythonEnvironment.learning.interpreter }

  /// Whether tests against these peers can run; always true with `LAKEWARD_REQUIRE_PEERS`.
  public static var isReady: Bool { PythonEnvironment.learning.isReady }

  /// Runs `Tests/LakewardTesting/peers/learning_peer.py`. Throws as `PeerPython.run`.
  @discardableResult
  public static func run(_ arguments: String..., seconds: Double = 120) throws -> ProcessOutcome {
    guard let interpreter else { throw PeerError.absent }
    let script = Places.packageRoot() + "/Tests/LakewardTesting/peers/learning_peer.py"
    let settings = [
      "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "", "OMP_NUM_THREADS": "1",
    ]
    let outcome = try ChildProcess.run(interpreter, [script] + arguments, environment: settings, seconds: seconds)
    if !outcome.succeeded { throw PeerError.failed(script: "learning_peer.py", outcome) }
    return outcome
  }
}
