import DuckDB
import Foundation
import LakewardTesting
import Testing

@testable import DeltaLake

@Suite(.serialized, .enabled(if: PeerPython.isReady)) struct WebHDFSTests {
  @Test(arguments: [[], ["--lose-rename", "3"]])
  func hdfsKeepsItsWord(faults: [String]) throws {
    let cluster = try HDFSCluster(faults)
    try ObjectStoreTests.contract(try cluster.store("some folder/table"))
    #expect(cluster.folder.listing().allSatisfy { !$0.contains(".tmp-") })
  }

  @Test func theFallbackKeepsItsWordWithAndWithoutItsStore() throws {
    let cluster = try HDFSCluster()
    let there = FallbackStore(try cluster.store("t"), folder: cluster.folder.file("fallback")) { _ in }
    try ObjectStoreTests.contract(there)
    #expect(try there.waiting().isEmpty)
    try cluster.stop()
    let away = FallbackStore(try cluster.store("other"), folder: cluster.folder.file("other fallback")) { _ in }
    let unknown = #expect(throws: DeltaError.self) { try away.read("_delta_log/a.json") }
    #expect(unknown?.code == .unreachable)
    try away.put("first", [])
    try ObjectStoreTests.contract(away)
    let waiting = try away.waiting().map(\.path)
    #expect(
      waiting == ["_delta_log/b é+%.json", "_delta_log/race.json", "first", "p=1/deep/x.parquet", "q=2/new.parquet"],
      "\(waiting)")
  }

  @Test func aTableLivesInHDFS() throws {
    let cluster = try HDFSCluster()
    let bench = try Bench()
    let table = try DeltaTable.create(in: try cluster.store("t"), schema: Self.schema)
    let other = try DeltaTable(store: try cluster.store("t"))
    for index in 0..<6 {
      _ = try bench.append("SELECT \(index)::BIGINT AS id", to: table)
      _ = try bench.append("SELECT \(index + 100)::BIGINT AS id", to: other)
    }
    _ = try bench.editor.delete(from: table, where: "id = 3")
    _ = try bench.editor.optimize(table)
    let fresh = try DeltaTable(store: try cluster.store("t"))
    #expect(try fresh.snapshot().state.checkpoint?.version == 10)
    #expect(try bench.rows(fresh, "count(*), sum(id)::BIGINT", order: "1") == [[11, 627]])
    // The server's files are the table, so that other readers can say what they think of it.
    let comparison = try DeltaPeer.compare(cluster.folder.file("data/t"))
    #expect(comparison.agree && comparison.rows == 11, "\(comparison)")
  }

  @Test func errorsSayWhatToDo() throws {
    let standby = try HDFSCluster(["--standby"])
    let waiting = #expect(throws: DeltaError.self) { try standby.store("t").read("x") }
    #expect(waiting?.code == .unreachable && waiting?.message.contains("StandbyException") == true)
    let cluster = try HDFSCluster()
    let colon = #expect(throws: DeltaError.self) { try cluster.store("t").put("a:b", [1]) }
    #expect(colon?.message.contains("InvalidPathException") == true)
    let configuration = WebHDFSStore.Configuration(endpoints: [cluster.endpoint])
    let stranger = #expect(throws: DeltaError.self) { try WebHDFSStore("hdfs:///t", configuration).read("x") }
    #expect(stranger?.code == .permissionDenied)
    // The active name node is found among several.
    let both = WebHDFSStore.Configuration(endpoints: [standby.endpoint, cluster.endpoint], user: "x")
    #expect(try WebHDFSStore("hdfs:///t", both).attributes("x") == nil)
    for location in ["hdfs://host", "hdfs:///t"] {
      let bad = #expect(throws: DeltaError.self) { try WebHDFSStore(location, .init(endpoints: [])) }
      #expect(bad?.code == .invalidArgument)
    }
  }

  /// A stream goes on while HDFS is away, also in a new process, and HDFS has every commit afterwards.
  @Test func anOutageIsCarriedOver() throws {
    let cluster = try HDFSCluster()
    let bench = try Bench()
    let warnings = Failures()
    func open() throws -> FallbackStore {
      FallbackStore(try cluster.store("t"), folder: cluster.folder.file("fallback")) { warnings.add($0) }
    }
    let store = try open()
    let table = try DeltaTable.create(in: store, schema: Self.schema)
    for index in 0..<12 { _ = try bench.append("SELECT \(index)::BIGINT AS id", to: table) }
    #expect(warnings.all.isEmpty)
    try cluster.stop()
    for index in 12..<15 { _ = try bench.append("SELECT \(index)::BIGINT AS id", to: table) }
    #expect(warnings.all.count == 1 && warnings.all[0].contains("cannot be reached"), "\(warnings.all)")
    let restarted = try DeltaTable(store: try open())
    for index in 15..<25 { _ = try bench.append("SELECT \(index)::BIGINT AS id", to: restarted) }
    #expect(try restarted.snapshot().version == 25)
    let away = #expect(throws: DeltaError.self) { try store.sync() }
    #expect(away?.code == .unreachable)
    try cluster.start()
    #expect(try bench.rows(restarted, "count(*), sum(id)::BIGINT", order: "1") == [[25, 300]])
    let report = try store.sync()
    #expect(report.conflicts.isEmpty)
    #expect(try store.waiting().isEmpty)
    #expect(try store.sync() == .init(uploaded: [], conflicts: []))
    let commits = report.uploaded.filter { $0.hasSuffix(".json") }
    #expect(commits.count == 13 && commits == commits.sorted())
    let direct = try DeltaTable(store: try cluster.store("t"))
    #expect(try direct.snapshot().version == 25)
    #expect(try bench.rows(direct, "count(*), sum(id)::BIGINT", order: "1") == [[25, 300]])
    let comparison = try DeltaPeer.compare(cluster.folder.file("data/t"))
    #expect(comparison.agree && comparison.version == 25 && comparison.rows == 25, "\(comparison)")
    _ = try bench.append("SELECT 25::BIGINT AS id", to: table)
    #expect(try DeltaTable(store: try cluster.store("t")).snapshot().version == 26)
  }

  @Test func aVersionThatOthersTookIsReported() throws {
    let cluster = try HDFSCluster()
    let bench = try Bench()
    let store = FallbackStore(try cluster.store("t"), folder: cluster.folder.file("fallback")) { _ in }
    let table = try DeltaTable.create(in: store, schema: Self.schema)
    try cluster.stop()
    for index in 0..<2 { _ = try bench.append("SELECT \(index)::BIGINT AS id", to: table) }
    try cluster.start()
    let other = try DeltaTable(store: try cluster.store("t"))
    _ = try bench.append("SELECT 7::BIGINT AS id", to: other)
    let report = try store.sync()
    #expect(report.conflicts == [LogPath.commit(1).path])
    #expect(try store.waiting().filter { $0.path.hasPrefix("_delta_log") }.count == 2)
    #expect(try bench.rows(DeltaTable(store: try cluster.store("t"))) == [[7]])
  }

  private static let schema = Schema([StructField("id", .long)])
}

/// A server that follows the WebHDFS documentation, on free ports of the loopback.
private final class HDFSCluster {
  let folder: TemporaryDirectory
  let endpoint: String
  private let ports: (name: UInt16, data: UInt16)
  private let options: [String]
  private var process: ChildProcess?

  init(_ options: [String] = []) throws {
    folder = try TemporaryDirectory("hdfs")
    _ = try folder.folder("data")
    ports = (try FreePort.next(), try FreePort.next())
    endpoint = "http://127.0.0.1:\(ports.name)"
    self.options = options
    try start()
  }

  func store(_ path: String) throws -> WebHDFSStore {
    try WebHDFSStore("hdfs://127.0.0.1:\(ports.name)/\(path)", .init(user: "lakeward"))
  }

  func start() throws {
    guard let interpreter = PeerPython.interpreter else { throw PeerError.absent }
    let script = Places.packageRoot() + "/Tests/LakewardTesting/peers/webhdfs_server.py"
    let started = try ChildProcess(
      interpreter, [script, folder.file("data"), "\(ports.name)", "\(ports.data)"] + options)
    try started.waitFor("listening", seconds: 30)
    process = started
  }

  func stop() throws {
    process?.signal(9)
    try process?.wait(seconds: 10)
    process = nil
  }

  deinit { process?.signal(9) }
}
