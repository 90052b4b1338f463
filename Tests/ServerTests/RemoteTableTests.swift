import DeltaLake
import DuckDB
import Foundation
import JSON
import LakewardTesting
import Server
import Streaming
import Testing

/// Tables of the lake that lie in HDFS answer queries like any other; nothing else of the machine does.
@Suite("Remote tables", .enabled(if: PeerPython.isReady)) struct RemoteTableTests {
  @Test func queriesReachTablesInHDFS() throws {
    let directory = try TemporaryDirectory("remote")
    let ports = (name: try FreePort.next(), data: try FreePort.next())
    let script = Places.packageRoot() + "/Tests/LakewardTesting/peers/webhdfs_server.py"
    let node = try ChildProcess(
      try #require(PeerPython.interpreter), [script, directory.path, "\(ports.name)", "\(ports.data)"])
    defer { node.signal(SIGKILL) }
    try node.waitFor("listening", seconds: 60)
    let place = "hdfs://127.0.0.1:\(ports.name)/ward/beds"
    let table = try DeltaTable.create(
      at: place, schema: DeltaLake.Schema([StructField("patient_id", .string), StructField("bed", .integer)]))
    let connection = try Database().connect()
    func append(_ from: Int) throws {
      let rows = "SELECT 'p' || i AS patient_id, CAST(i AS INTEGER) AS bed FROM range(\(from), \(from + 10)) r(i)"
      _ = try table.append(DeltaWriter(connection: connection).write(rows, into: table))
    }
    try append(0)
    let harness = try ServerHarness {
      $0.lake = Lake(root: $0.lake.root, places: ["far_beds": place])
    }
    let sum = "SELECT count(*), sum(bed) FROM far_beds"
    #expect(try harness.query(sum)["rows"] == .array([.array([.int(10), .int(45)])]))
    try append(10)
    #expect(try harness.query(sum)["rows"] == .array([.array([.int(20), .int(190)])]))
    let earlier = "SELECT count(*) FROM delta('far_beds', version => 1)"
    #expect(try harness.query(earlier)["rows"] == .array([.array([.int(10)])]))
    let both = "SELECT count(*) FROM far_beds JOIN silver_readings USING (patient_id)"
    #expect(try harness.query(both)["rows"] == .array([.array([.int(50)])]))
    #expect(try harness.query("SELECT * FROM delta('\(place)')").status == 400)
    #expect(try harness.query("SELECT * FROM read_text('\(script)')").status == 400)
    #expect(try harness.query("SELECT * FROM read_csv('/etc/passwd')").status == 400)
  }
}
