import Foundation
import LakewardTesting
import Models
import Testing

@Suite struct OnlineTests {
  private static func rows(_ count: Int, seed: UInt64, flip: Bool = false) -> [(row: [Float], label: Bool)] {
    var generator = TestGenerator(state: seed)
    return (0..<count).map { _ in
      let row = [
        Float(75 + 10 * generator.normal()), Float(36.8 + 0.4 * generator.normal()),
        generator.unit() < 0.2 ? .nan : Float(100 + 30 * generator.normal()),
      ]
      let margin = 0.12 * Double(row[0] - 75) + 2 * Double(row[1] - 36.8)
      let isIll = generator.unit() < 1 / (1 + exp(-margin))
      return (row, isIll != flip)
    }
  }

  /// One pass comes close to the fit on all rows at once.
  @Test func onePassIsAlmostAsGoodAsTheWholeFit() throws {
    let training = Self.rows(6_000, seed: 1)
    let test = Self.rows(4_000, seed: 2)
    var online = OnlineLogistic(features: ["pulse", "fever", "glucose"])
    var dataset = Dataset(features: ["pulse", "fever", "glucose"])
    for (index, row) in training.enumerated() {
      online.learn(row.row, label: row.label)
      dataset.append(row.row, target: row.label ? 1 : 0, group: Int32(index))
    }
    let batch = try LogisticModel.train(dataset)
    func auc(_ scores: [Double]) -> Double {
      ClassificationMetrics(labels: test.map(\.label), probabilities: scores, threshold: 0.5).rocAUC ?? 0
    }
    let whole = auc(try batch.predict(test.flatMap(\.row)).map(Double.init))
    let once = auc(test.map { online.probability($0.row) })
    #expect(whole > 0.8 && once > whole - 0.01)
    // The version that is registered answers as the learner does.
    let trained = try #require(try online.trained(name: "ill", label: "ill", group: "patient"))
    let registered = try trained.model.predict(test.flatMap(\.row))
    for (score, row) in zip(registered, test) { #expect(abs(Double(score) - online.probability(row.row)) < 1e-4) }
    #expect(trained.card.data.rows == 6_000)
  }

  @Test func itFollowsAChangeAndACheckpointKeepsIt() throws {
    var online = OnlineLogistic(features: ["pulse", "fever", "glucose"])
    for row in Self.rows(3_000, seed: 3) { online.learn(row.row, label: row.label) }
    let probe: [Float] = [95, 37.6, 100]
    #expect(online.probability(probe) > 0.8)
    online.restartSteps()
    for row in Self.rows(6_000, seed: 4, flip: true) { online.learn(row.row, label: row.label) }
    #expect(online.probability(probe) < 0.3)
    try withRegistry { registry in
      #expect(try registry.onlineCheckpoint(of: "ill") == nil)
      let checkpoint = OnlineLogistic.Checkpoint(learner: online, arrived: 7, registered: 5)
      try registry.save(checkpoint, of: "ill")
      #expect(try registry.onlineCheckpoint(of: "ill") == checkpoint)
    }
  }

  @Test func nothingIsRegisteredBeforeBothClassesCame() throws {
    var online = OnlineLogistic(features: ["a"])
    #expect(try online.trained(name: "ill", label: "ill", group: "patient") == nil)
    online.learn([1], label: true)
    #expect(try online.trained(name: "ill", label: "ill", group: "patient") == nil)
    online.learn([.nan], label: false)
    #expect(try online.trained(name: "ill", label: "ill", group: "patient") != nil)
  }

  /// river's detectors on the same stream: both find the change, at about the same place, and nothing else.
  @Test(.enabled(if: PythonEnvironment.mlflow.isReady)) func detectorsAgreeWithRiver() throws {
    var generator = TestGenerator(state: 5)
    let stream = (0..<6_000).map { generator.unit() < ($0 < 3_000 ? 0.2 : 0.5) ? 1.0 : 0 }
    let directory = try TemporaryDirectory("river")
    try directory.write(stream.map { String(Int($0)) }.joined(separator: "\n"), to: "stream.txt")
    let script = """
      import sys
      from river import drift
      values = [float(line) for line in open(sys.argv[1])]
      for detector in (drift.ADWIN(), drift.PageHinkley()):
          found = []
          for index, value in enumerate(values):
              detector.update(value)
              if detector.drift_detected: found.append(index)
          print(*found)
      """
    let outcome = try MLflowProcess.run(
      try #require(MLflowProcess.interpreter), source: script, [directory.file("stream.txt")])
    #expect(outcome.succeeded, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    let peers = lines.prefix(2).map { $0.split(separator: " ").compactMap { Int($0) } }
    var adwin = ADWIN()
    var pageHinkley = PageHinkley()
    var found: [[Int]] = [[], []]
    for (index, value) in stream.enumerated() {
      if adwin.add(value) { found[0].append(index) }
      if pageHinkley.add(value) { found[1].append(index) }
    }
    for (ours, theirs) in zip(found, peers) {
      let first = try #require(ours.first)
      let theirFirst = try #require(theirs.first)
      #expect(first >= 3_000 && abs(first - theirFirst) <= 64, "\(ours) \(theirs)")
    }
  }
}
