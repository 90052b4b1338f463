import DuckDB
import Foundation
import Testing

@testable import Models

@Suite struct TrainerTests {
  static func specification(seed: UInt64 = 42) -> TrainingSpecification {
    var specification = TrainingSpecification(
      name: "illness", features: SampleData.features, label: "is_ill", group: "patient_id")
    specification.learners = [.randomForest(Self.trees(15))]
    specification.repetitions = 1
    specification.seed = seed
    return specification
  }

  static func quickModel(seed: UInt64) throws -> TrainedModel {
    var specification = specification(seed: seed)
    specification.smallDataGroups = 0
    return try Trainer.train(specification, SampleData.dataset(rows: 400, groups: 40, seed: 1))
  }

  @Test func trainsOnTheRowsOfAQuery() throws {
    let connection = try Database().connect()
    try Self.createTable(connection, rows: 1500, patients: 150)
    var specification = TrainingSpecification(
      name: "illness", features: ["heart_rate", "temperature", "is_old"], label: "is_ill", group: "patient_id")
    specification.learners = [.randomForest(Self.trees(20))]
    specification.repetitions = 2
    var steps: [String] = []
    let model = try Trainer.train(specification, connection: connection, sql: "SELECT * FROM visits;") {
      steps.append($0)
    }
    let card = model.card
    #expect(card.data.rows == 1490)
    #expect(card.data.unlabelledRows == 10)
    #expect(card.data.groups == 150)
    #expect(card.data.testGroups + card.data.trainingGroups == 150)
    #expect(try #require(card.rocAUC) > 0.85)
    #expect(card.crossValidation?.measures.count == 7)
    #expect(card.metrics?.confusion.total == card.data.testRows)
    #expect(card.data.syntheticRows > 0)
    #expect(!steps.isEmpty)
    #expect(card.summary.contains("ROC-AUC"))
    #expect(card.markdown.contains("| `heart_rate` |"))
  }

  @Test func rowOrderDoesNotMatter() throws {
    let connection = try Database().connect()
    try Self.createTable(connection, rows: 600, patients: 60)
    var specification = TrainingSpecification(
      name: "illness", features: ["heart_rate", "temperature", "is_old"], label: "is_ill", group: "patient_id")
    specification.learners = [.randomForest(Self.trees(10))]
    specification.smallDataGroups = 0
    let first = try Trainer.train(specification, connection: connection, sql: "SELECT * FROM visits")
    let second = try Trainer.train(
      specification, connection: connection, sql: "SELECT * FROM visits ORDER BY hash(heart_rate) -- shuffled")
    #expect(first.card == second.card)
    #expect(first.model.serialized == second.model.serialized)
  }

  @Test func patientsNeverStandOnBothSides() {
    let dataset = SampleData.dataset(rows: 800, groups: 37, seed: 5)
    let (rest, held) = GroupSplit.holdOut(dataset, share: 0.2, seed: 1)
    #expect(rest.count + held.count == dataset.rowCount)
    #expect(!held.isEmpty)
    #expect(Set(rest.map { dataset.groups[$0] }).isDisjoint(with: held.map { dataset.groups[$0] }))
    let folds = GroupSplit.folds(dataset, count: 5, seed: 1)
    for fold in 0..<5 {
      let inside = Set(folds.indices.filter { folds[$0] == fold }.map { dataset.groups[$0] })
      let outside = Set(folds.indices.filter { folds[$0] != fold }.map { dataset.groups[$0] })
      #expect(!inside.isEmpty && inside.isDisjoint(with: outside))
    }
  }

  @Test(arguments: [39, 12, 5, 4])
  func fewPatientsAreEnough(patients: Int) throws {
    let dataset = SampleData.dataset(rows: patients * 6, groups: patients, seed: UInt64(patients))
    let card = try Trainer.train(Self.specification(), dataset).card
    #expect(card.crossValidation != nil)
    #expect(card.data.testGroups >= 1)
    #expect((0...1).contains(try #require(card.threshold)))
  }

  @Test func badDataAreClearErrors() throws {
    let connection = try Database().connect()
    try Self.createTable(connection, rows: 100, patients: 20)
    let cases: [(sql: String, code: ModelError.Code, text: String)] = [
      ("SELECT * FROM visits WHERE is_ill", .oneClass, "positive"),
      ("SELECT * FROM visits WHERE false", .trainingData, "no labelled rows"),
      ("SELECT * EXCLUDE (heart_rate) FROM visits", .trainingData, "heart_rate"),
      ("SELECT * REPLACE (2 AS is_ill) FROM visits", .trainingData, "is_ill"),
      ("SELECT * REPLACE (NULL AS patient_id) FROM visits", .trainingData, "patient_id"),
      ("SELECT * REPLACE ('p' AS patient_id) FROM visits", .trainingData, "4"),
    ]
    let specification = TrainingSpecification(
      name: "illness", features: ["heart_rate", "temperature", "is_old"], label: "is_ill", group: "patient_id")
    for (sql, code, text) in cases {
      let error = #expect(throws: ModelError.self) {
        try Trainer.train(specification, connection: connection, sql: sql)
      }
      #expect(error?.code == code)
      #expect(error?.message.contains(text) == true)
    }
  }

  @Test func badSpecificationsAreClearErrors() throws {
    let changes: [(inout TrainingSpecification) -> Void] = [
      { $0.name = "no spaces" }, { $0.features = [] }, { $0.features = ["a", "A"] }, { $0.features = ["is_ill"] },
      { $0.testShare = 0 }, { $0.learners = [.randomForest(Self.trees(0))] }, { $0.balance = .smote(neighbours: 0) },
      { $0.thresholdRule = .fixed(2) }, { $0.search = ["max_depth": [99]] }, { $0.folds = 1 },
    ]
    for change in changes {
      var specification = Self.specification()
      change(&specification)
      let error = #expect(throws: ModelError.self) { try specification.validate() }
      #expect(error?.code == .invalidSpecification)
      #expect(error?.hint != nil)
    }
  }

  @Test func parametersOfADefinitionBecomeSettings() throws {
    var settings = TreeSettings.forest
    try settings.set(["trees": 50, "max_depth": 6, "row_share": 0.8])
    #expect(settings.trees == 50 && settings.maxDepth == 6 && settings.rowShare == 0.8)
    #expect(settings.bins == TreeSettings.forest.bins)
    for wrong in [["leaves": 3.0], ["trees": 0], ["trees": .nan], ["max_depth": 1e300], ["row_share": 2]] {
      #expect(throws: ModelError.self) { try Learner(.randomForest, parameters: wrong) }
    }
  }

  static func trees(_ count: Int) -> TreeSettings {
    var settings = TreeSettings.forest
    settings.trees = count
    settings.maxDepth = 5
    return settings
  }

  static func createTable(_ connection: Connection, rows: Int, patients: Int) throws {
    try connection.execute(
      """
      CREATE TABLE visits AS
      WITH drawn AS (SELECT i, hash(i, 1) % 1000 / 1000 AS u, hash(i, 2) % 1000 / 1000 AS v, hash(i, 3) % 10 AS w
                     FROM range(\(rows)) t(i))
      SELECT 'patient-' || (i % \(patients)) AS patient_id,
        CASE WHEN w = 0 THEN NULL ELSE 60 + 30 * u + CASE WHEN i % 4 = 0 THEN 20 ELSE 0 END END AS heart_rate,
        (36.5 + v + CASE WHEN i % 4 = 0 THEN 0.8 ELSE 0 END)::DOUBLE AS temperature,
        i % 3 = 0 AS is_old,
        CASE WHEN i < \(min(10, rows / 50)) THEN NULL ELSE i % 4 = 0 END AS is_ill
      FROM drawn
      """)
  }
}
