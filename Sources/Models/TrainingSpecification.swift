/// What to train: the part of a pipeline's model definition that does not say where the data come from.
public struct TrainingSpecification: Sendable, Hashable {
  /// What is done in training parts about classes of different sizes.
  public enum Balance: Sendable, Hashable {
    /// Train on the rows as they are.
    case none
    /// Synthetic minority rows (see `SMOTE`).
    case smote(neighbours: Int)
    /// Rows of a small class count more, so that each class counts the same in all.
    case classWeights

    /// As a definition spells it.
    public var name: String {
      switch self {
      case .none: "none"
      case .smote: "smote"
      case .classWeights: "class-weights"
      }
    }
  }

  /// How the decision threshold is found.
  public enum ThresholdRule: Sendable, Hashable {
    /// The best mean of both classes' F1 on rows of patients that the scoring model did not see, inside the
    /// development part.
    case bestMacroF1
    /// The best F1 of the positives, found in the same way.
    case bestF1
    /// A fixed probability.
    case fixed(Double)
  }

  /// Whether scores are made into probabilities that can be taken at their word (see `Calibration`).
  public enum CalibrationRule: Sendable, Hashable {
    /// Scores stay as they are.
    case none
    /// By a method.
    case method(Calibration.Method)
    /// Isotonic from 500 rows of the smallest class on, else Platt's.
    case automatic
  }

  /// The model's name, as in `predict_NAME`.
  public var name: String
  /// Columns of the training query, in the order of `predict_NAME`'s arguments.
  public var features: [String]
  /// The column to learn: Boolean or 0/1; with `classes` a text.
  public var label: String
  /// The column that identifies a patient.
  public var group: String
  /// The classes in order, when there are more than two.
  public var classes: [String] = []
  /// Columns by which figures are reported apart (fairness), such as an age group.
  public var attributes: [String] = []
  /// When a row happened; if given, a model that saw only the earlier rows is also judged on the later ones.
  public var time: String?
  /// SMOTE with k = 5 unless told otherwise.
  public var balance: Balance = .smote(neighbours: 5)
  /// What learns; of several the best by cross-validation.
  public var learners: [Learner] = [.randomForest(.forest)]
  /// Values to try by name of a parameter; the best combination by cross-validation is taken.
  public var search: [String: [Double]] = [:]
  /// Most combinations to try for each learner.
  public var searchLimit = 20
  /// Whether and how scores are calibrated.
  public var calibration: CalibrationRule = .none
  /// Share of the groups that is kept back for the final evaluation.
  public var testShare = 0.2
  /// How the decision threshold is found; without meaning for more than two classes.
  public var thresholdRule: ThresholdRule = .bestMacroF1
  /// Folds by group inside the development part, from which the threshold comes.
  public var folds = 5
  /// Below this number of groups the whole procedure is also cross-validated `repetitions` times, because one
  /// hold-out of a few patients says little.
  public var smallDataGroups = 200
  /// Repetitions of the cross-validation on small data.
  public var repetitions = 5
  /// From this number of groups on, one fold is enough to choose a threshold, a calibration and settings.
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

  /// Whether the question is yes or no.
  var isBinary: Bool { classes.isEmpty }

  /// Every learner with every combination of the search.
  func candidates() throws(ModelError) -> [Learner] {
    var candidates: [Learner] = []
    for learner in learners { candidates += try learner.combinations(search, limit: searchLimit) }
    return candidates
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
    try require(!learners.isEmpty, "has no algorithm", "use random-forest")
    try require(
      classes.isEmpty || classes.count > 2 && Set(classes).count == classes.count,
      "lists \(classes.count) classes", "list three or more different ones, or none for a label of 0 and 1")
    try require((0.05...0.5).contains(testShare), "has a test share of \(testShare)", "use 0.05 to 0.5")
    try require(folds >= 2 && repetitions >= 1, "has \(folds) folds", "use at least 2 folds and 1 repetition")
    if case .fixed(let threshold) = thresholdRule {
      try require((0...1).contains(threshold), "has a threshold of \(threshold)", "use a probability")
    }
    if case .smote(let neighbours) = balance {
      try require(neighbours > 0, "asks SMOTE for \(neighbours) neighbours", "use 1 or more")
    }
    // A value out of range is found here, not after an hour of search.
    for learner in try candidates() {
      switch learner {
      case .randomForest(let settings), .gradientBoostedTrees(let settings): try settings.validate()
      case .logisticRegression(let settings): try settings.validate()
      }
    }
  }
}
