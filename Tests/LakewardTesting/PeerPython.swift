import Foundation

/// The Python environment with the real peers (delta-rs, DuckDB with its Delta extension, pyarrow).
///
/// `scripts/peers` makes it as `.venv-peers`; `LAKEWARD_PEERS` names another one. `make test` always has it, so that a
/// test against a peer is skipped only in a bare `swift test`.
public enum PeerPython {
  /// The interpreter, or nil (with a printed reason) when the environment has not been made.
  public static var interpreter: String? { PythonEnvironment.peers.interpreter }

  /// Whether tests against peers can run: `@Test(.enabled(if: PeerPython.isReady))`.
  ///
  /// With `LAKEWARD_REQUIRE_PEERS` set it is always true, so that a missing environment fails instead of skipping.
  public static var isReady: Bool { PythonEnvironment.peers.isReady }

  /// DuckDB's Delta extension as a file that the peers' DuckDB loads, or nil.
  public static var deltaExtension: String? {
    guard let interpreter else { return nil }
    let library = URL(fileURLWithPath: interpreter).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("lib").path
    guard let walk = FileManager.default.enumerator(atPath: library) else { return nil }
    while let name = walk.nextObject() as? String {
      if name.hasSuffix("/delta.duckdb_extension") { return library + "/" + name }
    }
    return nil
  }

  /// Runs a Python script with the peers.
  ///
  /// - Parameters:
  ///   - script: an absolute path, or the name of a file in `Tests/LakewardTesting/peers`.
  ///   - seconds: how long it may take; after that it is killed.
  /// - Throws: ``PeerError`` when the environment is absent or the script fails; ``ProcessError`` when it hangs.
  /// - Returns: how it ended, status 0.
  @discardableResult
  public static func run(
    _ script: String, _ arguments: [String] = [], environment: [String: String] = [:], seconds: Double = 300
  ) throws -> ProcessOutcome {
    guard let interpreter else { throw PeerError.absent }
    let path = script.hasPrefix("/") ? script : Places.packageRoot() + "/Tests/LakewardTesting/peers/" + script
    let outcome = try ChildProcess.run(
      interpreter, [path] + arguments, environment: settings.merging(environment) { _, new in new }, seconds: seconds)
    if !outcome.succeeded { throw PeerError.failed(script: script, outcome) }
    return outcome
  }

  /// Runs Python source text with the peers, for a short check that needs no file of its own.
  ///
  /// - Throws: as ``run(_:_:environment:seconds:)``.
  @discardableResult
  public static func run(source: String, _ arguments: [String] = [], seconds: Double = 300) throws -> ProcessOutcome {
    guard let interpreter else { throw PeerError.absent }
    let outcome = try ChildProcess.run(
      interpreter, ["-c", source] + arguments, environment: settings, seconds: seconds)
    if !outcome.succeeded { throw PeerError.failed(script: "-c", outcome) }
    return outcome
  }

  private static var settings: [String: String] {
    var values = ["PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "", "TZ": "UTC"]
    if let file = deltaExtension { values["DUCKDB_DELTA_EXT"] = file }
    if let interpreter { values["DELTA_PEER_PYTHON"] = interpreter }
    return values
  }
}

/// A peer that could not answer.
public enum PeerError: Error, CustomStringConvertible {
  /// The environment has not been made.
  case absent
  /// The script ended with a non-zero status.
  case failed(script: String, ProcessOutcome)
  /// The script's answer was not what was expected.
  case answer(String)

  /// One line with the remedy, or the peer's own words.
  public var description: String {
    switch self {
    case .absent: "no Python peers: run scripts/peers"
    case .failed(let script, let outcome):
      "peer script \(script) ended with \(outcome.status)\n\(outcome.output)\n\(outcome.errors)"
    case .answer(let text): "the peer's answer cannot be read: \(text)"
    }
  }
}
