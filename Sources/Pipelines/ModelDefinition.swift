/// A model that a pipeline trains and uses: in SQL `predict_NAME(feature, …)` or `anomaly_NAME(feature, …)`,
/// `explain_NAME(feature, …)`, `model_version('NAME')` and `model_threshold('NAME')`.
public struct ModelDefinition: Sendable, Hashable {
  /// How classes of unequal size are treated in the training part of the data.
  public enum Balance: String, Sendable, Hashable, CaseIterable {
    /// As they are.
    case none
    /// Synthetic minority over-sampling (Chawla 2002), on the training part only.
    case smote
    /// Rows of a small class count more.
    case classWeights = "class-weights"
  }

  /// Whether scores are made into probabilities that can be taken at their word.
  public enum Calibration: String, Sendable, Hashable, CaseIterable {
    /// They stay as they are.
    case none
    /// By rising steps.
    case isotonic
    /// By a logistic curve (Platt).
    case platt
    /// Isotonic with many rows, else Platt's.
    case automatic
  }

  /// The model's name, also in SQL.
  public var name: String
  /// The features in the order of the functions' arguments.
  public var features: [String]
  /// The files that make the training rows, in order, relative to the pipeline's folder.
  public var trainingFiles: [String]
  /// One SELECT over tables of the lake that gives the training rows: every feature, ``label`` and ``group``.
  ///
  /// Temporary views of the training files are folded in as common table expressions.
  public var trainingSQL: String
  /// Tables of the lake that ``trainingSQL`` reads.
  public var trainingInputs: [String]
  /// The column to predict: 0 or 1, or one of ``classes``. For a model that finds anomalies it may be empty; if it is
  /// there, it says which readings were truly unusual and serves evaluation alone.
  public var label: String
  /// The classes in order, when there are more than two.
  public var classes: [String] = []
  /// The column whose rows stay together when data is split: the patient.
  public var group: String
  /// The column that says when a row happened, if there is one; sequences follow it.
  public var time: String?
  /// Columns by which figures are reported apart, such as an age group.
  public var fairness: [String] = []
  /// How unequal classes are treated.
  public var balance: Balance
  /// Whether and how probabilities are calibrated.
  public var calibration: Calibration = .none
  /// What is trained; of several the best by cross-validation.
  public var algorithms: [Algorithm]
  /// Settings of the algorithm by name (``Algorithm/parameterRanges``); what is not set keeps its default.
  public var parameters: [String: Double]
  /// Values to try for settings; the best combination by cross-validation is taken.
  public var search: [String: [Double]] = [:]
  /// The share of groups that is kept apart for evaluation, from 0.05 to 0.5.
  public var testFraction: Double
  /// The seed of everything random in training.
  public var seed: UInt64
  /// The probability from which a row counts as positive; nil lets training choose it.
  public var threshold: Double?
  /// The share of training readings that a model that finds anomalies calls unusual.
  public var contamination = 0.01
  /// Whether the pipeline runs before a version is live, with NULL for scores.
  public var isOptional = false

  /// What its answers look like in the table that holds them; nil takes the usual columns (``scores``).
  public var scoreColumns: ScoreColumns?

  /// Whether and how it learns from outcomes as they arrive; for two classes.
  public var online: OnlineRule?
  /// When it is trained again by itself.
  public var retraining: RetrainingRule?

  /// What its answers look like in the table that holds them. With classes the last one counts as positive.
  public var scores: ScoreColumns {
    if let scoreColumns { return scoreColumns }
    if algorithm.findsAnomalies {
      return ScoreColumns(model: name, probability: "anomaly_score", alert: "anomaly_flag")
    }
    guard let last = classes.last else { return ScoreColumns(model: name) }
    let quoted = last.replacing("'", with: "''")
    return ScoreColumns(model: name, alert: "\"\(label)\" = '\(quoted)'", positive: last)
  }

  /// What is trained: the first of ``algorithms``.
  public var algorithm: Algorithm { algorithms.first ?? .randomForest }

  /// A model from its parts.
  public init(
    name: String, features: [String], trainingFiles: [String] = [], trainingSQL: String,
    trainingInputs: [String] = [], label: String, group: String, balance: Balance = .none,
    algorithms: [Algorithm] = [.randomForest], parameters: [String: Double] = [:], testFraction: Double = 0.2,
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
    self.algorithms = algorithms
    self.parameters = parameters
    self.testFraction = testFraction
    self.seed = seed
    self.threshold = threshold
  }
}

extension ModelDefinition {
  /// What is trained.
  public enum Algorithm: String, Sendable, Hashable, CaseIterable {
    /// A random forest.
    case randomForest = "random-forest"
    /// Gradient-boosted trees.
    case gradientBoostedTrees = "gradient-boosted-trees"
    /// A logistic regression on scaled features.
    case logisticRegression = "logistic-regression"
    /// An isolation forest: finds unusual readings without labels.
    case isolationForest = "isolation-forest"
    /// A dense autoencoder: the same by how badly a reading is reconstructed.
    case autoencoder
    /// An LSTM autoencoder over each patient's last readings.
    case lstm

    /// Whether it learns what is usual, without labels.
    public var findsAnomalies: Bool {
      switch self {
      case .isolationForest, .autoencoder, .lstm: true
      case .randomForest, .gradientBoostedTrees, .logisticRegression: false
      }
    }

    /// The settings that ``ModelDefinition/parameters`` may hold, with the values that make sense.
    public var parameterRanges: [String: ClosedRange<Double>] {
      let trees: [String: ClosedRange<Double>] = [
        "trees": 1...10_000, "max_depth": 1...30, "row_share": 0.01...1, "feature_share": 0.01...1,
        "min_leaf_rows": 0...1e9, "smoothing": 0...1e9, "bins": 2...4096,
      ]
      // SMOTE's k.
      let balancing: [String: ClosedRange<Double>] = ["neighbours": 1...1000]
      let network: [String: ClosedRange<Double>] = [
        "hidden": 1...512, "code": 1...256, "epochs": 1...10_000, "batch": 1...100_000, "learning_rate": 1e-6...1,
        "rows": 10...100_000_000,
      ]
      return switch self {
      case .randomForest: trees.merging(balancing) { $1 }
      case .gradientBoostedTrees: trees.merging(balancing) { $1 }.merging(["learning_rate": 1e-4...1]) { $1 }
      case .logisticRegression: balancing.merging(["penalty": 0...1e9, "iterations": 1...10_000]) { $1 }
      case .isolationForest: ["trees": 1...10_000, "sample": 2...1_000_000]
      case .autoencoder: network
      case .lstm: network.merging(["steps": 2...256]) { $1 }
      }
    }
  }
}
