import Foundation
import Models
import Testing

@Suite struct ClassificationMetricsTests {
  let labels = [false, true, false, true, true, false, false, true]
  let probabilities = [0.3, 0.35, 0.4, 0.6, 0.2, 0.1, 0.5, 0.9]

  @Test func agreesWithTheReferenceVector() throws {
    let metrics = ClassificationMetrics(labels: labels, probabilities: probabilities, threshold: 0.5)
    #expect(metrics.rocAUC == 0.6875)
    #expect(abs(try #require(metrics.averagePrecision) - 0.792857) < 1e-6)
    #expect(abs(metrics.brier - 0.2178125) < 1e-12)
    #expect(metrics.confusion.truePositives == 2)
    #expect(metrics.confusion.falsePositives == 1)
    #expect(metrics.confusion.trueNegatives == 3)
    #expect(metrics.confusion.falseNegatives == 2)
    #expect(metrics.accuracy == 0.625)
    #expect(metrics.precision == 2.0 / 3)
    #expect(metrics.recall == 0.5)
    #expect(abs(metrics.f1 - 4.0 / 7) < 1e-12)
  }

  @Test func tiedProbabilitiesCountHalf() {
    let metrics = ClassificationMetrics(
      labels: [true, false, true, false], probabilities: [0.5, 0.5, 0.5, 0.5], threshold: 0.5)
    #expect(metrics.rocAUC == 0.5)
    #expect(metrics.averagePrecision == 0.5)
  }

  @Test func oneClassHasNoRanking() {
    let metrics = ClassificationMetrics(labels: [true, true], probabilities: [0.2, 0.9], threshold: 0.5)
    #expect(metrics.rocAUC == nil)
    #expect(metrics.averagePrecision == nil)
    #expect(metrics.recall == 0.5)
  }

  @Test func bestThresholdIsBestAmongAll() {
    let threshold = ClassificationMetrics.thresholdOfBestF1(labels: labels, probabilities: probabilities)
    let best = ClassificationMetrics(labels: labels, probabilities: probabilities, threshold: threshold).f1
    for candidate in stride(from: 0.0, through: 1, by: 0.01) {
      let metrics = ClassificationMetrics(labels: labels, probabilities: probabilities, threshold: candidate)
      #expect(metrics.f1 <= best + 1e-12)
    }
  }

  @Test func macroF1DoesNotCallEverybodyIll() {
    let ill = (0..<85).map { index in 0.5 + Double(index % 50) / 100 }
    let well = (0..<15).map { index in 0.3 + Double(index) / 50 }
    let labels = [Bool](repeating: true, count: 85) + [Bool](repeating: false, count: 15)
    let probabilities = ill + well
    let best = ClassificationMetrics.thresholdOfBestMacroF1(labels: labels, probabilities: probabilities)
    let metrics = ClassificationMetrics(labels: labels, probabilities: probabilities, threshold: best)
    #expect(metrics.specificity > 0.5)
    #expect(metrics.recall > 0.8)
  }
}
