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
  var address: String { counterpart.address }
  var keyFile: String { counterpart.accountFile }
  private let counterpart: BigQueryCounterpart
  private let connection: Connection

  init() throws {
    directory = try TemporaryDirectory("bigquery")
    connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'")
    counterpart = try BigQueryCounterpart(folder: directory.path)
  }

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
