import Foundation

/// What a version of a model is: trained on what, how, with which result. Stored as `model.json` beside the model and
/// rendered for people as `card.md`.
public struct ModelCard: Sendable, Hashable, Codable {
  /// The rows that a model was trained and evaluated on; counts only.
  public struct TrainingData: Sendable, Hashable, Codable {
    /// Labelled rows in all parts together.
    public var rows: Int
    /// Distinct groups (patients) in all parts together.
    public var groups: Int
    /// Rows of the positive class.
    public var positiveRows: Int
    /// Rows that were left out because they had no label.
    public var unlabelledRows: Int
    /// Rows and groups that the saved model learned from, before balancing.
    public var trainingRows: Int
    /// Groups that the saved model learned from.
    public var trainingGroups: Int
    /// Synthetic minority rows that balancing added to the training part.
    public var syntheticRows: Int
    /// Rows kept back for the final evaluation.
    public var testRows: Int
    /// Groups kept back for the final evaluation; none of them was trained on.
    public var testGroups: Int
    /// Share of missing values by feature, over all rows.
    public var missingShare: [String: Double]
    /// Hash over all labelled rows in their canonical order (see `Dataset.fingerprint`).
    public var fingerprint: String
  }

  /// Mean and standard deviation over the folds of a repeated cross-validation by group.
  public struct CrossValidation: Sendable, Hashable, Codable {
    /// One measure over all folds in which it is defined.
    public struct Spread: Sendable, Hashable, Codable {
      /// Arithmetic mean.
      public var mean: Double
      /// Sample standard deviation, 0 for one fold.
      public var standardDeviation: Double
    }
    /// Folds per repetition.
    public var folds: Int
    /// Repetitions with other folds.
    public var repetitions: Int
    /// Measures by name, as in `ClassificationMetrics`.
    public var measures: [String: Spread]
  }

  /// The model's name, as in `predict_NAME`.
  public var name: String
  /// The version in its registry; empty until it is registered.
  public var version = ""
  /// "random-forest".
  public var algorithm: String
  /// How the trees were grown.
  public var settings: ForestSettings
  /// Features in order.
  public var features: [String]
  /// The column that was learned.
  public var label: String
  /// The column whose groups never stand on both sides of a split.
  public var group: String
  /// "smote" or "none", applied to training parts only.
  public var balance: String
  /// Probability from which a record counts as positive.
  public var threshold: Double
  /// How the threshold was chosen.
  public var thresholdRule: String
  /// On the groups kept back for the final evaluation.
  public var metrics: ClassificationMetrics
  /// On all groups by cross-validation, when there are too few groups for one hold-out to say much.
  public var crossValidation: CrossValidation?
  /// Share of total gain by feature.
  public var importance: [String: Double]
  /// What it was trained on.
  public var data: TrainingData
  /// Seed of every random choice.
  public var seed: UInt64
  /// XGBoost and its version.
  public var library: String
  /// FNV-1a hash over `model.ubj`, so that a damaged file is found before XGBoost reads it.
  public var modelFingerprint = ""
  /// When it was registered, ISO 8601 in UTC; empty until then.
  public var createdAt = ""

  /// The card as JSON, keys sorted.
  public func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [0x0A]
  }

  /// A card from the JSON of `model.json`.
  public init(json: [UInt8]) throws {
    self = try JSONDecoder().decode(ModelCard.self, from: Data(json))
  }
}

extension ModelCard {
  init(
    name: String, algorithm: String, settings: ForestSettings, features: [String], label: String, group: String,
    balance: String, threshold: Double, thresholdRule: String, metrics: ClassificationMetrics,
    crossValidation: CrossValidation?, importance: [String: Double], data: TrainingData, seed: UInt64, library: String
  ) {
    self.name = name
    self.algorithm = algorithm
    self.settings = settings
    self.features = features
    self.label = label
    self.group = group
    self.balance = balance
    self.threshold = threshold
    self.thresholdRule = thresholdRule
    self.metrics = metrics
    self.crossValidation = crossValidation
    self.importance = importance
    self.data = data
    self.seed = seed
    self.library = library
  }
}
