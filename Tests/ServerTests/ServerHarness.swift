import DeltaLake
import DuckDB
import Foundation
import HTTP
import JSON
import LakewardTesting
import Models
import Observability
import Pipelines
import Server
import Streaming

/// A server on a lake of its own, with a small pipeline, a trained model and some tables.
final class ServerHarness {
  let directory: TemporaryDirectory
  let server: LakeServer
  let tokens: TokenStore?
  private let surroundings: ServerSurroundings

  static let definition = """
    pipeline: beds
    source:
      stream: readings
      landing: { path: landing/readings }
      bronze: bronze_readings
      quarantine: quarantine_readings
      record:
        - { name: patient_id, type: string, required: true }
        - { name: event_time, field: timestamp, type: timestamp, required: true }
        - { name: glucose, type: double, unit: mg/dL }
        - { name: bmi, type: double, description: "0 is not measured" }
        - { name: age, type: double }
    tables:
      silver_readings:
        expectations:
          glucose_plausible: { expect: "glucose BETWEEN 10 AND 2000", on_violation: quarantine }
    models:
      diabetes:
        features: [glucose, bmi, age]
        training: training.sql
        label: outcome
        group: patient_id
        optional: true
    """

  /// - Parameters:
  ///   - auditBacklog: The most entries that may wait for the audit log; nil: as many as usual.
  ///   - postgres: Changes where PostgreSQL's protocol is spoken; nil: nowhere.
  init(
    hasTokens: Bool = false, auditBacklog: Int? = nil, change: (inout ServerSurroundings) throws -> Void = { _ in },
    postgres: ((inout PostgresSettings) throws -> Void)? = nil
  ) throws {
    directory = try TemporaryDirectory("server")
    let folder = try directory.folder("pipelines/beds")
    try Self.definition.write(toFile: folder + "/pipeline.yml", atomically: true, encoding: .utf8)
    try """
    CREATE STREAMING TABLE silver_readings AS
    SELECT patient_id, event_time, glucose, bmi, age FROM STREAM(readings)
    """.write(toFile: folder + "/silver.sql", atomically: true, encoding: .utf8)
    try "SELECT * FROM silver_readings".write(toFile: folder + "/training.sql", atomically: true, encoding: .utf8)
    let pipeline = try Pipeline.load(folder: folder)
    let lake = Lake(root: try directory.folder("lake"))
    try Self.makeTable(lake)
    let registry = ModelRegistry(directory: directory.file("models"))
    let model = try Self.trained.get()
    try registry.register(model)
    tokens = hasTokens ? TokenStore(path: directory.file("tokens.json")) : nil
    var access = LakeServer.Access()
    access.tokens = tokens
    if let auditBacklog { access.auditBacklog = auditBacklog }
    access.requestsPerSecond = hasTokens ? 1_000 : nil
    var surroundings = ServerSurroundings(
      lake: lake, registry: registry, pipelines: [pipeline], dashboards: directory.file("dashboards"),
      metrics: MetricRegistry(), health: nil, logger: .silent, version: "0.0.0",
      openIngest: {
        try PipelineInputs(pipeline: $0, lake: lake, configuration: LakeConfiguration(lake: lake.root)).ingest(
          channel: "http")
      })
    surroundings.querySeconds = 2
    try change(&surroundings)
    self.surroundings = surroundings
    var settings = postgres.map { _ in PostgresSettings(host: "127.0.0.1", port: 0) }
    if let postgres, var changed = settings {
      try postgres(&changed)
      settings = changed
    }
    server = try LakeServer(
      ServerSettings(port: 0), access: access, surroundings: surroundings, postgres: settings)
  }

  deinit { server.stop() }

  /// Another server on the same lake.
  func second(_ settings: ServerSettings) throws -> LakeServer {
    try LakeServer(settings, access: LakeServer.Access(), surroundings: surroundings)
  }

  private static func makeTable(_ lake: Lake) throws {
    try lake.prepare()
    let table = try DeltaTable.create(
      at: lake.location(ofTable: "silver_readings"),
      schema: DeltaLake.Schema([
        StructField("patient_id", .string), StructField("event_time", .timestamp), StructField("glucose", .double),
        StructField("bmi", .double), StructField("age", .double),
      ]))
    let connection = try Database().connect()
    let files = try DeltaWriter(connection: connection).write(
      """
      SELECT 'p' || (i % 5) AS patient_id, make_timestamptz(1700000000000000 + i * 1000000) AS event_time,
        100.0 + i AS glucose, 25.0 AS bmi, 50.0 AS age FROM range(50) r(i)
      """, into: table)
    _ = try table.append(files)
  }

  /// Commits a reading of a patient, as a pipeline would.
  func addReadings(_ patient: String, glucose: Double) throws {
    let table = try surroundings.lake.table(named: "silver_readings")
    let files = try DeltaWriter(connection: Database().connect()).write(
      """
      SELECT \(patient) AS patient_id, make_timestamptz(1700000100000000) AS event_time,
        CAST(\(glucose) AS DOUBLE) AS glucose, 25.0 AS bmi, 50.0 AS age
      """, into: table)
    _ = try table.append(files)
  }

  // Trained once, then only read.
  private static let trained = Result {
    var dataset = Dataset(features: ["glucose", "bmi", "age"])
    for i in 0..<400 {
      let row = [60 + Float(i * 37 % 140), 18 + Float(i * 17 % 30), 20 + Float(i * 13 % 60)]
      dataset.append(row, label: i * 37 % 140 + i * 17 % 30 + i * 7 % 40 > 110, group: Int32(i))
    }
    let specification = TrainingSpecification(
      name: "diabetes", features: dataset.features, label: "outcome", group: "patient_id")
    return try Trainer.train(specification, dataset)
  }

  /// An answer.
  struct Answer {
    var status: Int
    var headers: [String: String]
    var text: String
    var json: JSONValue? { JSONValue(parsing: text) }
    subscript(name: String) -> JSONValue? { json?.object?[name] }
  }

  func send(
    _ method: String, _ path: String, _ body: String? = nil, type: String = "application/json", token: String? = nil,
    headers: [(name: String, value: String)] = []
  ) throws -> Answer {
    var headers = headers
    if body != nil, !headers.contains(where: { $0.name == "Content-Type" }) { headers.append(("Content-Type", type)) }
    if let token { headers.append(("Authorization", "Bearer \(token)")) }
    let response = try HTTPRequest(
      method: method, url: server.address + path, headers: headers, body: body.map { Array($0.utf8) },
      timeoutSeconds: 30
    ).send()
    return Answer(
      status: response.status, headers: response.headers, text: String(decoding: response.body, as: UTF8.self))
  }

  func query(_ sql: String, token: String? = nil) throws -> Answer {
    try send("POST", "/query", JSONValue.object(["sql": .string(sql)]).text, token: token)
  }
}
