import BigQuery
import DeltaLake
import DuckDB
import Foundation
import HTTP
import JSON
import LakewardTesting

/// Tables of a lake, and a counterpart of BigQuery in its own process.
final class BigQueryHarness {
  let directory: TemporaryDirectory
  let address: String
  let keyFile: String
  private let process: ChildProcess
  private let connection: Connection

  init() throws {
    directory = try TemporaryDirectory("bigquery")
    connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'")
    let (key, publicKey) = (directory.file("key.pem"), directory.file("public.pem"))
    _ = try ChildProcess.run(
      "openssl", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key])
    _ = try ChildProcess.run("openssl", ["pkey", "-in", key, "-pubout", "-out", publicKey])
    guard let interpreter = ConnectPeers.interpreter else { throw PeerError.absent }
    let portFile = directory.file("port")
    process = try ChildProcess(
      interpreter,
      [
        Places.packageRoot() + "/Tests/LakewardTesting/peers/bigquery_server.py", portFile,
        try directory.folder("uploads"), publicKey,
      ], environment: ConnectPeers.environment)
    let end = Date(timeIntervalSinceNow: 120)
    while !FileManager.default.fileExists(atPath: portFile), process.isRunning, Date() < end {
      Thread.sleep(forTimeInterval: 0.05)
    }
    let port = (try? String(contentsOfFile: portFile, encoding: .utf8)) ?? "none: \(process.errorsSoFar)"
    address = "http://127.0.0.1:\(port)"
    keyFile = directory.file("account.json")
    let account: JSONObject = [
      "type": .string("service_account"), "client_email": .string("loader@hospital.example"),
      "private_key_id": .string("k1"), "private_key": .string(try String(contentsOfFile: key, encoding: .utf8)),
      "token_uri": .string("\(address)/token"),
    ]
    try JSONValue.object(account).text.write(toFile: keyFile, atomically: true, encoding: .utf8)
  }

  deinit { process.signal(SIGTERM) }

  func mirror(_ source: GoogleCredentials.Source? = nil, retries: Bool = true) throws -> BigQueryMirror {
    var settings = BigQuerySettings(project: "ward-project", location: "EU", endpoint: address)
    settings.pausesSeconds = retries ? [0.01, 0.01] : []
    return try BigQueryMirror(
      settings, credentials: GoogleCredentials(source ?? .serviceAccount(file: keyFile)),
      temporaryFolder: directory.file("temporary"))
  }

  // MARK: Tables

  /// A table of `day`, `name` and `value`.
  func makeTable(_ name: String, partitionedBy columns: [String] = []) throws -> DeltaTable {
    try DeltaTable.create(
      at: directory.file("lake/\(name)"),
      schema: DeltaLake.Schema([
        StructField("day", .date), StructField("name", .string), StructField("value", .long),
      ]), partitionColumns: columns)
  }

  func append(_ table: DeltaTable, _ values: ClosedRange<Int>, day: String = "2026-01-01") throws {
    _ = try table.append(try files(table, values, day: day))
  }

  func files(_ table: DeltaTable, _ values: ClosedRange<Int>, day: String) throws -> [AddFile] {
    try DeltaWriter(connection: connection).write(
      """
      SELECT DATE '\(day)' AS day, 'p' || i AS name, i::BIGINT AS value
      FROM range(\(values.lowerBound), \(values.upperBound + 1)) r(i)
      """, into: table)
  }

  var editor: DeltaEditor { DeltaEditor(connection: connection) }

  func write(_ select: String, into table: DeltaTable) throws {
    _ = try table.append(try DeltaWriter(connection: connection).write(select, into: table))
  }

  // MARK: The counterpart

  /// What it said of its own errors.
  var complaints: String { String(process.errorsSoFar.suffix(3_000)) }

  func post(_ path: String, _ body: JSONObject) throws -> JSONObject {
    let response = try HTTPRequest(
      method: "POST", url: address + path, body: Array(JSONValue.object(body).text.utf8), timeoutSeconds: 60
    ).send()
    return JSONValue(parsing: String(decoding: response.body, as: UTF8.self))?.object ?? [:]
  }

  /// Lets something go wrong so many times.
  func fail(_ what: String, times: Int) throws { _ = try post("/test/faults", [what: .int(Int64(times))]) }

  /// Rows as text.
  func rows(_ sql: String) throws -> String {
    try post("/test/query", ["sql": .string(sql)])["rows"]?.text ?? "no answer"
  }

  /// What was asked, and the jobs by id.
  func log() throws -> (requests: [String], jobs: JSONObject, tables: JSONObject) {
    let answer = try post("/test/log", [:])
    return (
      answer["log"]?.array?.compactMap(\.string) ?? [], answer["jobs"]?.object ?? [:], answer["tables"]?.object ?? [:]
    )
  }
}
