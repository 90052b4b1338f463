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

/// The library's own tables against XGBoost's TreeSHAP.
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
      let rows = Array(dataset.values.prefix(70 * dataset.features.count))
      let found = try model.contributions(rows)
      let expected = try model.contributionsOfXGBoost(rows)
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }

  @Test func everyClassHasItsOwn() throws {
    let dataset = ModelKindTests.threeClasses(rows: 600, seed: 3)
    let model = try ForestModel.boost(dataset, settings: TrainerTests.trees(10), seed: 1)
    for output in 0..<3 {
      let found = try model.contributions(dataset.values, output: output)
      let expected = try model.contributionsOfXGBoost(dataset.values, output: output)
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }
}
