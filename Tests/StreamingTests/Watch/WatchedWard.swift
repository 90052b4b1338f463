import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Models
import Pipelines
import Testing

@testable import Streaming

/// A small pipeline with a model whose answers a table holds, its lake and registry.
struct WatchedWard {
  private static func definition(_ name: String) -> String {
    """
    pipeline: \(name)
    source:
      stream: \(name)_data
      landing: { path: landing/\(name) }
      bronze: bronze_\(name)
      quarantine: quarantine_\(name)
      record:
        - { name: patient_id, type: string, required: true }
        - { name: event_time, field: at, type: timestamp, required: true }
        - { name: pulse, type: double }
        - { name: fever, type: double }
    reads: [\(name)_labelled]
    models:
      \(name)_ill:
        features: [pulse, fever]
        training: training.sql
        label: ill
        group: patient_id
        online: { version_every: 300, rate: 0.2 }
    """
  }
  private static func sql(_ name: String) -> String {
    """
    CREATE STREAMING TABLE silver_\(name) AS
    SELECT patient_id, event_time, pulse, fever, _partition AS "partition", _offset AS "offset"
    FROM STREAM(\(name)_data);
    CREATE STREAMING TABLE gold_\(name) AS
    SELECT patient_id, event_time, probability,
      CASE WHEN probability >= model_threshold('\(name)_ill') THEN 1 ELSE 0 END AS prediction,
      model_version('\(name)_ill') AS model_version
    FROM (SELECT patient_id, event_time, predict_\(name)_ill(pulse, fever) AS probability FROM STREAM(silver_\(name)));
    """
  }

  let directory: TemporaryDirectory
  let pipeline: Pipeline
  let lake: Lake
  let registry: ModelRegistry
  var model: String { pipeline.models[0].name }

  init(_ name: String = "ward", directory: TemporaryDirectory? = nil) throws {
    let directory = try directory ?? TemporaryDirectory("watch")
    self.directory = directory
    var pipeline = try Pipeline(
      folder: name,
      files: [
        .init(name: Pipeline.definitionFile, text: Self.definition(name)),
        .init(name: "tables.sql", text: Self.sql(name)),
        .init(name: "training.sql", text: "SELECT patient_id, pulse, fever, ill FROM \(name)_labelled"),
      ])
    pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: 500)
    self.pipeline = pipeline
    lake = Lake(root: directory.file("lake"))
    registry = ModelRegistry(directory: directory.file("models"))
  }

  /// One invented record with its truth.
  struct Case {
    var patient: Int
    var second: Int
    var pulse: Double
    var fever: Double
    var isIll: Bool

    var time: String {
      let hour = second / 3_600
      let minute = second / 60 % 60
      func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
      return "2026-01-05T\(two(hour)):\(two(minute)):\(two(second % 60))Z"
    }
    var json: String { "{\"patient_id\":\"p\(patient)\",\"at\":\"\(time)\",\"pulse\":\(pulse),\"fever\":\(fever)}" }
  }

  /// Invented records: the ill have a faster pulse and a higher fever. `flip` turns the truth round.
  static func cases(_ count: Int, from first: Int = 0, seed: UInt64 = 1, shift: Double = 0, flip: Bool = false)
    -> [Case]
  {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(first)
    func unit() -> Double {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
    }
    func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + unit() } }
    return (first..<first + count).map { index in
      let isIll = unit() < 0.4
      let lift = isIll ? 1.0 : 0
      return Case(
        patient: index % 97, second: index, pulse: 75 + 15 * lift + 10 * normal() + shift,
        fever: 36.8 + 0.6 * lift + 0.4 * normal(), isIll: isIll != flip)
    }
  }

  /// Registers a version that is trained on invented rows.
  @discardableResult
  func train(seed: UInt64, promote: Bool) throws -> ModelRegistry.Entry {
    var dataset = Dataset(features: ["pulse", "fever"])
    for row in Self.cases(4_000, seed: seed) {
      dataset.append([Float(row.pulse), Float(row.fever)], target: row.isIll ? 1 : 0, group: Int32(row.patient))
    }
    var specification = TrainingSpecification(
      name: model, features: ["pulse", "fever"], label: "ill", group: "patient_id")
    specification.learners = [try Learner(.logisticRegression)]
    specification.balance = .none
    specification.folds = 2
    specification.smallDataGroups = 0
    specification.seed = seed
    return try registry.register(try Trainer.train(specification, dataset), promote: promote)
  }

  /// Runs the pipeline over all records; what it has taken already it skips by its positions.
  func run(_ cases: [Case], engine: QueryEngine? = nil) throws {
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: try engine ?? QueryEngine(lake: lake),
      source: MemorySource([0: cases.map(\.json)]), registry: registry)
    try runner.run(.once, stop: StopSignal()) { _, _ in }
  }

  func watch(_ policy: DriftPolicy = DriftPolicy()) throws -> ModelWatch {
    try #require(try ModelWatch(pipeline: pipeline, lake: lake, registry: registry, policy: policy))
  }

  /// Adds the outcomes of some records.
  func addOutcomes(_ cases: [Case], time: Int64) throws -> OutcomeTable.Added {
    let path = directory.file("outcomes-\(time).csv")
    let lines = cases.map { "p\($0.patient),\($0.time),\($0.isIll ? 1 : 0)" }
    try ("patient_id,time,outcome\n" + lines.joined(separator: "\n")).write(
      toFile: path, atomically: true, encoding: .utf8)
    return try OutcomeTable(pipeline.models[0], lake: lake).add(
      file: path, time: time, engine: try QueryEngine(lake: lake))
  }

  func query(_ sql: String) throws -> [[Value]] {
    var text = sql
    for match in sql.matches(of: /\{([a-z_]+)\}/) {
      text = text.replacing(
        "{\(match.1)}", with: try DeltaReader.scanSQL(lake.table(named: String(match.1)).snapshot()))
    }
    return try QueryEngine(lake: lake).connect().query(text).rows()
  }

  func count(_ sql: String) throws -> Int { try query(sql)[0][0].intValue ?? -1 }
}
