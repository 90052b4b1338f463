import Foundation

/// A logistic regression that learns one labelled row at a time by stochastic gradient descent with AdaGrad's step sizes
/// (Duchi 2011), on features that are scaled by their running mean and deviation.
///
/// Each row is scored before it is learned from (prequential evaluation, Gama 2013), so that the figures are those of
/// rows that the model had not seen. A missing value counts as the mean.
public struct OnlineLogistic: Sendable, Hashable, Codable {
  /// Features in order.
  public let features: [String]
  /// Size of the first steps.
  public var rate: Double
  /// Weight of the squared coefficients.
  public var penalty: Double
  /// Rows learned from.
  public private(set) var updates = 0
  private var coefficients: [Double]
  private var intercept = 0.0
  private var squares: [Double]
  private var interceptSquares = 0.0
  private var counts: [Double]
  private var means: [Double]
  private var deviations2: [Double]
  /// The newest rows' scores before they were learned from, and their truth.
  private var recentScores: [Float] = []
  private var recentLabels: [Bool] = []
  /// nil is missing; JSON has no NaN.
  private var inputs: [Float?] = []

  /// Rows that the prequential figures and the fingerprint look back on.
  public static let memory = 5_000
  /// How far the influence of a row on mean and deviation reaches.
  private static let horizon = 20_000.0

  /// A learner that knows nothing.
  public init(features: [String], rate: Double = 0.1, penalty: Double = 1e-4) {
    self.features = features
    self.rate = rate
    self.penalty = penalty
    let zeros = [Double](repeating: 0, count: features.count)
    coefficients = zeros
    squares = zeros
    counts = zeros
    means = zeros
    deviations2 = zeros
  }

  /// The probability of a row; NaN is missing.
  public func probability(_ row: some Collection<Float>) -> Double {
    var sum = intercept
    for (index, value) in zip(features.indices, row) { sum += coefficients[index] * scaled(value, index) }
    return 1 / (1 + exp(-sum))
  }

  /// Learns from a row and its truth.
  public mutating func learn(_ row: some Collection<Float>, label: Bool) {
    precondition(row.count == features.count)
    for (index, value) in zip(features.indices, row) where !value.isNaN { note(Double(value), index) }
    let score = probability(row)
    remember(row, score: score, label: label)
    let error = score - (label ? 1 : 0)
    for (index, value) in zip(features.indices, row) {
      let gradient = error * scaled(value, index) + penalty * coefficients[index]
      squares[index] += gradient * gradient
      coefficients[index] -= rate * gradient / (squares[index].squareRoot() + 1e-8)
    }
    interceptSquares += error * error
    intercept -= rate * error / (interceptSquares.squareRoot() + 1e-8)
    updates += 1
  }

  /// What learned: forgets how far it has come, so that steps are large again. For use after a change was found.
  public mutating func restartSteps() {
    squares = [Double](repeating: 0, count: features.count)
    interceptSquares = 0
  }

  private func scaled(_ value: Float, _ index: Int) -> Double {
    guard !value.isNaN else { return 0 }
    return (Double(value) - means[index]) / deviation(index)
  }

  private func deviation(_ index: Int) -> Double {
    let deviation = deviations2[index].squareRoot()
    return deviation > 1e-9 ? deviation : 1
  }

  /// Running mean and variance (Welford), the newest `horizon` rows counting most.
  private mutating func note(_ value: Double, _ index: Int) {
    counts[index] = min(counts[index] + 1, Self.horizon)
    let share = 1 / counts[index]
    let difference = value - means[index]
    means[index] += difference * share
    deviations2[index] += (difference * (value - means[index]) - deviations2[index]) * share
  }

  private mutating func remember(_ row: some Collection<Float>, score: Double, label: Bool) {
    recentScores.append(Float(score))
    recentLabels.append(label)
    inputs += row.lazy.map { $0.isNaN ? nil : $0 }
    guard recentScores.count > 2 * Self.memory else { return }
    recentScores.removeFirst(Self.memory)
    recentLabels.removeFirst(Self.memory)
    inputs.removeFirst(Self.memory * features.count)
  }

  /// What is known at the moment as a model with its card; nil before both classes have come.
  ///
  /// The figures are prequential, over the newest rows.
  public func trained(name: String, label: String, group: String, seed: UInt64 = 0) throws(ModelError) -> TrainedModel?
  {
    let scores = recentScores.suffix(Self.memory).map(Double.init)
    let labels = Array(recentLabels.suffix(Self.memory))
    guard labels.contains(true), labels.contains(false) else { return nil }
    let threshold = ClassificationMetrics.thresholdOfBestMacroF1(labels: labels, probabilities: scores)
    var card = ModelCard(
      name: name, algorithm: .logisticRegression, settings: ["rate": rate, "penalty": penalty], features: features,
      label: label, group: group, threshold: threshold, seed: seed, library: "Lakeward")
    card.thresholdRule = "best mean F1 of both classes on the newest rows, each scored before it was learned from"
    card.metrics = ClassificationMetrics(labels: labels, probabilities: scores, threshold: threshold)
    card.reliability = Reliability(labels: labels, probabilities: scores)
    card.data.rows = updates
    card.data.trainingRows = updates
    card.data.testRows = labels.count
    card.data.positiveRows = labels.count(where: \.self)
    card.data.source = "outcomes, one at a time: \(updates) so far"
    let model = try LogisticModel(
      LogisticModel.Parameters(
        features: features, coefficients: coefficients, intercept: intercept, means: means,
        deviations: features.indices.map(deviation), medians: means))
    for (feature, share) in model.importance() { card.importance[feature] = share }
    let rows = inputs.suffix(Self.memory * features.count).map { $0 ?? .nan }
    return TrainedModel(
      model: model, card: card,
      fingerprint: DistributionFingerprint(
        features: features, values: rows, predictions: Array(recentScores.suffix(Self.memory))))
  }
}

extension OnlineLogistic {
  /// A learner with the outcomes that it has taken, as one file: after a crash both are of the same moment.
  public struct Checkpoint: Sendable, Hashable, Codable {
    /// The learner.
    public var learner: OnlineLogistic
    /// Outcomes that arrived until then are learned, in microseconds since 1970.
    public var arrived: Int64
    /// Updates at the last version that was registered.
    public var registered: Int

    /// A checkpoint from its parts.
    public init(learner: OnlineLogistic, arrived: Int64, registered: Int = 0) {
      self.learner = learner
      self.arrived = arrived
      self.registered = registered
    }
  }
}

extension ModelRegistry {
  /// The online learner of a model; nil if there is none yet. Throws `corruptModel`.
  public func onlineCheckpoint(of name: String) throws(ModelError) -> OnlineLogistic.Checkpoint? {
    try Self.check(name: name)
    let path = "\(directory)/\(name)/online.json"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return try decoded(OnlineLogistic.Checkpoint.self, try readFile(path))
  }

  /// Replaces the online learner of a model in one step.
  public func save(_ checkpoint: OnlineLogistic.Checkpoint, of name: String) throws(ModelError) {
    try Self.check(name: name)
    let parent = "\(directory)/\(name)"
    try makeFolder(parent)
    let temporary = "\(parent)/.online-\(UUID().uuidString)"
    try writeFile(try jsonBytes(checkpoint), to: temporary)
    try rename(temporary, to: "\(parent)/online.json")
    try syncFolder(parent)
  }
}
