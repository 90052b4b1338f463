import Foundation
import LakewardTesting
import Testing

@testable import Models

/// The same rows to scikit-learn, shap and XGBoost in Python, and the same answers.
@Suite(.enabled(if: LearningPeers.isReady)) struct LearningPeerTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory("learning") }

  private func write(_ values: [Float], _ name: String) throws -> String {
    let path = folder.file(name)
    try values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path)) }
    return path
  }

  private func read(_ name: String) throws -> [Float] {
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: folder.file(name))))
    return stride(from: 0, to: bytes.count, by: 4).map { start in
      bytes.withUnsafeBytes { Float(bitPattern: $0.loadUnaligned(fromByteOffset: start, as: UInt32.self)) }
    }
  }

  @Test func isolationForestRanksAsScikitLearns() throws {
    var values: [Float] = []
    let readings = AnomalyTests.readings(patients: 40, each: 40, seed: 7)
    for row in 0..<readings.rowCount where !readings.row(row).contains(where: \.isNaN) { values += readings.row(row) }
    try LearningPeers.run("isolation", write(values, "rows.f4"), "4", folder.file("scores.f4"))
    let forest = try IsolationForest.train(values, features: AnomalyTests.vitals, seed: 1)
    let ours = try forest.predict(values)
    let theirs = try read("scores.f4")
    #expect(Self.rankCorrelation(ours, theirs) > 0.95)
    // Not only the order: the scores themselves.
    let difference = zip(ours, theirs).reduce(0) { $0 + abs($1.0 - $1.1) } / Float(ours.count)
    #expect(difference < 0.02)
  }

  @Test func explanationsAreThoseOfShap() throws {
    let dataset = SampleData.dataset(rows: 1_200, groups: 100, seed: 5, missingShare: 0.2)
    let three = ModelKindTests.threeClasses(rows: 900, seed: 6)
    let models: [(ForestModel, Dataset)] = [
      (try ForestModel.train(dataset, settings: TrainerTests.trees(30), seed: 1), dataset),
      (try ForestModel.boost(dataset, settings: TrainerTests.trees(20), seed: 1), dataset),
      (try ForestModel.boost(three, settings: TrainerTests.trees(10), seed: 1), three),
    ]
    for (index, (model, rows)) in models.enumerated() {
      let file = folder.file("model\(index).ubj")
      try Data(model.serialized).write(to: URL(fileURLWithPath: file))
      let values = Array(rows.values.prefix(100 * rows.features.count))
      let source = try write(values, "rows\(index).f4")
      try LearningPeers.run("shap", file, source, String(rows.features.count), folder.file("shap.f4"))
      let theirs = try read("shap.f4")
      let ours = try (0..<model.outputs).flatMap { try model.contributions(values, output: $0) }
      #expect(ours.count == theirs.count)
      #expect(zip(ours, theirs).allSatisfy { abs($0 - $1) < 1e-4 })
    }
  }

  @Test func modelsOfPythonScoreTheSame() throws {
    let dataset = SampleData.dataset(rows: 400, groups: 40, seed: 9)
    let names = dataset.features.joined(separator: ",")
    let source = try write(dataset.values, "rows.f4")
    try LearningPeers.run("xgboost", folder.path, source, String(dataset.features.count), names)
    let binary = ModelUse("m", features: dataset.features)
    let classes = ModelUse("m", features: dataset.features, classes: ["a", "b", "c"])
    let supported = [
      ("binary_logistic", binary), ("reg_logistic", binary), ("binary_logistic_dart", binary),
      ("multi_softprob", classes), ("classifier", binary),
    ]
    for (name, use) in supported {
      for ending in name == "classifier" ? ["json"] : ["ubj", "json"] {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: folder.file("\(name).\(ending)"))))
        let model = try TrainedModel(importing: bytes, for: use, group: "patient", threshold: nil).scorer
        let scores = try model.predict(dataset.values)
        let theirs = try read("\(name).f4")
        #expect(scores.count == theirs.count)
        #expect(zip(scores, theirs).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name).\(ending)")
        let rows = Array(dataset.values.prefix(10 * dataset.features.count))
        #expect(try model.model.contributions(rows, output: 0).count == 10 * (dataset.features.count + 1))
      }
    }
    for name in ["binary_hinge", "rank_pairwise", "count_poisson", "multi_softmax"] {
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: folder.file("\(name).ubj"))))
      let error = #expect(throws: ModelError.self) {
        try TrainedModel(importing: bytes, for: binary, group: "patient", threshold: nil)
      }
      #expect(error?.code == .unsupported && error?.message.contains(name.replacing("_", with: ":")) == true)
    }
  }

  @Test func logisticRegressionIsScikitLearns() throws {
    let dataset = SampleData.dataset(rows: 800, groups: 80, seed: 2, missingShare: 0)
    let labels = try write(dataset.targets.map { Float($0) }, "labels.f4")
    try LearningPeers.run(
      "logistic", write(dataset.values, "rows.f4"), String(dataset.features.count), labels, folder.file("out.f4"))
    let ours = try LogisticModel.train(dataset).predict(dataset.values)
    #expect(zip(ours, try read("out.f4")).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test func calibrationIsScikitLearns() throws {
    var generator = TestGenerator(state: 3)
    let scores = (0..<900).map { _ in Float((generator.unit() * 200).rounded() / 200) }
    let targets = scores.map { Int32(generator.unit() < Double($0 * $0) ? 1 : 0) }
    try LearningPeers.run(
      "calibration", write(scores, "scores.f4"), write(targets.map { Float($0) }, "labels.f4"), folder.file("out.f4"))
    let theirs = try read("out.f4")
    let isotonic = try #require(Calibration(.isotonic, scores: scores, targets: targets, outputs: 1))
    let platt = try #require(Calibration(.platt, scores: scores, targets: targets, outputs: 1))
    let ours = isotonic.probabilities(scores, outputs: 1) + platt.probabilities(scores, outputs: 1)
    #expect(zip(ours.prefix(900), theirs.prefix(900)).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(zip(ours.suffix(900), theirs.suffix(900)).allSatisfy { abs($0 - $1) < 2e-3 })
  }

  /// Spearman's: Pearson's of the ranks; ties are rare here.
  private static func rankCorrelation(_ left: [Float], _ right: [Float]) -> Double {
    func ranks(_ values: [Float]) -> [Double] {
      var ranks = [Double](repeating: 0, count: values.count)
      for (rank, index) in values.indices.sorted(by: { values[$0] < values[$1] }).enumerated() {
        ranks[index] = Double(rank)
      }
      return ranks
    }
    let (a, b) = (ranks(left), ranks(right))
    let mean = Double(a.count - 1) / 2
    let products = zip(a, b).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) }
    return products / a.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  }
}
