import Foundation

/// What a version of a model is: trained on what, how, with which result. Stored as `model.json` beside the model and
/// rendered for people as `card.md`.
public struct ModelCard: Sendable, Hashable, Codable {
  /// The model's name, as in `predict_NAME`.
  public var name: String
  /// The version in its registry; empty until it is registered.
  public var version = ""
  /// How it was made.
  public var algorithm: ModelKind
  /// Its settings by name.
  public var settings: [String: Double]
  /// Features in order.
  public var features: [String]
  /// The classes in order when there are more than two.
  public var classes: [String]?
  /// The column that was learned.
  public var label: String
  /// The column whose groups never stand on both sides of a split.
  public var group: String
  /// "smote", "class-weights" or "none", applied to training parts only.
  public var balance: String
  /// Probability from which a record counts as positive, or score from which a reading counts as unusual; nil with
  /// more than two classes.
  public var threshold: Double?
  /// How the threshold was chosen.
  public var thresholdRule = ""
  /// Makes probabilities of the model's scores; part of the version, applied wherever it scores.
  public var calibration: Calibration?
  /// On the groups kept back for the final evaluation; nil with more than two classes, or when nothing is known.
  public var metrics: ClassificationMetrics?
  /// The same with more than two classes.
  public var multiclass: MulticlassMetrics?
  /// The same at thresholds from 0.1 to 0.9.
  public var thresholds: [ClassificationMetrics]?
  /// Whether the probabilities can be taken at their word, on the groups kept back.
  public var reliability: Reliability?
  /// The same for the scores before calibration.
  public var reliabilityBefore: Reliability?
  /// Figures by kinds of patients.
  public var fairness: [GroupFigures]?
  /// On all groups by cross-validation, when there are too few groups for one hold-out to say much.
  public var crossValidation: CrossValidation?
  /// What a model of earlier rows is worth on later ones.
  public var temporal: Temporal?
  /// What was tried when there was a choice of algorithms or settings.
  public var trials: [Trial]?
  /// How much each feature counts: share of total gain, or of the coefficients' sizes.
  public var importance: [String: Double] = [:]
  /// Mean size of each feature's contribution (SHAP) over a sample of the rows kept back.
  public var meanContribution: [String: Double]?
  /// What contributions add up to.
  public var contributionScale: ContributionScale?
  /// What it was trained on.
  public var data: TrainingData
  /// Seed of every random choice.
  public var seed: UInt64
  /// What learned, and its version.
  public var library: String
  /// FNV-1a hash over the model's file, so that a damaged file is found before it is used.
  public var modelFingerprint = ""
  /// When it was registered, ISO 8601 in UTC; empty until then.
  public var createdAt = ""

  /// A card for a model about which nothing is known yet but how it is made.
  public init(
    name: String, algorithm: ModelKind, settings: [String: Double], features: [String], label: String, group: String,
    balance: String = "none", threshold: Double? = nil, data: TrainingData = TrainingData(), seed: UInt64,
    library: String
  ) {
    self.name = name
    self.algorithm = algorithm
    self.settings = settings
    self.features = features
    self.label = label
    self.group = group
    self.balance = balance
    self.threshold = threshold
    self.data = data
    self.seed = seed
    self.library = library
  }

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

  /// Area under the ROC curve on the groups kept back; with more classes the mean over them.
  public var rocAUC: Double? { metrics?.rocAUC ?? multiclass?.macroROCAUC }
  /// F1 on the groups kept back; with more classes the mean over them.
  public var f1: Double? { metrics?.f1 ?? multiclass?.macroF1 }
}
