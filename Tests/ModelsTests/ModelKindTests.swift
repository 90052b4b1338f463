import DuckDB
import Foundation
import Testing

@testable import Models

/// What holds for every kind of model that learns from labels.
@Suite struct ModelKindTests {
  /// Three kinds of patients that overlap a little; some values missing.
  static func threeClasses(rows: Int, seed: UInt64) -> Dataset {
    var generator = TestGenerator(state: seed)
    var dataset = Dataset(
      features: ["heart_rate", "glucose", "noise"], classes: ["Low", "Medium", "High"], attributes: ["ward"])
    let wards = ["A", "B"].map { dataset.code(of: $0) }
    for index in 0..<rows {
      let target = [0, 0, 0, 1, 1, 2][Int(generator.next() % 6)]
      var row = [
        Float(70 + 20 * Double(target) + 9 * generator.normal()),
        Float(90 + 30 * Double(target) + 14 * generator.normal()), Float(generator.normal()),
      ]
      if generator.unit() < 0.1 { row[Int(generator.next() % 3)] = .nan }
      dataset.append(row, target: Int32(target), group: Int32(index % 60), attributes: [wards[index % 2]])
    }
    return dataset
  }

  static func small(_ kind: ModelKind) throws -> Learner {
    try Learner(kind, parameters: kind == .logisticRegression ? [:] : ["trees": 20, "max_depth": 4])
  }

  @Test(arguments: [ModelKind.randomForest, .gradientBoostedTrees, .logisticRegression])
  func learnsAndComesBackFromItsFile(kind: ModelKind) throws {
    let training = SampleData.dataset(rows: 1_500, groups: 150, seed: 2)
    let test = SampleData.dataset(rows: 600, groups: 60, seed: 3)
    let model = try Self.small(kind).fit(training, seed: 1)
    let again = try Self.small(kind).fit(training, seed: 1)
    #expect(model.serialized == again.serialized)
    let scores = try model.predict(test.values)
    let metrics = ClassificationMetrics(labels: test.labels, probabilities: scores.map(Double.init), threshold: 0.5)
    #expect(try #require(metrics.rocAUC) > 0.9)
    #expect(metrics.brier < 0.14)
    let loaded = try ModelFile.load(kind, model.serialized, features: training.features)
    #expect(try loaded.predict(test.values) == scores)
    let wrong = #expect(throws: ModelError.self) {
      try ModelFile.load(kind, model.serialized, features: training.features.reversed())
    }
    #expect(wrong?.code == .features)
    let cut = #expect(throws: ModelError.self) {
      try ModelFile.load(kind, Array(model.serialized.prefix(100)), features: training.features)
    }
    #expect(cut?.code == .corruptModel)
    #expect(abs(try model.importance().reduce(0) { $0 + $1.share } - 1) < 1e-6)
  }

  @Test(arguments: [ModelKind.randomForest, .gradientBoostedTrees, .logisticRegression])
  func contributionsAddUp(kind: ModelKind) throws {
    let dataset = SampleData.dataset(rows: 800, groups: 80, seed: 4)
    let model = try Self.small(kind).fit(dataset, seed: 1)
    let rows = Array(dataset.values.prefix(40 * dataset.features.count))
    let contributions = try model.contributions(rows, output: 0)
    let width = dataset.features.count + 1
    for (index, score) in try model.predict(rows).enumerated() {
      let sum = contributions[index * width..<(index + 1) * width].reduce(0, +)
      let reached = model.contributionScale == .margin ? 1 / (1 + exp(-sum)) : sum
      #expect(abs(reached - score) < 1e-5)
    }
  }

  @Test(arguments: [ModelKind.randomForest, .gradientBoostedTrees])
  func tellsThreeClassesApart(kind: ModelKind) throws {
    let dataset = Self.threeClasses(rows: 1_200, seed: 1)
    let test = Self.threeClasses(rows: 600, seed: 2)
    let model = try #require(try Self.small(kind).fit(dataset, seed: 1) as? ForestModel)
    #expect(model.outputs == 3 && model.usesFlatForest)
    let scores = try model.predict(test.values)
    let metrics = MulticlassMetrics(
      targets: test.targets, probabilities: scores.map(Double.init), classes: test.classes)
    #expect(metrics.accuracy > 0.85)
    #expect(try #require(metrics.macroROCAUC) > 0.95)
    #expect(metrics.confusion.joined().reduce(0, +) == 600)
    for start in stride(from: 0, to: scores.count, by: 3) {
      #expect(abs(scores[start..<start + 3].reduce(0, +) - 1) < 1e-5)
    }
    var reference = [Float](repeating: 0, count: scores.count)
    try test.values.withUnsafeBufferPointer { rows in
      try reference.withUnsafeMutableBufferPointer { try model.predictWithXGBoost(rows, into: $0) }
    }
    #expect(zip(scores, reference).allSatisfy { abs($0 - $1) < 1e-6 })
    // A class's contributions add up to its margin, and the margins to the probabilities.
    let rows = Array(test.values.prefix(3 * 10))
    let margins = try (0..<3).map { output in
      let contributions = try model.contributions(rows, output: output)
      return stride(from: 0, to: contributions.count, by: 4).map { contributions[$0..<$0 + 4].reduce(0, +) }
    }
    for row in 0..<10 {
      let sum = (0..<3).reduce(0) { $0 + exp(margins[$1][row]) }
      for output in 0..<3 { #expect(abs(exp(margins[output][row]) / sum - scores[row * 3 + output]) < 1e-5) }
    }
  }

  @Test func threeClassesFromTrainingToSQL() throws {
    let dataset = Self.threeClasses(rows: 900, seed: 5)
    var specification = TrainingSpecification(
      name: "risk", features: dataset.features, label: "risk", group: "patient_id")
    specification.classes = dataset.classes
    specification.learners = [try Self.small(.randomForest), try Self.small(.gradientBoostedTrees)]
    specification.calibration = .automatic
    specification.repetitions = 1
    specification.attributes = ["ward"]
    let trained = try Trainer.train(specification, dataset)
    #expect(trained.card.threshold == nil && trained.card.trials?.count == 2)
    #expect(trained.card.multiclass?.classes.map(\.name) == dataset.classes)
    #expect(trained.card.fairness?.map(\.value) == ["A", "B"])
    #expect(trained.card.fairness?.reduce(0) { $0 + $1.rows } == 900)
    #expect(trained.card.markdown.contains("predicted Medium"))
    try withRegistry { registry in
      try registry.register(trained)
      let connection = try Database().connect()
      let use = ModelUse("risk", features: dataset.features, classes: dataset.classes)
      try ScoringFunctions.register(registry, on: connection, uses: [use])
      let row = try connection.query(
        """
        SELECT p.label, p.probability, p.High + p.Medium + p.Low, p.High, explain_risk(112, 150, NULL),
          model_threshold('risk')
        FROM (SELECT predict_risk(112, 150, NULL) AS p)
        """
      ).rows()[0]
      #expect(row[0] == .string("High"))
      #expect(row[1] == row[3] && row[5] == .null)
      let (sum, why) = (row[2].doubleValue ?? .nan, row[4].stringValue ?? "")
      #expect(abs(sum - 1) < 1e-5)
      #expect(why.contains("heart_rate +"))
    }
  }

  @Test func theBetterAlgorithmAndSettingsAreChosen() throws {
    // A circle: no line separates it, trees do.
    var generator = TestGenerator(state: 8)
    var dataset = Dataset(features: ["x", "y"])
    for index in 0..<800 {
      let (x, y) = (generator.normal(), generator.normal())
      dataset.append([Float(x), Float(y)], label: x * x + y * y > 1.4, group: Int32(index % 80))
    }
    var specification = TrainingSpecification(name: "circle", features: ["x", "y"], label: "far", group: "patient")
    specification.learners = [try Learner(.logisticRegression), try Self.small(.randomForest)]
    specification.search = ["max_depth": [1, 6], "penalty": [0.1, 10]]
    specification.balance = .classWeights
    specification.smallDataGroups = 0
    var steps: [String] = []
    let card = try Trainer.train(specification, dataset) { steps.append($0) }.card
    #expect(card.algorithm == .randomForest && card.settings["max_depth"] == 6)
    #expect(card.trials?.count == 4)
    #expect(card.trials?.filter(\.isChosen).count == 1)
    #expect(steps.contains { $0.hasPrefix("trying logistic-regression, 1 of 4") })
  }

  @Test func calibrationMakesSMOTEHonestAgain() throws {
    let dataset = SampleData.dataset(rows: 3_000, groups: 300, seed: 9, illShare: 0.12)
    var specification = TrainerTests.specification()
    specification.smallDataGroups = 0
    let plain = try Trainer.train(specification, dataset).card
    specification.calibration = .automatic
    let card = try Trainer.train(specification, dataset).card
    let before = try #require(card.reliabilityBefore)
    let after = try #require(card.reliability)
    #expect(before == plain.reliability)
    #expect(after.expectedError < before.expectedError)
    #expect(after.brier < before.brier)
    // Calibration does not change who ranks above whom.
    #expect(abs(try #require(card.rocAUC) - (plain.rocAUC ?? 0)) < 0.02)
  }

  @Test func earlierRowsJudgeLaterOnes() throws {
    let source = SampleData.dataset(rows: 1_000, groups: 100, seed: 3)
    var dataset = Dataset(features: source.features)
    for index in 0..<source.rowCount {
      dataset.append(
        source.row(index), target: source.targets[index], group: source.groups[index], time: Int64(index) * 1_000_000)
    }
    var specification = TrainerTests.specification()
    specification.smallDataGroups = 0
    let temporal = try #require(try Trainer.train(specification, dataset).card.temporal)
    #expect((600...660).contains(temporal.trainingRows) && (30...60).contains(temporal.testRows))
    #expect(try #require(temporal.rocAUC) > 0.8)
  }

  @Test func optionalModelsMayBeAbsent() throws {
    try withRegistry { registry in
      let connection = try Database().connect()
      let use = ModelUse("illness", features: SampleData.features, isOptional: true)
      let live = try ScoringFunctions.register(registry, on: connection, uses: [use])
      let sql = "SELECT predict_illness(1,2,3,4,5,6,7,8), explain_illness(1,2,3,4,5,6,7,8), model_version('illness')"
      #expect(try connection.query(sql).rows()[0] == [.null, .null, .null])
      try registry.register(try TrainerTests.quickModel(seed: 1))
      #expect(try live.refresh() == ["illness"])
      #expect(try connection.query(sql).rows()[0].contains(.null) == false)
    }
  }
}

/// Models that somebody trained elsewhere.
@Suite struct ModelImportTests {
  private let dataset = SampleData.dataset(rows: 500, groups: 50, seed: 8)

  @Test func scoresAsItDidElsewhere() throws {
    let model = try ForestModel.boost(dataset, settings: TrainerTests.trees(10), seed: 1)
    let use = ModelUse("illness", features: SampleData.features)
    let trained = try TrainedModel(importing: model.serialized, for: use, group: "patient_id", threshold: nil)
    #expect(trained.card.algorithm == .imported && trained.card.threshold == 0.5)
    #expect(trained.card.markdown.contains("imported-xgboost"))
    try withRegistry { registry in
      let entry = try registry.register(trained, promote: false)
      #expect(!entry.isLive)
      #expect(try entry.scorer().predict(dataset.values) == model.predict(dataset.values))
    }
  }

  @Test func whatDoesNotFitIsSaid() throws {
    let bytes = try ForestModel.boost(dataset, settings: TrainerTests.trees(3), seed: 1).serialized
    let three = ModelKindTests.threeClasses(rows: 300, seed: 1)
    let classes = try ForestModel.boost(three, settings: TrainerTests.trees(3), seed: 1).serialized
    var other = SampleData.features
    other[0] = "pulse"
    let cases: [([UInt8], ModelUse, ModelError.Code, String)] = [
      (bytes, ModelUse("m", features: other), .features, "lacks pulse and has heart_rate instead"),
      (bytes, ModelUse("m", features: SampleData.features.reversed()), .features, "in another order"),
      (bytes, ModelUse("m", features: Array(SampleData.features.dropLast())), .features, "has gender instead"),
      (classes, ModelUse("m", features: three.features), .features, "3 classes"),
      (bytes, ModelUse("m", features: SampleData.features, classes: ["a", "b", "c"]), .features, "one probability"),
      (bytes, ModelUse("m", features: SampleData.features, findsAnomalies: true), .unsupported, "anomalies"),
      (Array("binf1234".utf8), ModelUse("m", features: SampleData.features), .corruptModel, "not UBJSON"),
    ]
    for (bytes, use, code, text) in cases {
      let error = #expect(throws: ModelError.self) {
        try TrainedModel(importing: bytes, for: use, group: "patient", threshold: nil)
      }
      #expect(error?.code == code && error?.message.contains(text) == true, "\(error?.description ?? "")")
    }
  }
}
