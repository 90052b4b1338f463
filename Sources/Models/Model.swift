/// A trained model: rows of features in, scores out. Immutable, for any number of threads.
///
/// A row is float32 in the order of `features`, NaN for missing. A model over sequences (`steps` above 1) takes the
/// readings of a row one after another, oldest first; readings that are not there are NaN throughout.
public protocol Model: Sendable {
  /// How it was made.
  var kind: ModelKind { get }
  /// Names of the features of one reading, in order.
  var features: [String] { get }
  /// Readings per row: 1 for all but sequence models.
  var steps: Int { get }
  /// Scores per row: 1 for the probability of the positive class or an anomaly's score, else one per class.
  var outputs: Int { get }
  /// The bytes of the model's file, from which `ModelFile.load` makes it again.
  var serialized: [UInt8] { get }

  /// Writes the scores of `rows` (row-major, `features.count * steps` values each), `outputs` for each row.
  func predict(_ rows: UnsafeBufferPointer<Float>, into scores: UnsafeMutableBufferPointer<Float>) throws(ModelError)

  /// What each feature adds to one output: per row one value per feature, and then the base. They add up to what
  /// `contributionScale` names.
  func contributions(_ rows: [Float], output: Int) throws(ModelError) -> [Float]

  /// What contributions add up to.
  var contributionScale: ContributionScale { get }

  /// How much each feature counts in the whole model, as shares of 1, largest first.
  func importance() throws(ModelError) -> [(feature: String, share: Double)]
}

/// What the contributions of a model add up to.
public enum ContributionScale: String, Sendable, Hashable, Codable {
  /// The probability before calibration.
  case probability
  /// The logarithm of the odds, or a class's margin before softmax.
  case margin
  /// The anomaly's score.
  case score
}

extension Model {
  /// One reading per row.
  public var steps: Int { 1 }
  /// Values per row.
  public var width: Int { features.count * steps }

  /// The scores of `rows` (row-major, `width` values per row), `outputs` for each row.
  public func predict(_ rows: [Float]) throws(ModelError) -> [Float] {
    try requireWholeRows(rows)
    var scores = [Float](repeating: 0, count: rows.count / width * outputs)
    do {
      try rows.withUnsafeBufferPointer { rows in
        try scores.withUnsafeMutableBufferPointer { try predict(rows, into: $0) }
      }
    } catch {
      throw ModelError.rethrown(error)
    }
    return scores
  }

  func requireWholeRows(_ rows: [Float]) throws(ModelError) {
    guard rows.count.isMultiple(of: width) else {
      throw ModelError(.features, "\(rows.count) values are not whole rows of \(width) features")
    }
  }
}

/// Models as files.
enum ModelFile {
  /// A model of `kind` from the bytes of its file. Throws `corruptModel`, or `features` if they are others.
  static func load(_ kind: ModelKind, _ bytes: [UInt8], features: [String]) throws(ModelError) -> any Model {
    switch kind {
    case .randomForest, .gradientBoostedTrees, .imported:
      try ForestModel(serialized: bytes, features: features, kind: kind)
    case .logisticRegression: try LogisticModel(serialized: bytes, features: features)
    case .isolationForest: try IsolationForest(serialized: bytes, features: features)
    case .autoencoder, .lstm: try ReconstructionModel(serialized: bytes, features: features)
    }
  }
}
