import Foundation
import Testing

@testable import Models

@Suite struct ForestModelTests {
  private func settings(_ change: (inout TreeSettings) -> Void = { _ in }) -> TreeSettings {
    var settings = TreeSettings.forest
    settings.trees = 20
    settings.maxDepth = 6
    change(&settings)
    return settings
  }

  @Test func sameSeedGivesTheSameBytesOnAnyNumberOfThreads() throws {
    let dataset = SampleData.dataset(rows: 3000, groups: 300, seed: 1)
    let one = try ForestModel.train(dataset, settings: settings { $0.threads = 1 }, seed: 7)
    let two = try ForestModel.train(dataset, settings: settings { $0.threads = 2 }, seed: 7)
    let other = try ForestModel.train(dataset, settings: settings(), seed: 8)
    #expect(one.serialized == two.serialized)
    #expect(one.serialized != other.serialized)
  }

  @Test func probabilitiesRankIllAboveWell() throws {
    let training = SampleData.dataset(rows: 4000, groups: 400, seed: 2)
    let test = SampleData.dataset(rows: 2000, groups: 200, seed: 3)
    let forest = try ForestModel.train(training, settings: settings(), seed: 1)
    let probabilities = try forest.predict(test.values).map(Double.init)
    let metrics = ClassificationMetrics(labels: test.labels, probabilities: probabilities, threshold: 0.5)
    #expect(try #require(metrics.rocAUC) > 0.9)
    #expect(metrics.brier < 0.12)
    #expect(probabilities.allSatisfy { (0...1).contains($0) })
  }

  @Test(arguments: [(1, 3), (5, 4), (37, 8), (120, 12)])
  func flatForestEqualsXGBoost(trees: Int, depth: Int) throws {
    let dataset = SampleData.dataset(rows: 2500, groups: 100, seed: UInt64(depth), missingShare: 0.2)
    let forest = try ForestModel.train(
      dataset,
      settings: settings {
        $0.trees = trees
        $0.maxDepth = depth
      }, seed: 5)
    #expect(forest.usesFlatForest)
    var generator = TestGenerator(state: 99)
    for count in [1, 7, 8, 63, 64, 65, 1000] {
      var rows: [Float] = []
      for _ in 0..<count * dataset.features.count {
        switch generator.next() % 10 {
        case 0: rows.append(.nan)
        case 1: rows.append(0)
        case 2: rows.append(-.infinity)
        case 3: rows.append(.infinity)
        default: rows.append(dataset.values[Int(generator.next() % UInt64(dataset.values.count))])
        }
      }
      let found = try forest.predict(rows)
      let expected = try reference(forest, rows)
      #expect(zip(found, expected).allSatisfy { $0 == $1 })
    }
  }

  @Test(arguments: [1, 300, 700, 2048, 2049])
  func rowsOfAnyWidthAreScored(width: Int) throws {
    var generator = TestGenerator(state: UInt64(width))
    var dataset = Dataset(features: (0..<width).map { "x\($0)" })
    for index in 0..<90 {
      let row = (0..<width).map { _ in generator.unit() < 0.1 ? Float.nan : Float(generator.unit()) }
      dataset.append(row, label: (row[0].isNaN ? 0.5 : row[0]) > 0.6, group: Int32(index))
    }
    let forest = try ForestModel.train(dataset, settings: settings(), seed: 1)
    #expect(forest.usesFlatForest == (width <= 2048))
    #expect(try forest.predict(dataset.values) == reference(forest, dataset.values))
  }

  @Test func contributionsAddUpToTheProbability() throws {
    let dataset = SampleData.dataset(rows: 1000, groups: 100, seed: 4)
    let forest = try ForestModel.train(dataset, settings: settings(), seed: 1)
    let rows = Array(dataset.values.prefix(50 * dataset.features.count))
    let contributions = try forest.contributions(rows)
    let width = dataset.features.count + 1
    for (index, probability) in try forest.predict(rows).enumerated() {
      let sum = contributions[index * width..<(index + 1) * width].reduce(0, +)
      #expect(abs(sum - probability) < 1e-5)
    }
  }

  @Test func threadsMayScoreAtOnce() async throws {
    let dataset = SampleData.dataset(rows: 2000, groups: 100, seed: 6)
    let forest = try ForestModel.train(dataset, settings: settings(), seed: 1)
    let expected = try reference(forest, dataset.values)
    try await withThrowingTaskGroup(of: (Bool, Bool).self) { group in
      for _ in 0..<8 {
        group.addTask {
          (try forest.predict(dataset.values) == expected, try self.reference(forest, dataset.values) == expected)
        }
      }
      for try await (flat, library) in group { #expect(flat && library) }
    }
  }

  @Test func loadsItsOwnBytesAndChecksFeatureNames() throws {
    let dataset = SampleData.dataset(rows: 500, groups: 50, seed: 8)
    let forest = try ForestModel.train(dataset, settings: settings(), seed: 1)
    let loaded = try ForestModel(serialized: forest.serialized)
    #expect(loaded.features == SampleData.features)
    #expect(try loaded.predict(dataset.values) == forest.predict(dataset.values))
    let error = #expect(throws: ModelError.self) {
      try ForestModel(serialized: forest.serialized, features: SampleData.features.reversed())
    }
    #expect(error?.code == .features)
  }

  @Test func brokenModelFilesAreErrors() throws {
    let dataset = SampleData.dataset(rows: 500, groups: 50, seed: 8)
    let bytes = try ForestModel.train(dataset, settings: settings { $0.trees = 2 }, seed: 1).serialized
    let cuts = stride(from: 0, to: bytes.count, by: 97).map { Array(bytes.prefix($0)) }
    for broken in [Array("not a model".utf8), Array(#"{"learner": 1"#.utf8), Array(bytes.dropLast(1))] + cuts {
      let error = #expect(throws: ModelError.self) { try ForestModel(serialized: broken) }
      #expect(error?.code == .corruptModel)
    }
  }

  @Test func oneClassIsAClearError() throws {
    var dataset = Dataset(features: ["a"])
    for value in 0..<10 { dataset.append([Float(value)], label: true, group: 0) }
    let error = #expect(throws: ModelError.self) { try ForestModel.train(dataset, seed: 1) }
    #expect(error?.code == .oneClass)
  }

  private func reference(_ forest: ForestModel, _ rows: [Float]) throws -> [Float] {
    var probabilities = [Float](repeating: 0, count: rows.count / forest.features.count)
    try rows.withUnsafeBufferPointer { rows in
      try probabilities.withUnsafeMutableBufferPointer { try forest.predictWithXGBoost(rows, into: $0) }
    }
    return probabilities
  }
}

/// Our TreeSHAP against XGBoost's.
@Suite struct TreeShapTests {
  @Test(arguments: [(1, 2), (20, 6), (10, 9)])
  func equalsXGBoost(trees: Int, depth: Int) throws {
    let dataset = SampleData.dataset(rows: 1_500, groups: 100, seed: UInt64(depth), missingShare: 0.2)
    var settings = TreeSettings.forest
    settings.trees = trees
    settings.maxDepth = depth
    for boosted in [false, true] {
      let model =
        boosted
        ? try ForestModel.boost(dataset, settings: settings, seed: 3)
        : try ForestModel.train(dataset, settings: settings, seed: 3)
      try compare(model, Array(dataset.values.prefix(70 * dataset.features.count)))
    }
  }

  /// With more features on a path the integral needs more points. On very long paths XGBoost's own float32 sums are off
  /// by some thousandths; ours still add up.
  @Test(arguments: [(depth: 12, points: 8, limit: 1e-4), (24, 16, 1e-4), (45, 16, 0.01)])
  func deepPathsOfManyFeatures(depth: Int, points: Int, limit: Float) throws {
    let dataset = deep(rows: 1_500, features: 60, seed: UInt64(depth), isSparse: depth == 45)
    var settings = TreeSettings.forest
    settings.trees = 2
    settings.maxDepth = depth
    settings.featureShare = 0.05
    settings.minLeafRows = 1
    settings.smoothing = 0
    let model = try ForestModel.train(dataset, settings: settings, seed: 3)
    #expect(try model.explainers()[0]?.points == points)
    let rows = Array(dataset.values.prefix(20 * 60))
    try compare(model, rows, limit: limit)
    let (found, scores) = (try model.contributions(rows), try model.predict(rows))
    for row in 0..<20 {
      #expect(abs(found[row * 61..<(row + 1) * 61].reduce(0, +) - scores[row]) < 1e-6)
    }
  }

  @Test func infiniteAndMissingValues() throws {
    let dataset = SampleData.dataset(rows: 800, groups: 100, seed: 5, missingShare: 0.2)
    let model = try ForestModel.train(dataset, settings: TrainerTests.trees(10), seed: 3)
    for value in [Float.infinity, -.infinity, .nan, 0, .greatestFiniteMagnitude] {
      let found = try model.contributions([Float](repeating: value, count: dataset.features.count))
      let score = try model.predict([Float](repeating: value, count: dataset.features.count))[0]
      #expect(abs(found.reduce(0, +) - score) < 1e-4, "\(value)")
    }
  }

  @Test func everyClassHasItsOwn() throws {
    let dataset = ModelKindTests.threeClasses(rows: 600, seed: 3)
    let model = try ForestModel.boost(dataset, settings: TrainerTests.trees(10), seed: 1)
    for output in 0..<3 { try compare(model, dataset.values, output: output) }
  }

  private func compare(_ model: ForestModel, _ rows: [Float], output: Int = 0, limit: Float = 1e-4) throws {
    let found = try model.contributions(rows, output: output)
    let expected = try model.contributionsOfXGBoost(rows, output: output)
    #expect(found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < limit })
  }

  /// Labels that no few splits can tell, so that trees grow deep; with sparse features into chains.
  private func deep(rows: Int, features: Int, seed: UInt64, isSparse: Bool) -> Dataset {
    var generator = TestGenerator(state: seed)
    var dataset = Dataset(features: (0..<features).map { "x\($0)" })
    for index in 0..<rows {
      let row: [Float] = (0..<features).map { _ in
        let value = generator.unit()
        return isSparse ? (value < 0.03 ? 1 : 0) : value < 0.05 ? .nan : Float(value)
      }
      dataset.append(row[...], label: generator.unit() < 0.5, group: Int32(index))
    }
    return dataset
  }
}

/// Gauss and Legendre's rule in known cases.
@Suite struct GaussLegendreTests {
  @Test(arguments: [4, 8, 16])
  func integratesPowers(points: Int) {
    let rule = GaussLegendre(points: points)
    for power in 0..<2 * points {
      let sum = zip(rule.times, rule.weights).reduce(0.0) { $0 + Double($1.1) * pow(Double($1.0), Double(power)) }
      #expect(abs(sum - 1 / Double(power + 1)) < 1e-6)
    }
  }
}
