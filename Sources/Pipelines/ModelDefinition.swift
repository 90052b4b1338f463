/// A model that a pipeline trains and uses: in SQL `predict_NAME(feature, …)`, `model_version('NAME')` and
/// `model_threshold('NAME')`.
public struct ModelDefinition: Sendable, Hashable {
  /// How classes of unequal size are treated in the training part of the data.
  public enum Balance: String, Sendable, Hashable, CaseIterable {
    /// As they are.
    case none
    /// Synthetic minority over-sampling (Chawla 2002), on the training part only.
    case smote
  }

  /// What is trained.
  public enum Algorithm: String, Sendable, Hashable, CaseIterable {
    /// A random forest.
    case randomForest = "random-forest"

    /// The settings that ``ModelDefinition/parameters`` may hold, with the values that make sense.
    public var parameterRanges: [String: ClosedRange<Double>] {
      switch self {
      case .randomForest:
        [
          "trees": 1...10_000, "max_depth": 1...30, "row_share": 0.01...1, "feature_share": 0.01...1,
          "min_leaf_rows": 0...1e9, "smoothing": 0...1e9, "bins": 2...4096,
          // SMOTE's k.
          "neighbours": 1...1000,
        ]
      }
    }
  }

  /// The model's name, also in SQL.
  public var name: String
  /// The features in the order of the arguments of `predict_NAME`.
  public var features: [String]
  /// The files that make the training rows, in order, relative to the pipeline's folder.
  public var trainingFiles: [String]
  /// One SELECT over tables of the lake that gives the training rows: every feature, ``label`` and ``group``.
  ///
  /// Temporary views of the training files are folded in as common table expressions.
  public var trainingSQL: String
  /// Tables of the lake that ``trainingSQL`` reads.
  public var trainingInputs: [String]
  /// The column to predict: 0 or 1.
  public var label: String
  /// The column whose rows stay together when data is split: the patient.
  public var group: String
  /// How unequal classes are treated.
  public var balance: Balance
  /// What is trained.
  public var algorithm: Algorithm
  /// Settings of the algorithm by name (``Algorithm/parameterRanges``); what is not set keeps its default.
  public var parameters: [String: Double]
  /// The share of groups that is kept apart for evaluation, from 0.05 to 0.5.
  public var testFraction: Double
  /// The seed of everything random in training.
  public var seed: UInt64
  /// The probability from which a row counts as positive; nil lets training choose it.
  public var threshold: Double?

  /// A model from its parts.
  public init(
    name: String, features: [String], trainingFiles: [String] = [], trainingSQL: String,
    trainingInputs: [String] = [], label: String, group: String, balance: Balance = .none,
    algorithm: Algorithm = .randomForest, parameters: [String: Double] = [:], testFraction: Double = 0.2,
    seed: UInt64 = 42, threshold: Double? = nil
  ) {
    self.name = name
    self.features = features
    self.trainingFiles = trainingFiles
    self.trainingSQL = trainingSQL
    self.trainingInputs = trainingInputs
    self.label = label
    self.group = group
    self.balance = balance
    self.algorithm = algorithm
    self.parameters = parameters
    self.testFraction = testFraction
    self.seed = seed
    self.threshold = threshold
  }
}
