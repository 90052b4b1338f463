/// What to train: the part of a pipeline's model definition that does not say where the data come from.
public struct TrainingSpecification: Sendable, Hashable {
  /// How the classes are made equal in training parts.
  public enum Balance: Sendable, Hashable {
    /// Train on the rows as they are.
    case none
    /// Synthetic minority rows (see `SMOTE`).
    case smote(neighbours: Int)

    /// As a definition spells it: "none" or "smote".
    public var name: String {
      switch self {
      case .none: "none"
      case .smote: "smote"
      }
    }
  }

  /// How the decision threshold is found.
  public enum ThresholdRule: Sendable, Hashable {
    /// The best mean of both classes' F1 on rows of patients that the scoring forest did not see, inside the
    /// development part.
    case bestMacroF1
    /// The best F1 of the positives, found in the same way.
    case bestF1
    /// A fixed probability.
    case fixed(Double)
  }

  /// The model's name, as in `predict_NAME`.
  public var name: String
  /// Columns of the training query, in the order of `predict_NAME`'s arguments.
  public var features: [String]
  /// The column to learn: Boolean or 0/1.
  public var label: String
  /// The column that identifies a patient.
  public var group: String
  /// SMOTE with k = 5 unless told otherwise.
  public var balance: Balance = .smote(neighbours: 5)
  /// How the forest is grown.
  public var settings = ForestSettings()
  /// Share of the groups that is kept back for the final evaluation.
  public var testShare = 0.2
  /// How the decision threshold is found.
  public var thresholdRule: ThresholdRule = .bestMacroF1
  /// Folds by group inside the development part, from which the threshold comes.
  public var folds = 5
  /// Below this number of groups the whole procedure is also cross-validated `repetitions` times, because one
  /// hold-out of a few patients says little.
  public var smallDataGroups = 200
  /// Repetitions of the cross-validation on small data.
  public var repetitions = 5
  /// From this number of groups on, one fold is enough to choose a threshold.
  public var largeDataGroups = 2_000
  /// Seed of every random choice.
  public var seed: UInt64 = 42

  /// A specification with the defaults above.
  public init(name: String, features: [String], label: String, group: String) {
    self.name = name
    self.features = features
    self.label = label
    self.group = group
  }

  func validate() throws(ModelError) {
    try ModelRegistry.check(name: name)
    func require(_ holds: Bool, _ message: String, _ hint: String) throws(ModelError) {
      if !holds { throw ModelError(.invalidSpecification, "the model \(name) \(message)", hint: hint) }
    }
    try require(!features.isEmpty, "has no features", "list the columns that it may look at")
    try require(
      Set(features.map { $0.lowercased() }).count == features.count, "lists a feature twice", "remove the second")
    let leaks = features.filter { [label.lowercased(), group.lowercased()].contains($0.lowercased()) }
    try require(
      leaks.isEmpty, "would learn from its label or group (\(leaks.joined()))", "remove it from the features")
    try require((0.05...0.5).contains(testShare), "has a test share of \(testShare)", "use 0.05 to 0.5")
    try require(folds >= 2 && repetitions >= 1, "has \(folds) folds", "use at least 2 folds and 1 repetition")
    if case .fixed(let threshold) = thresholdRule {
      try require((0...1).contains(threshold), "has a threshold of \(threshold)", "use a probability")
    }
    if case .smote(let neighbours) = balance {
      try require(neighbours > 0, "asks SMOTE for \(neighbours) neighbours", "use 1 or more")
    }
    try settings.validate()
  }
}

extension ForestSettings {
  /// Settings from a definition's parameters: trees, max_depth, row_share, feature_share, min_leaf_rows, smoothing,
  /// bins; what is not named keeps its default. Throws `invalidSpecification` for an unknown name or a value out of
  /// range.
  public init(parameters: [String: Double]) throws(ModelError) {
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
      // Far outside every setting's range, and safe to convert.
      let whole = Int(min(max(value.isNaN ? -1 : value, -1), 1e9))
      switch name {
      case "trees": trees = whole
      case "max_depth": maxDepth = whole
      case "row_share": rowShare = value
      case "feature_share": featureShare = value
      case "min_leaf_rows": minLeafRows = value
      case "smoothing": smoothing = value
      case "bins": bins = whole
      default:
        throw ModelError(
          .invalidSpecification, "a random forest has no parameter \(name)",
          hint: "use trees, max_depth, row_share, feature_share, min_leaf_rows, smoothing or bins")
      }
    }
    try validate()
  }

  func validate() throws(ModelError) {
    func require(_ holds: Bool, _ name: String, _ range: String) throws(ModelError) {
      if !holds {
        throw ModelError(.invalidSpecification, "\(name) of a random forest is out of range", hint: "use \(range)")
      }
    }
    try require((1...10_000).contains(trees), "the number of trees", "1 to 10000")
    try require((1...30).contains(maxDepth), "the depth", "1 to 30")
    try require(rowShare > 0 && rowShare <= 1, "the row share", "a share above 0, at most 1")
    try require(featureShare.map { $0 > 0 && $0 <= 1 } ?? true, "the feature share", "a share above 0, at most 1")
    try require(minLeafRows >= 0 && smoothing >= 0, "the leaf size or smoothing", "0 or more")
    try require((2...4096).contains(bins), "the number of bins", "2 to 4096")
    try require(threads >= 0, "the number of threads", "0 for every core, or more")
  }
}
