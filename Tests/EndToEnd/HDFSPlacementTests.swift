import Foundation
import LakewardTesting
import Testing

/// A pipeline's table placed in HDFS by lakeward.yml: it goes on in a local folder while HDFS is away, and is carried
/// over afterwards.
@Suite(.enabled(if: PeerPython.isReady)) struct HDFSPlacementTests {
  @Test func bronzeGoesToHDFSAndFallsBackToTheLocalDisk() throws {
    let ports = (name: try FreePort.next(), data: try FreePort.next())
    let lake = try BedsLake(
      maxRecords: 20_000, settings: "tables:\n  bronze_beds: hdfs://127.0.0.1:\(ports.name)/ward/bronze\n")
    let data = try lake.directory.folder("hdfs")
    func server() throws -> ChildProcess {
      let script = Places.packageRoot() + "/Tests/LakewardTesting/peers/webhdfs_server.py"
      let process = try ChildProcess(
        try #require(PeerPython.interpreter), [script, data, "\(ports.name)", "\(ports.data)"])
      try process.waitFor("listening", seconds: 30)
      return process
    }
    func run(_ words: String..., fallback: Bool = true) throws -> ProcessOutcome {
      let folder = fallback ? lake.directory.file("fallback") : ""
      let outcome = try lake.start(
        words, environment: ["LAKEWARD_HDFS_FALLBACK": folder, "HADOOP_USER_NAME": "lakeward"]
      ).wait(seconds: 120)
      #expect(outcome.succeeded, "\(words): \(outcome.output) \(outcome.errors)")
      return outcome
    }
    let records = BedRecords(seed: 1, count: 700)
    let count = "SELECT count(*) AS n FROM bronze_beds"

    let first = try server()
    try lake.land(records.text(0..<400), as: "1.ndjson", round: 1)
    _ = try run("run", "beds", "--once")
    #expect(FileManager.default.fileExists(atPath: data + "/ward/bronze/_delta_log"))
    #expect(!FileManager.default.fileExists(atPath: lake.directory.file("lake/tables/bronze_beds")))
    #expect(try run("query", count, "--format", "csv").output == "n\n400\n")

    first.signal(9)
    try first.wait(seconds: 10)
    try lake.land(records.text(400..<700), as: "2.ndjson", round: 2)
    let away = try run("run", "beds", "--once")
    #expect(away.errors.contains("cannot be reached"))

    let second = try server()
    defer { second.signal(9) }
    _ = try run("table", "sync", "bronze_beds")
    #expect(try run("query", count, "--format", "csv", fallback: false).output == "n\n700\n")
    #expect(try run("verify", "beds", fallback: false).output.contains("beds: clean"))
    let comparison = try DeltaPeer.compare(data + "/ward/bronze")
    #expect(comparison.agree && comparison.rows == 700, "\(comparison)")
  }
}
