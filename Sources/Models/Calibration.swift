import Foundation

/// Turns a model's scores into probabilities that can be taken at their word: of the records with 0.3, three in ten are
/// positive. Fitted on scores of rows that the scoring model did not learn from.
///
/// With several classes each has a curve of its own, one against the rest, and the results are divided by their sum.
public struct Calibration: Sendable, Hashable, Codable {
  /// How a curve is found.
  public enum Method: String, Sendable, Hashable, Codable, CaseIterable {
    /// The best rising steps (pool adjacent violators), joined by lines. Needs about 1,000 rows.
    case isotonic
    /// A logistic curve over the score's log-odds (Platt 1999), for fewer rows.
    case platt
  }

  /// One curve from score to probability.
  struct Curve: Sendable, Hashable, Codable {
    /// Platt: probability = 1 / (1 + exp(-(intercept + slope · logit(score)))).
    var intercept: Double?
    /// See `intercept`.
    var slope: Double?
    /// Isotonic: rising scores, between which lines run; outside the nearest end counts.
    var scores: [Float]?
    /// The probability at each of `scores`.
    var probabilities: [Float]?
  }

  /// How the curves were found.
  public let method: Method
  /// One curve, or one per class.
  let curves: [Curve]

  /// Fits curves to `scores` (`outputs` per row) and the class of each row (for one output 1 is positive).
  ///
  /// nil when a class is absent.
  public init?(_ method: Method, scores: [Float], targets: [Int32], outputs: Int) {
    precondition(scores.count == targets.count * outputs)
    var curves: [Curve] = []
    for output in 0..<outputs {
      let positive = Int32(outputs == 1 ? 1 : output)
      let labels = targets.map { $0 == positive }
      guard labels.contains(true), labels.contains(false) else { return nil }
      let column = stride(from: output, to: scores.count, by: outputs).map { scores[$0] }
      curves.append(method == .isotonic ? Self.isotonic(column, labels) : Self.platt(column, labels))
    }
    self.method = method
    self.curves = curves
  }

  /// The method for a number of rows of the smaller class: isotonic from 500 on.
  public static func method(for targets: [Int32], classes: Int) -> Method {
    var counts = [Int](repeating: 0, count: classes)
    for target in targets { counts[Int(target)] += 1 }
    return (counts.min() ?? 0) >= 500 ? .isotonic : .platt
  }

  /// Replaces `scores` (`outputs` per row) by probabilities.
  func apply(to scores: UnsafeMutableBufferPointer<Float>, outputs: Int) {
    guard curves.count == outputs else { return }
    if outputs == 1 {
      for index in scores.indices { scores[index] = curves[0].probability(scores[index]) }
      return
    }
    for start in stride(from: 0, to: scores.count, by: outputs) {
      var sum: Float = 0
      for output in 0..<outputs {
        let value = curves[output].probability(scores[start + output])
        scores[start + output] = value
        sum += value
      }
      for output in 0..<outputs {
        scores[start + output] = sum > 0 ? scores[start + output] / sum : 1 / Float(outputs)
      }
    }
  }

  /// The probabilities of a list of scores.
  public func probabilities(_ scores: [Float], outputs: Int) -> [Float] {
    var scores = scores
    scores.withUnsafeMutableBufferPointer { apply(to: $0, outputs: outputs) }
    return scores
  }

  // MARK: Fitting

  /// Pool adjacent violators over rows sorted by score, equal scores together; each block is kept by its first and
  /// last score.
  private static func isotonic(_ scores: [Float], _ labels: [Bool]) -> Curve {
    struct Block {
      var first: Float
      var last: Float
      var sum: Double
      var count: Double
      var mean: Double { sum / count }
    }
    var blocks: [Block] = []
    for index in scores.indices.sorted(by: { scores[$0] < scores[$1] }) {
      let truth: Double = labels[index] ? 1 : 0
      if let last = blocks.last, last.last == scores[index], last.first == scores[index] {
        blocks[blocks.count - 1].sum += truth
        blocks[blocks.count - 1].count += 1
      } else {
        if blocks.count > 1 { pool() }
        blocks.append(Block(first: scores[index], last: scores[index], sum: truth, count: 1))
      }
    }
    pool()
    func pool() {
      while blocks.count > 1, blocks[blocks.count - 2].mean >= blocks[blocks.count - 1].mean {
        let top = blocks.removeLast()
        blocks[blocks.count - 1].last = top.last
        blocks[blocks.count - 1].sum += top.sum
        blocks[blocks.count - 1].count += top.count
      }
    }
    var knots: [Float] = []
    var values: [Float] = []
    for block in blocks {
      for score in block.first == block.last ? [block.first] : [block.first, block.last] {
        knots.append(score)
        values.append(Float(block.mean))
      }
    }
    return Curve(scores: knots, probabilities: values)
  }

  /// Newton's method on two parameters, with Platt's targets (n₊+1)/(n₊+2) and 1/(n₋+2), which keep a perfect
  /// separation from claiming certainty.
  private static func platt(_ scores: [Float], _ labels: [Bool]) -> Curve {
    let positives = Double(labels.count(where: \.self))
    let high = (positives + 1) / (positives + 2)
    let low = 1 / (Double(labels.count) - positives + 2)
    let inputs = scores.map { logit(Double($0)) }
    var (intercept, slope) = (0.0, 1.0)
    for _ in 0..<100 {
      var gradient = (0.0, 0.0)
      var hessian = (1e-9, 0.0, 1e-9)
      for (input, label) in zip(inputs, labels) {
        let probability = 1 / (1 + exp(-(intercept + slope * input)))
        let error = probability - (label ? high : low)
        let weight = probability * (1 - probability)
        gradient.0 += error
        gradient.1 += error * input
        hessian.0 += weight
        hessian.1 += weight * input
        hessian.2 += weight * input * input
      }
      let determinant = hessian.0 * hessian.2 - hessian.1 * hessian.1
      guard determinant > 1e-12 else { break }
      let step = (
        (hessian.2 * gradient.0 - hessian.1 * gradient.1) / determinant,
        (hessian.0 * gradient.1 - hessian.1 * gradient.0) / determinant
      )
      let limit = max(1, max(abs(step.0), abs(step.1)) / 5)
      intercept -= step.0 / limit
      slope -= step.1 / limit
      if abs(step.0) + abs(step.1) < 1e-9 { break }
    }
    // A falling curve would turn the order of the scores round.
    return slope > 0
      ? Curve(intercept: intercept, slope: slope) : Curve(intercept: logit(positives / Double(labels.count)), slope: 0)
  }

  fileprivate static func logit(_ score: Double) -> Double {
    let inside = min(max(score, 1e-6), 1 - 1e-6)
    return log(inside / (1 - inside))
  }
}

extension Calibration.Curve {
  @inline(__always)
  func probability(_ score: Float) -> Float {
    if let scores, let probabilities { return Self.interpolated(score, scores, probabilities) }
    let margin = (intercept ?? 0) + (slope ?? 1) * Calibration.logit(Double(score))
    return Float(1 / (1 + exp(-margin)))
  }

  private static func interpolated(_ score: Float, _ scores: [Float], _ probabilities: [Float]) -> Float {
    guard let first = scores.first, let last = scores.last, !score.isNaN else { return score }
    if score <= first { return probabilities[0] }
    if score >= last { return probabilities[probabilities.count - 1] }
    var low = 0
    var high = scores.count - 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if scores[middle] <= score { low = middle } else { high = middle }
    }
    let span = scores[high] - scores[low]
    let share = span > 0 ? (score - scores[low]) / span : 0
    return probabilities[low] + share * (probabilities[high] - probabilities[low])
  }
}
