import Foundation

/// The Python environment with pandas, Sail and the ADBC driver of Spark Connect, `.venv-population` (made by
/// `scripts/peers`). A bare `swift test` skips its tests with a printed reason when it is absent.
public enum PopulationPeers {
  private static var folder: String? {
    PythonEnvironment.population.interpreter.map { String($0.dropLast("/bin/python".count)) }
  }

  /// Whether tests with these peers can run; always true with `LAKEWARD_REQUIRE_PEERS`.
  public static var isReady: Bool { PythonEnvironment.population.isReady }

  /// The environment's ADBC driver, for `LAKEWARD_SPARK_DRIVER`.
  public static func driver() throws -> String {
    guard let folder else { throw PeerError.absent }
    let walk = FileManager.default.enumerator(atPath: folder + "/lib")
    while let name = walk?.nextObject() as? String {
      if name.hasSuffix("/libadbc_driver_spark.so") { return "\(folder)/lib/\(name)" }
    }
    throw PeerError.absent
  }

  /// Runs `Tests/LakewardTesting/peers/population_peer.py`. Throws as `PeerPython.run`.
  @discardableResult
  public static func run(_ arguments: String..., seconds: Double = 300) throws -> ProcessOutcome {
    guard let folder else { throw PeerError.absent }
    let script = Places.packageRoot() + "/Tests/LakewardTesting/peers/population_peer.py"
    let settings = ["PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "", "OMP_NUM_THREADS": "1"]
    let outcome = try ChildProcess.run(
      folder + "/bin/python", [script] + arguments, environment: settings, seconds: seconds)
    if !outcome.succeeded { throw PeerError.failed(script: "population_peer.py", outcome) }
    return outcome
  }

  /// Starts Sail, a Spark Connect server, on a free loopback port, and waits until it listens.
  public static func startSail() throws -> (process: ChildProcess, uri: String) {
    guard let folder else { throw PeerError.absent }
    let port = try FreePort.next()
    let process = try ChildProcess(
      folder + "/bin/sail", ["spark", "server", "--ip", "127.0.0.1", "--port", "\(port)"],
      environment: ["PYTHONNOUSERSITE": "1", "PYTHONPATH": ""])
    try process.waitFor("Starting the Spark Connect server", seconds: 60)
    return (process, "sc://127.0.0.1:\(port)")
  }
}
