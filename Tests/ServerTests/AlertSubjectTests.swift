import Alerts
import DeltaLake
import DuckDB
import Foundation
import JSON
import LakewardTesting
import Observability
import Pipelines
import Server
import Streaming
import Testing

/// An alert about a model is nobody's: no patient of that name, in answers or in the audit log.
@Suite struct AlertSubjectTests {
  @Test func anAlertAboutAModelIsNoPatients() throws {
    let harness = try ServerHarness(hasTokens: true)
    let tokens = try #require(harness.tokens)
    let nurse = try tokens.create(name: "nurse", role: .clinician)
    let admin = try tokens.create(name: "chief", role: .admin)
    try raise(harness)
    func about(_ text: String) throws -> [String] {
      let answer = try harness.send("GET", text, token: nurse)
      #expect(answer.status == 200)
      let alerts = answer["alerts"]?.array ?? [answer.json ?? .null]
      return alerts.compactMap { $0.object?["about"]?.string }
    }
    #expect(try about("/alerts") == ["model"])
    let list = try harness.send("GET", "/alerts", token: nurse)
    let id = try #require(list["alerts"]?.array?.first?.object?["id"]?.string)
    #expect(try about("/alerts/\(id)") == ["model"])
    #expect(try harness.send("POST", "/alerts/\(id)/acknowledge", "{}", token: nurse).status == 200)
    #expect(try harness.send("GET", "/patients/diabetes", token: nurse).status == 404)
    let log = try harness.query(
      "SELECT count(*) FROM audit_log WHERE len(patients) > 0 AND path NOT LIKE '/patients/%'", token: admin)
    #expect(log["rows"] == .array([.array([.int(0)])]))
  }

  /// A patient without alerts and one whose alerts cannot be read are not the same.
  @Test func alertsThatCannotBeReadAreAnError() throws {
    let harness = try ServerHarness(hasTokens: true)
    let nurse = try #require(harness.tokens).create(name: "nurse", role: .clinician)
    try raise(harness)
    #expect(try harness.send("GET", "/patients/nobody", token: nurse).status == 404)
    let tables = harness.directory.file("lake/tables")
    let names = try FileManager.default.contentsOfDirectory(atPath: tables).filter { $0.hasPrefix("alert") }
    try #require(!names.isEmpty)
    for name in names {
      let log = "\(tables)/\(name)/_delta_log"
      let commits = try FileManager.default.contentsOfDirectory(atPath: log).filter { $0.hasSuffix(".json") }
      let next = String(repeating: "0", count: 20 - "\(commits.count)".count) + "\(commits.count).json"
      try Data("nonsense".utf8).write(to: URL(fileURLWithPath: "\(log)/\(next)"))
    }
    #expect(try harness.send("GET", "/patients/nobody", token: nurse).status == 503)
  }

  /// The model of the pipeline drifts.
  private func raise(_ harness: ServerHarness) throws {
    let lake = Lake(root: harness.directory.file("lake"))
    let table = try DeltaTable.create(
      at: lake.location(ofTable: "model_monitoring"),
      schema: DeltaLake.Schema([
        StructField("time", .timestamp), StructField("pipeline", .string), StructField("model", .string),
        StructField("model_version", .string), StructField("column", .string), StructField("value", .double),
        StructField("limit", .double), StructField("is_drift", .boolean), StructField("window", .long),
      ]))
    let files = try DeltaWriter(connection: Database().connect()).write(
      """
      SELECT make_timestamptz(1767600000000000) AS "time", 'beds' AS pipeline, 'diabetes' AS model, '1' AS model_version,
        'glucose' AS "column", 0.9::DOUBLE AS "value", 0.2::DOUBLE AS "limit", true AS is_drift, 1::BIGINT AS "window"
      """, into: table)
    _ = try table.append(files)
    let pipeline = try Pipeline.load(folder: harness.directory.file("pipelines/beds"))
    let desk = try AlertDesk(lake: lake, policies: try PolicyFile.load(pipeline))
    let service = try AlertService(lake: lake, desk: desk, settings: AlertSettings(), log: .silent, watched: ["beds"])
    service.round()
    try #require(try desk.list().count == 1)
  }
}
