import Foundation
import Testing

@testable import Models

@Suite struct CalibrationTests {
  /// Scores whose true probability is their square.
  private func sample(_ count: Int, seed: UInt64) -> (scores: [Float], targets: [Int32]) {
    var generator = TestGenerator(state: seed)
    var scores: [Float] = []
    var targets: [Int32] = []
    for _ in 0..<count {
      let score = generator.unit()
      scores.append(Float(score))
      targets.append(generator.unit() < score * score ? 1 : 0)
    }
    return (scores, targets)
  }

  @Test(arguments: Calibration.Method.allCases)
  func bringsProbabilitiesNearTheTruth(method: Calibration.Method) throws {
    let (scores, targets) = sample(4_000, seed: 1)
    let calibration = try #require(Calibration(method, scores: scores, targets: targets, outputs: 1))
    let fresh = sample(4_000, seed: 2)
    let labels = fresh.targets.map { $0 == 1 }
    let before = Reliability(labels: labels, probabilities: fresh.scores.map(Double.init))
    let found = calibration.probabilities(fresh.scores, outputs: 1)
    let after = Reliability(labels: labels, probabilities: found.map(Double.init))
    #expect(before.expectedError > 0.15)
    #expect(after.expectedError < 0.03)
    #expect(after.brier < before.brier)
    #expect(abs((after.expectedToObserved ?? 0) - 1) < 0.08)
    // Order is kept.
    let order = fresh.scores.indices.sorted { fresh.scores[$0] < fresh.scores[$1] }
    #expect(zip(order, order.dropFirst()).allSatisfy { found[$0] <= found[$1] })
  }

  @Test func isotonicPoolsViolators() throws {
    let scores: [Float] = [0.1, 0.2, 0.3, 0.3, 0.4, 0.5]
    let targets: [Int32] = [0, 1, 0, 0, 1, 1]
    let calibration = try #require(Calibration(.isotonic, scores: scores, targets: targets, outputs: 1))
    let found = calibration.probabilities([0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.9], outputs: 1)
    let third: Float = 1.0 / 3
    let expected: [Float] = [0, 0, third, third, third, (third + 1) / 2, 1, 1]
    for (value, wanted) in zip(found, expected) { #expect(abs(value - wanted) < 1e-5) }
  }

  @Test func classesAddUpToOne() throws {
    var generator = TestGenerator(state: 4)
    var scores: [Float] = []
    var targets: [Int32] = []
    for index in 0..<600 {
      let weights = (0..<3).map { _ in Float(generator.unit()) + 0.01 }
      scores += weights.map { $0 / weights.reduce(0, +) }
      targets.append(Int32(index % 3))
    }
    for method in Calibration.Method.allCases {
      let calibration = try #require(Calibration(method, scores: scores, targets: targets, outputs: 3))
      let found = calibration.probabilities(scores, outputs: 3)
      for start in stride(from: 0, to: found.count, by: 3) {
        #expect(abs(found[start..<start + 3].reduce(0, +) - 1) < 1e-5)
      }
    }
    #expect(Calibration(.platt, scores: [0.1, 0.2], targets: [1, 1], outputs: 1) == nil)
  }

  @Test func survivesItsCard() throws {
    let (scores, targets) = sample(500, seed: 3)
    let calibration = try #require(Calibration(.isotonic, scores: scores, targets: targets, outputs: 1))
    let copy = try JSONDecoder().decode(Calibration.self, from: JSONEncoder().encode(calibration))
    #expect(copy.probabilities(scores, outputs: 1) == calibration.probabilities(scores, outputs: 1))
  }
}
