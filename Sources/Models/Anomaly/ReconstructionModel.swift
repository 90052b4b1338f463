internal import CLearning
internal import Foundation

/// A network that learned to reconstruct usual readings: what it cannot reconstruct is unusual.
///
/// The score is the mean over the present values of (error / usual error)², where the usual error is a feature's root
/// mean square over the training rows: about 1 for a usual reading. A dense autoencoder looks at one reading; an LSTM
/// autoencoder at a sequence, of which the last reading counts as much as all others together.
public final class ReconstructionModel: Model {
  private struct Parameters: Codable {
    var kind: ModelKind
    var features: [String]
    var hidden: Int
    var code: Int
    var steps: Int
    var means: [Double]
    var deviations: [Double]
    /// Root mean square error by feature, in deviations.
    var usualErrors: [Double]
    /// In the order of `network.h`.
    var weights: PackedFloats
  }

  /// `autoencoder` or `lstm`.
  public var kind: ModelKind { parameters.kind }
  /// Feature names in order.
  public var features: [String] { parameters.features }
  /// Readings in a row.
  public var steps: Int { parameters.steps }
  /// One score.
  public var outputs: Int { 1 }
  /// Contributions add up to the score.
  public var contributionScale: ContributionScale { .score }
  /// `parameters.json`.
  public let serialized: [UInt8]
  private let parameters: Parameters
  private let network: Network

  /// Values further from the mean than this many deviations enter as if they were there.
  private static let clip: Float = 8

  private init(_ parameters: Parameters) throws(ModelError) {
    let network = Network(
      kind: parameters.kind, inputs: parameters.features.count, hidden: parameters.hidden, code: parameters.code,
      steps: parameters.steps)
    let lists = [parameters.means, parameters.deviations, parameters.usualErrors]
    guard
      parameters.kind == .autoencoder && parameters.steps == 1 || parameters.kind == .lstm, parameters.steps > 0,
      parameters.hidden > 0, parameters.code > 0, !parameters.features.isEmpty,
      lists.allSatisfy({ $0.count == parameters.features.count }), parameters.deviations.allSatisfy({ $0 > 0 }),
      parameters.usualErrors.allSatisfy({ $0 > 0 }), parameters.weights.values.count == network.parameterCount
    else { throw ModelError(.corruptModel, "the network's numbers do not fit its shape") }
    self.parameters = parameters
    self.network = network
    serialized = try jsonBytes(parameters)
  }

  /// Reads `parameters.json`. Throws `corruptModel`, or `features` if it was trained on others.
  public convenience init(serialized: [UInt8], features: [String]? = nil) throws(ModelError) {
    let parameters = try decoded(Parameters.self, serialized)
    try requireSame(features, parameters.features)
    try self.init(parameters)
  }

  /// Trains on `rows` (row-major, `features.count * settings.steps` values each). The same rows, settings and seed give
  /// the same network. `progress` gets the number of passes done and the error that the last one had.
  public static func train(
    _ rows: [Float], features: [String], kind: ModelKind, settings: NetworkSettings, seed: UInt64,
    progress: (Int, Double) -> Void = { _, _ in }
  ) throws(ModelError) -> ReconstructionModel {
    let width = features.count * settings.steps
    let count = width == 0 ? 0 : rows.count / width
    guard count >= 10 else {
      throw ModelError(.trainingData, "there are \(count) readings to learn from", hint: "run the pipeline first")
    }
    let scales = Standardisation(rows, columns: features.count)
    let scaled = Self.scaled(rows, scales.means.map { Float($0) }, scales.deviations.map { Float(1 / $0) })
    let network = Network(
      kind: kind, inputs: features.count, hidden: settings.hidden, code: settings.code, steps: settings.steps)
    let weights = network.trained(scaled, settings, seed: seed, progress: progress)
    var model = Parameters(
      kind: kind, features: features, hidden: settings.hidden, code: settings.code, steps: settings.steps,
      means: scales.means, deviations: scales.deviations, usualErrors: features.map { _ in 1 },
      weights: PackedFloats(weights))
    let residuals = network.residuals(scaled, weights)
    model.usualErrors = features.indices.map { column in
      let present = stride(from: column, to: residuals.count, by: features.count)
        .map { residuals[$0] }.filter { !$0.isNaN }
      let squares = present.reduce(0.0) { $0 + Double($1) * Double($1) }
      return max(1e-3, (squares / Double(max(1, present.count))).squareRoot())
    }
    return try ReconstructionModel(model)
  }

  /// Writes one score for each row; NaN when the last reading has no value.
  public func predict(_ rows: UnsafeBufferPointer<Float>, into scores: UnsafeMutableBufferPointer<Float>)
    throws(ModelError)
  {
    let parts = parts(Array(rows))
    let columns = features.count
    for row in scores.indices {
      var sum: Float = 0
      for column in 0..<columns { sum += parts[row * columns + column] }
      scores[row] = sum
    }
  }

  /// Each feature's part of the score; the base is 0.
  public func contributions(_ rows: [Float], output: Int = 0) throws(ModelError) -> [Float] {
    try requireWholeRows(rows)
    let parts = parts(rows)
    let columns = features.count
    return stride(from: 0, to: parts.count, by: columns).flatMap { parts[$0..<$0 + columns] + [0] }
  }

  /// Equal shares: every feature is reconstructed.
  public func importance() -> [(feature: String, share: Double)] {
    features.map { (feature: $0, share: 1 / Double(features.count)) }
  }

  /// Per row and feature: its squared error in usual errors, weighted so that all add up to the score.
  private func parts(_ rows: [Float]) -> [Float] {
    let columns = features.count
    let scaled = Self.scaled(
      rows, parameters.means.map { Float($0) }, parameters.deviations.map { Float(1 / $0) })
    let residuals = network.residuals(scaled, parameters.weights.values)
    let weights = parameters.usualErrors.map { Float(1 / ($0 * $0)) }
    var parts = [Float](repeating: 0, count: rows.count / steps)
    for row in 0..<parts.count / columns {
      let start = row * width
      let last = start + (steps - 1) * columns
      var lastPresent: Float = 0
      var present: Float = 0
      for index in start..<last where !residuals[index].isNaN { present += 1 }
      for index in last..<last + columns where !residuals[index].isNaN { lastPresent += 1 }
      let lastShare = present > 0 ? 0.5 / lastPresent : 1 / lastPresent
      for column in 0..<columns {
        var sum: Float = 0
        for step in 0..<steps {
          let residual = residuals[start + step * columns + column]
          guard !residual.isNaN else { continue }
          sum += residual * residual * weights[column] * (step == steps - 1 ? lastShare : 0.5 / present)
        }
        parts[row * columns + column] = lastPresent > 0 ? sum : .nan
      }
    }
    return parts
  }

  private static func scaled(_ rows: [Float], _ means: [Float], _ scales: [Float]) -> [Float] {
    let columns = means.count
    return [Float](unsafeUninitializedCapacity: rows.count) { scaled, count in
      for start in stride(from: 0, to: rows.count, by: columns) {
        for column in 0..<columns {
          let value = (rows[start + column] - means[column]) * scales[column]
          // NaN stays.
          scaled[start + column] = value > clip ? clip : value < -clip ? -clip : value
        }
      }
      count = rows.count
    }
  }
}
