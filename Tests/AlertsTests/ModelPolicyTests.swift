import DeltaLake
import DuckDB
import LakewardTesting
import Observability
import Pipelines
import Streaming
import Testing

@testable import Alerts

/// Drift of a model is an alert like others.
@Suite struct ModelPolicyTests {
  private struct Place {
    let directory: TemporaryDirectory
    let lake: Lake
    let clock = TestClock()
    let connection: Connection
    let table: DeltaTable
    let policy = ModelPolicies.standard(for: "ward")

    init() throws {
      directory = try TemporaryDirectory("models")
      lake = Lake(root: directory.file("lake"))
      try lake.prepare()
      connection = try QueryEngine(lake: lake, threads: 1).connect()
      table = try DeltaTable.create(
        at: lake.location(ofTable: ModelPolicies.table),
        schema: Schema([
          StructField("time", .timestamp), StructField("pipeline", .string), StructField("model", .string),
          StructField("model_version", .string), StructField("column", .string), StructField("value", .double),
          StructField("limit", .double), StructField("is_drift", .boolean), StructField("window", .long),
        ]))
    }

    /// Adds a figure of a minute of the clock.
    func add(_ minute: Int, _ model: String, version: String = "1", pipeline: String = "ward", value: Double) throws {
      let select = """
        SELECT make_timestamptz(\(1_767_600_000_000_000 + minute * 60_000_000)) AS "time", '\(pipeline)' AS pipeline,
          '\(model)' AS model, '\(version)' AS model_version, 'pulse' AS "column", \(value)::DOUBLE AS "value",
          0.2::DOUBLE AS "limit", \(value > 0.2) AS is_drift, \(minute)::BIGINT AS "window"
        """
      let files = try DeltaWriter(connection: connection).write(select, into: table)
      _ = try table.append(files, operation: "MODEL MONITORING")
    }

    func desk() throws -> AlertDesk { try AlertDesk(lake: lake, policies: [policy], clock: clock.read) }

    func stage(_ desk: AlertDesk) throws -> ViewStage {
      try #require(ViewStage([policy], views: [], watched: ["ward"], lake: lake, desk: desk))
    }
  }

  @Test func driftOpensOneAlertForItsModel() throws {
    let place = try Place()
    let desk = try place.desk()
    let stage = try place.stage(desk)
    try place.add(0, "sepsis", value: 0.1)
    try place.add(0, "falls", value: 0.1)
    #expect(try stage.round().isEmpty)
    try place.add(1, "sepsis", value: 0.5)
    try place.add(1, "elsewhere", pipeline: "other", value: 9)
    #expect(try stage.round().map(\.kind) == [.opened])
    // Windows without drift that follow at once neither hide it nor raise it again.
    try place.add(2, "sepsis", value: 0.1)
    #expect(try stage.round().isEmpty)
    let alert = try #require(try desk.list().first)
    #expect(alert.patient == "sepsis" && alert.severity == .advisory && alert.title == "The model sepsis drifts")
    #expect(alert.facts == #"{"model_version":"1","drifting_columns":"pulse","largest_excess":2.5}"#)
    #expect(try desk.list().count == 1)
    // Another process raises nothing again.
    #expect(try place.stage(try place.desk()).round().isEmpty)
    // An hour without drift ends the condition; the alert waits for somebody.
    try place.add(70, "sepsis", value: 0.1)
    #expect(try stage.round().map(\.kind) == [.ended])
    #expect(try desk.list().map(\.isActive) == [false])
  }

  @Test func aNewVersionIsJudgedByItsOwnFigures() throws {
    let place = try Place()
    let desk = try place.desk()
    let stage = try place.stage(desk)
    try place.add(0, "sepsis", value: 0.9)
    #expect(try stage.round().map(\.kind) == [.opened])
    try place.add(1, "sepsis", version: "2", value: 0.1)
    #expect(try stage.round().map(\.kind) == [.ended])
  }

  @Test func nobodyWhoWatchesNoModelsJudges() throws {
    let place = try Place()
    #expect(ViewStage([place.policy], views: ["model_monitoring"], lake: place.lake, desk: try place.desk()) == nil)
  }

  // MARK: The file

  private static func pipeline(models: Bool = true) throws -> Pipeline {
    let model = """
      models:
        ill: { features: [pulse], training: training.sql, label: ill, group: patient_id, optional: true }
      """
    let definition = """
      pipeline: ward
      source:
        stream: data
        landing: { path: landing/ward }
        bronze: bronze_ward
        quarantine: quarantine_ward
        record:
          - { name: patient_id, type: string, required: true }
          - { name: pulse, type: double }
      \(models ? "reads: [labelled]\n" + model : "")
      """
    let table = """
      CREATE STREAMING TABLE silver_ward AS
      SELECT patient_id, pulse, _partition AS "partition", _offset AS "offset" FROM STREAM(data);
      """
    let training = Pipeline.File(name: "training.sql", text: "SELECT patient_id, pulse, ill FROM labelled")
    return try Pipeline(
      folder: "ward",
      files: [.init(name: Pipeline.definitionFile, text: definition), .init(name: "tables.sql", text: table)]
        + (models ? [training] : []))
  }

  @Test func aPipelineWithModelsHasAPolicyForThem() throws {
    #expect(try PolicyFile.load(Self.pipeline()).map(\.id) == [PolicyID(pipeline: "ward", policy: "model_drift")])
    #expect(try PolicyFile.load(Self.pipeline(models: false)).isEmpty)
  }

  @Test func onesOwnPolicyTakesItsPlace() throws {
    let text = """
      defaults: { ward: ward, patient: patient_id }
      policies:
        far_off:
          on: model_monitoring
          severity: low
          condition: "largest_excess > threshold"
          threshold: { value: 2 }
          show: [drifting_columns]
          escalate: [{ after: 0 min, notify: [data_team] }]
      """
    let policies = try PolicyFile.policies(yaml: text, file: "alerts.yml", pipeline: try Self.pipeline())
    #expect(policies.map(\.patient) == ["model"] && policies[0].ward == nil && policies[0].isAboutModels)
    for (change, reason) in [
      ("show: [psi]", "needs the column 'psi'"), ("show: []", "is about models, and the pipeline has none"),
    ] {
      let error = #expect(throws: DefinitionError.self) {
        try PolicyFile.policies(
          yaml: text.replacing("show: [drifting_columns]", with: change), file: "alerts.yml",
          pipeline: try Self.pipeline(models: change.contains("psi")))
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(reason))
    }
  }
}
