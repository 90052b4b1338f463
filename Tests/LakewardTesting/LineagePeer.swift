import Foundation

/// The official Python client of OpenLineage, in `.venv-lineage` (made by `scripts/peers`). A bare `swift test` skips its
/// tests with a printed reason when it is absent.
public enum LineagePeer {
  /// What the client makes of one event.
  public struct Event: Sendable, Decodable, Hashable {
    /// START, RUNNING, COMPLETE, ABORT or FAIL.
    public var kind: String
    /// The job's name.
    public var job: String
    /// The run's UUID.
    public var run: String
    /// Names of what is read.
    public var inputs: [String]
    /// Names of what is written.
    public var outputs: [String]
    /// Names of the facets of what is written.
    public var facets: [String]
    /// Rows that were written.
    public var rows: Int64
  }

  private static let environment = PythonEnvironment("lineage")

  /// Whether tests against the client can run; always true with `LAKEWARD_REQUIRE_PEERS`.
  public static var isReady: Bool { environment.isReady }

  /// Reads a file of events with the client's types.
  /// - Throws: ``PeerError`` if an event is not what the specification says; the client's words are in it.
  public static func read(_ file: String) throws -> [Event] {
    guard let interpreter = environment.interpreter else { throw PeerError.absent }
    let script = Places.packageRoot() + "/Tests/LakewardTesting/peers/openlineage_peer.py"
    let outcome = try ChildProcess.run(
      interpreter, [script, file], environment: ["PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"], seconds: 120)
    if !outcome.succeeded { throw PeerError.failed(script: "openlineage_peer.py", outcome) }
    return try outcome.output.split(separator: "\n").map {
      try JSONDecoder().decode(Event.self, from: Data($0.utf8))
    }
  }
}
