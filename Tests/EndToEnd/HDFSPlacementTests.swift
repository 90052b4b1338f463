import Foundation
import LakewardTesting
import Testing

/// A pipeline's table placed in HDFS by lakeward.yml: it goes on in a local folder while HDFS is away, and is carried
/// over afterwards.
@Suite(.enabled(if: PeerPython.isReady)) struct HDFSPlacementTests {
  @Test func vitalsGoToHDFSAndFallBackToTheLocalDisk() throws {
    let lake = try TestLake()
    let ports = (name: try FreePort.next(), data: try FreePort.next())
    let data = try lake.directory.folder("hdfs")
    func server() throws -> ChildProcess {
      let script = Places.packageRoot() + "/Tests/LakewardTesting/peers/webhdfs_server.py"
      let process = try ChildProcess(
        try #require(PeerPython.interpreter), [script, data, "\(ports.name)", "\(ports.data)"])
      try process.waitFor("listening", seconds: 30)
      return process
    }
    let configuration = lake.directory.file("lakeward.yml")
    let text = try String(contentsOfFile: configuration, encoding: .utf8)
    try (text + "tables:\n  bronze_patient_vitals: hdfs://127.0.0.1:\(ports.name)/ward/bronze\n").write(
      toFile: configuration, atomically: true, encoding: .utf8)
    lake.environment = ["LAKEWARD_HDFS_FALLBACK": lake.directory.file("fallback"), "HADOOP_USER_NAME": "lakeward"]

    let first = try server()
    try lake.run("simulate", "vitals", "--count", "400", "--seed", "1")
    try lake.run("run", "vitals", "--once")
    #expect(FileManager.default.fileExists(atPath: data + "/ward/bronze/_delta_log"))
    #expect(!FileManager.default.fileExists(atPath: lake.location("bronze_patient_vitals")))
    let count = "SELECT count(*) AS n FROM bronze_patient_vitals"
    #expect(try lake.run("query", count, "--format", "csv").output == "n\n400\n")

    first.signal(9)
    try first.wait(seconds: 10)
    try lake.run("simulate", "vitals", "--count", "300", "--seed", "2", "--start", "2026-02-01T00:00:00Z")
    let away = try lake.run("run", "vitals", "--once")
    #expect(away.errors.contains("cannot be reached"))

    let second = try server()
    defer { second.signal(9) }
    try lake.run("table", "sync", "bronze_patient_vitals")
    lake.environment["LAKEWARD_HDFS_FALLBACK"] = ""
    #expect(try lake.run("query", count, "--format", "csv").output == "n\n700\n")
    #expect(try lake.run("verify", "vitals").output.contains("vitals: clean"))
    let comparison = try DeltaPeer.compare(data + "/ward/bronze")
    #expect(comparison.agree && comparison.rows == 700, "\(comparison)")
  }
}
