import BigQuery
import DeltaLake
import Foundation
import HTTP
import LakewardTesting
import Testing

/// The same loads into the emulator of others, asked with Google's own client. Where there is no Python 3.13 for it, the
/// counterpart of the other tests stands alone.
@Suite struct EmulatorTests {
  /// A home folder in which the emulator's DuckDB finds its extensions, which it would fetch otherwise.
  private static func home(_ directory: TemporaryDirectory, environment: URL) throws -> String {
    let folder = try directory.folder("home/.duckdb/extensions/v1.5.5/linux_amd64")
    let files = FileManager.default.enumerator(atPath: environment.path + "/lib")
    while let name = files?.nextObject() as? String {
      guard name.hasSuffix(".duckdb_extension"), let last = name.split(separator: "/").last else { continue }
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/\(last)", withDestinationPath: "\(environment.path)/lib/\(name)")
    }
    return directory.file("home")
  }

  @Test(.enabled(if: ConnectPeers.emulatorInterpreter != nil)) func googlesClientSeesTheRows() throws {
    let interpreter = try #require(ConnectPeers.emulatorInterpreter)
    let harness = try BigQueryHarness()
    let (port, other) = (try FreePort.next(), try FreePort.next())
    let program = URL(fileURLWithPath: interpreter).deletingLastPathComponent().appendingPathComponent("local-bigquery")
    let data = try harness.directory.folder("emulator")
    let home = try Self.home(
      harness.directory, environment: program.deletingLastPathComponent().deletingLastPathComponent())
    let process = try ChildProcess(
      program.path,
      [
        "--host", "127.0.0.1", "--port", "\(port)", "--grpc-port", "\(other)", "--data-dir", data, "--project",
        "ward-project",
      ], environment: ConnectPeers.environment.merging(["HOME": home]) { $1 })
    defer { process.signal(SIGTERM) }
    let address = "http://127.0.0.1:\(port)"
    let end = Date(timeIntervalSinceNow: 180)
    while (try? HTTPRequest(method: "GET", url: address, timeoutSeconds: 5).send()) == nil, Date() < end {
      Thread.sleep(forTimeInterval: 0.2)
    }
    func mirror() throws -> BigQueryMirror {
      try BigQueryMirror(
        BigQuerySettings(project: "ward-project", endpoint: address),
        credentials: GoogleCredentials(.none), temporaryFolder: harness.directory.file("temporary"))
    }
    func rows(_ sql: String) throws -> String {
      let outcome = try ChildProcess.run(
        interpreter,
        [
          Places.packageRoot() + "/Tests/LakewardTesting/peers/bigquery_emulator.py", address, "ward-project", sql,
        ], environment: ConnectPeers.environment)
      #expect(outcome.succeeded, "\(outcome.errors)\(process.errorsSoFar.suffix(2_000))")
      return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let events = try harness.makeTable("events")
    try harness.append(events, 1...10)
    #expect(try mirror().load(events, as: "events").kind == "whole")
    try harness.append(events, 11...20)
    #expect(try mirror().load(events, as: "events").rows == 10)
    #expect(try mirror().load(events, as: "events").kind == "nothing")
    #expect(
      try rows("SELECT COUNT(*), COUNT(DISTINCT value), SUM(value) FROM patient_data.events") == "[[20, 20, 210]]")

    let summary = try harness.makeTable("gold_patient_summary", partitionedBy: ["day"])
    for day in 1...3 { try harness.append(summary, 1...day, day: "2026-01-0\(day)") }
    let view = MirroredTable("gold_patient_summary", isView: true) { summary }
    _ = try view.load(try mirror())
    _ = try harness.editor.delete(from: summary, where: "day >= DATE '2026-01-02'")
    try harness.append(summary, 50...54, day: "2026-01-02")
    // The emulator takes the name of a table's day for the name of another table, so that only BigQuery itself and the
    // counterpart replace days.
    #expect(try view.load(try mirror(), isWhole: true)?.kind == "whole")
    let perDay = try rows(
      "SELECT FORMAT_DATE('%d', day) AS d, COUNT(*), SUM(value) FROM `ward-project.patient_data.gold_patient_summary` "
        + "GROUP BY d ORDER BY d")
    #expect(perDay == #"[["01", 1, 1], ["02", 5, 260]]"#)
  }
}
