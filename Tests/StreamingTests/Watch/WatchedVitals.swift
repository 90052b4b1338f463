import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Models
import Pipelines
import Testing

@testable import Streaming

/// A small pipeline with a model of sequences that says how unusual a reading is; its lake and registry.
struct WatchedVitals {
  private static let definition = """
    pipeline: beds
    source:
      stream: beds_data
      landing: { path: landing/beds }
      bronze: bronze_beds
      quarantine: quarantine_beds
      record:
        - { name: patient_id, type: string, required: true }
        - { name: event_time, field: at, type: timestamp, required: true }
        - { name: pulse, type: double }
        - { name: fever, type: double }
    event_time: { column: event_time, allowed_lateness: 1 hour }
    recent:
      last: { table: silver_beds, key: patient_id, columns: [pulse, fever], rows: 3, within: 1 day, current: true }
    models:
      beds:
        features: [pulse, fever]
        training: training.sql
        group: patient_id
        time: event_time
        algorithm: lstm
    """
  private static let sql = """
    CREATE STREAMING TABLE silver_beds AS
    SELECT patient_id, event_time, pulse, fever, _partition AS "partition", _offset AS "offset" FROM STREAM(beds_data);
    CREATE STREAMING TABLE gold_beds AS
    SELECT patient_id, event_time, anomaly.score AS anomaly_score, anomaly.flag AS anomaly_flag,
      model_version('beds') AS model_version
    FROM (
      SELECT v.*, coalesce(anomaly_beds(r.pulse, r.fever), anomaly_beds(v.pulse, v.fever)) AS anomaly
      FROM STREAM(silver_beds) AS v LEFT JOIN last AS r ON r."partition" = v."partition" AND r."offset" = v."offset"
    ) AS scored;
    """

  let directory: TemporaryDirectory
  let pipeline: Pipeline
  let lake: Lake
  let registry: ModelRegistry

  /// - Parameter listsOnDemand: Whether the lists are made only for versions that look at them.
  init(listsOnDemand: Bool = false) throws {
    directory = try TemporaryDirectory("watch")
    var pipeline = try Pipeline(
      folder: "beds",
      files: [
        .init(
          name: Pipeline.definitionFile,
          text: listsOnDemand
            ? Self.definition.replacingOccurrences(of: "current: true }", with: "current: true, model: beds }")
            : Self.definition),
        .init(name: "tables.sql", text: Self.sql),
        .init(name: "training.sql", text: "SELECT patient_id, event_time, pulse, fever FROM silver_beds"),
      ])
    pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: 300)
    self.pipeline = pipeline
    lake = Lake(root: directory.file("lake"))
    registry = ModelRegistry(directory: directory.file("models"))
  }

  /// Registers a version that is trained on invented readings.
  func train(_ kind: ModelKind, seed: UInt64, promote: Bool) throws {
    var dataset = Dataset(features: ["pulse", "fever"])
    for row in WatchedWard.cases(2_000, seed: 77) {
      dataset.append(
        [Float(row.pulse), Float(row.fever)], target: 0, group: Int32(row.patient), time: Int64(row.second))
    }
    var specification = AnomalySpecification(
      name: "beds", features: ["pulse", "fever"], group: "patient_id", time: "event_time")
    specification.kind = kind
    specification.seed = seed
    specification.contamination = 0.05
    if kind == .lstm { specification.parameters = ["steps": 4, "hidden": 4, "epochs": 2] }
    if kind == .isolationForest { specification.parameters = ["trees": 30] }
    try registry.register(try AnomalyTrainer.train(specification, dataset), promote: promote)
  }

  func run(_ cases: [WatchedWard.Case]) throws {
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: try QueryEngine(lake: lake),
      source: MemorySource([0: cases.map(\.json)]), registry: registry)
    try runner.run(.once, stop: StopSignal()) { _, _ in }
  }

  func watch(_ policy: DriftPolicy = DriftPolicy()) throws -> ModelWatch {
    try #require(try ModelWatch(pipeline: pipeline, lake: lake, registry: registry, policy: policy))
  }

  func scan(_ table: String) throws -> String { try DeltaReader.scanSQL(lake.table(named: table).snapshot()) }

  func rows(_ sql: String) throws -> [[Value]] { try QueryEngine(lake: lake).connect().query(sql).rows() }
}
