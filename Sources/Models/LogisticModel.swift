internal import CLearning
internal import Foundation

/// How a logistic regression is fitted.
public struct LogisticSettings: Sendable, Hashable, Codable {
  /// Weight of the squared coefficients of standardised features (scikit-learn's 1/C); the intercept is free.
  public var penalty = 1.0
  /// Most steps of Newton's method; a few are enough.
  public var iterations = 50

  /// The defaults.
  public init() {}

  /// Takes settings by name: penalty, iterations. Throws `invalidSpecification` otherwise.
  public mutating func set(_ parameters: [String: Double]) throws(ModelError) {
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
      switch name {
      case "penalty": penalty = value
      case "iterations": iterations = wholeNumber(value)
      default:
        throw ModelError(
          .invalidSpecification, "a logistic regression has no parameter \(name)", hint: "use penalty or iterations")
      }
    }
    try validate()
  }

  var parameters: [String: Double] { ["penalty": penalty, "iterations": Double(iterations)] }

  func validate() throws(ModelError) {
    guard penalty >= 0, penalty < 1e9, (1...10_000).contains(iterations) else {
      throw ModelError(
        .invalidSpecification, "a logistic regression's settings are out of range",
        hint: "use a penalty of 0 or more, and 1 to 10000 iterations")
    }
  }
}

/// A logistic regression: the probability of the positive class from standardised features.
///
/// Features are scaled to mean 0 and deviation 1 of the training rows; a missing value counts as the training rows'
/// median. Fitted by Newton's method on the penalised likelihood (iteratively reweighted least squares).
public final class LogisticModel: Model {
  /// What is stored, as JSON.
  struct Parameters: Codable {
    var kind = ModelKind.logisticRegression
    var features: [String]
    /// Of standardised features.
    var coefficients: [Double]
    /// The log-odds of a row at the means.
    var intercept: Double
    var means: [Double]
    var deviations: [Double]
    var medians: [Double]
  }

  /// "logistic-regression".
  public var kind: ModelKind { .logisticRegression }
  /// Feature names in order.
  public var features: [String] { parameters.features }
  /// One probability.
  public var outputs: Int { 1 }
  /// Contributions add up to the log-odds.
  public var contributionScale: ContributionScale { .margin }
  /// `parameters.json`.
  public let serialized: [UInt8]
  private let parameters: Parameters
  /// For raw features, so that scoring is one pass.
  private let rawCoefficients: [Float]
  private let fills: [Float]
  private let rawIntercept: Float

  /// Coefficients of the standardised features, in order.
  public var coefficients: [Double] { parameters.coefficients }

  /// A model of these numbers. Throws `corruptModel` when they do not fit each other.
  init(_ parameters: Parameters) throws(ModelError) {
    let count = parameters.features.count
    let lists = [parameters.coefficients, parameters.means, parameters.deviations, parameters.medians]
    guard count > 0, lists.allSatisfy({ $0.count == count }), parameters.deviations.allSatisfy({ $0 > 0 }) else {
      throw ModelError(.corruptModel, "the logistic regression's lists of numbers do not fit its features")
    }
    self.parameters = parameters
    rawCoefficients = zip(parameters.coefficients, parameters.deviations).map { Float($0 / $1) }
    fills = parameters.medians.map { Float($0) }
    var intercept = parameters.intercept
    for index in 0..<count {
      intercept -= parameters.coefficients[index] * parameters.means[index] / parameters.deviations[index]
    }
    rawIntercept = Float(intercept)
    serialized = try jsonBytes(parameters)
  }

  /// Reads `parameters.json`. Throws `corruptModel`, or `features` if it was trained on others.
  public convenience init(serialized: [UInt8], features: [String]? = nil) throws(ModelError) {
    let parameters = try decoded(Parameters.self, serialized)
    try requireSame(features, parameters.features)
    try self.init(parameters)
  }

  /// Fits `dataset`, a binary question. `weights` say how much each row counts; nil: all the same.
  public static func train(
    _ dataset: Dataset, settings: LogisticSettings = LogisticSettings(), weights: [Float]? = nil
  ) throws(ModelError) -> LogisticModel {
    try dataset.requireEveryClass()
    guard dataset.isBinary else {
      throw ModelError(
        .invalidSpecification, "a logistic regression answers yes or no, not \(dataset.classes.count) classes",
        hint: "use random-forest or gradient-boosted-trees")
    }
    let scales = Standardisation(dataset.values, columns: dataset.features.count)
    let coefficients = newton(
      scales.standardisedWithOnes(dataset.values), labels: dataset.targets.map(Double.init),
      weights: weights.map { $0.map(Double.init) } ?? dataset.targets.map { _ in 1 },
      width: dataset.features.count + 1, settings)
    return try LogisticModel(
      Parameters(
        features: dataset.features, coefficients: Array(coefficients.dropLast()), intercept: coefficients.last ?? 0,
        means: scales.means, deviations: scales.deviations, medians: scales.medians))
  }

  /// Coefficients with the smallest penalised loss; the last belongs to the column of ones and is not penalised.
  private static func newton(
    _ rows: [Double], labels: [Double], weights: [Double], width: Int, _ settings: LogisticSettings
  ) -> [Double] {
    var coefficients = [Double](repeating: 0, count: width)
    var gradient = coefficients
    var hessian = [Double](repeating: 0, count: width * width)
    func penalty(_ coefficients: [Double]) -> Double {
      coefficients.dropLast().reduce(0) { $0 + $1 * $1 } * settings.penalty / 2
    }
    for _ in 0..<settings.iterations {
      let loss =
        lakeward_logistic_sums(
          rows, labels, weights, labels.count, width, coefficients, &gradient, &hessian) + penalty(coefficients)
      for index in 0..<width - 1 {
        gradient[index] += settings.penalty * coefficients[index]
        hessian[index * width + index] += settings.penalty
      }
      for index in 0..<width { hessian[index * width + index] += 1e-9 }
      guard let step = solved(hessian, gradient) else { break }
      var share = 1.0
      var next = coefficients
      repeat {
        next = zip(coefficients, step).map { $0 - share * $1 }
        let reached =
          lakeward_logistic_loss(rows, labels, weights, labels.count, width, next) + penalty(next)
        if reached <= loss { break }
        share /= 2
      } while share > 1e-6
      let change = zip(coefficients, next).map { abs($0 - $1) }.max() ?? 0
      coefficients = next
      if change < 1e-8 { break }
    }
    return coefficients
  }

  /// Writes one probability for each row.
  public func predict(_ rows: UnsafeBufferPointer<Float>, into scores: UnsafeMutableBufferPointer<Float>)
    throws(ModelError)
  {
    precondition(rows.count == scores.count * features.count)
    lakeward_linear_probabilities(
      rows.baseAddress, scores.count, features.count, rawCoefficients, fills, rawIntercept, scores.baseAddress)
  }

  /// Coefficient times standardised value; the base is the log-odds of a patient at all means.
  public func contributions(_ rows: [Float], output: Int = 0) throws(ModelError) -> [Float] {
    try requireWholeRows(rows)
    let width = features.count
    return stride(from: 0, to: rows.count, by: width).flatMap { start in
      (0..<width).map { column in
        let value = rows[start + column]
        let filled = value.isNaN ? parameters.medians[column] : Double(value)
        let distance = (filled - parameters.means[column]) / parameters.deviations[column]
        return Float(parameters.coefficients[column] * distance)
      } + [Float(parameters.intercept)]
    }
  }

  /// Share of the sum of the coefficients' sizes (of standardised features), largest first.
  public func importance() -> [(feature: String, share: Double)] {
    let total = coefficients.reduce(0) { $0 + abs($1) }
    return zip(features, coefficients).map { (feature: $0, share: total > 0 ? abs($1) / total : 0) }
      .sorted { ($1.share, $0.feature) < ($0.share, $1.feature) }
  }
}

/// Mean, deviation and median of each column over its present values.
struct Standardisation: Sendable {
  let means: [Double]
  /// 1 for a constant column.
  let deviations: [Double]
  let medians: [Double]

  init(_ values: [Float], columns: Int) {
    var means: [Double] = []
    var deviations: [Double] = []
    var medians: [Double] = []
    for column in 0..<columns {
      var present = stride(from: column, to: values.count, by: columns).map { values[$0] }.filter { !$0.isNaN }
      present.sort()
      let median = present.isEmpty ? 0 : Double(present[present.count / 2] + present[(present.count - 1) / 2]) / 2
      // What is filled in counts too, so that the scaled column has mean 0 and deviation 1.
      let missing = Double(values.count / columns - present.count)
      let count = max(1, Double(present.count) + missing)
      let mean = (present.reduce(0) { $0 + Double($1) } + missing * median) / count
      let squares = present.reduce(missing * (median - mean) * (median - mean)) {
        $0 + (Double($1) - mean) * (Double($1) - mean)
      }
      let deviation = (squares / count).squareRoot()
      means.append(mean)
      deviations.append(deviation > 1e-12 ? deviation : 1)
      medians.append(median)
    }
    self.means = means
    self.deviations = deviations
    self.medians = medians
  }

  /// Row-major with one more column of ones.
  func standardisedWithOnes(_ values: [Float]) -> [Double] {
    let columns = means.count
    var scaled: [Double] = []
    scaled.reserveCapacity(values.count / max(1, columns) * (columns + 1))
    for start in stride(from: 0, to: values.count, by: columns) {
      for column in 0..<columns {
        let value = values[start + column]
        let filled = value.isNaN ? medians[column] : Double(value)
        scaled.append((filled - means[column]) / deviations[column])
      }
      scaled.append(1)
    }
    return scaled
  }
}

/// Solves a symmetric positive definite system, of which `matrix` (row-major) holds the lower triangle, by Cholesky's
/// decomposition; nil if it is not positive definite.
private func solved(_ matrix: [Double], _ right: [Double]) -> [Double]? {
  let count = right.count
  var lower = matrix
  for row in 0..<count {
    for column in 0...row {
      var sum = lower[row * count + column]
      for index in 0..<column { sum -= lower[row * count + index] * lower[column * count + index] }
      if row == column {
        guard sum > 0 else { return nil }
        lower[row * count + row] = sum.squareRoot()
      } else {
        lower[row * count + column] = sum / lower[column * count + column]
      }
    }
  }
  var solution = right
  for row in 0..<count {
    for index in 0..<row { solution[row] -= lower[row * count + index] * solution[index] }
    solution[row] /= lower[row * count + row]
  }
  for row in (0..<count).reversed() {
    for index in row + 1..<count { solution[row] -= lower[index * count + row] * solution[index] }
    solution[row] /= lower[row * count + row]
  }
  return solution
}
