extension ModelCard {
  /// The rows that a model was trained and evaluated on; counts only.
  public struct TrainingData: Sendable, Hashable, Codable {
    /// Labelled rows in all parts together.
    public var rows = 0
    /// Distinct groups (patients) in all parts together.
    public var groups = 0
    /// Rows of the positive class.
    public var positiveRows = 0
    /// Rows by class, when there are more than two.
    public var classRows: [Int]?
    /// Rows that were left out because they had no label.
    public var unlabelledRows = 0
    /// Rows that the saved model learned from, before balancing.
    public var trainingRows = 0
    /// Groups that the saved model learned from.
    public var trainingGroups = 0
    /// Synthetic minority rows that balancing added to the training part.
    public var syntheticRows = 0
    /// Rows kept back for the final evaluation.
    public var testRows = 0
    /// Groups kept back for the final evaluation; none of them was trained on.
    public var testGroups = 0
    /// Share of missing values by feature, over all rows.
    public var missingShare: [String: Double] = [:]
    /// Where they came from, such as "tables", "file diabetes.csv" or "generated"; nil if nobody said.
    public var source: String?
    /// Versions of the tables that they came from, by name.
    public var tables: [String: Int64]?
    /// Hash over all labelled rows in their canonical order (see `Dataset.fingerprint`).
    public var fingerprint = ""

    /// Nothing is known.
    public init() {}

    init(_ all: Dataset, development: Dataset, test: Dataset, syntheticRows: Int) {
      rows = all.rowCount
      groups = all.groupCount
      positiveRows = all.positiveCount
      classRows = all.isBinary ? nil : all.classCounts
      unlabelledRows = all.unlabelledRows
      trainingRows = development.rowCount
      trainingGroups = development.groupCount
      self.syntheticRows = syntheticRows
      testRows = test.rowCount
      testGroups = test.groupCount
      missingShare = all.missingShare
      fingerprint = all.fingerprint
    }
  }

  /// Mean and standard deviation over the folds of a repeated cross-validation by group.
  public struct CrossValidation: Sendable, Hashable, Codable {
    /// One measure over all folds in which it is defined.
    public struct Spread: Sendable, Hashable, Codable {
      /// Arithmetic mean.
      public var mean: Double
      /// Sample standard deviation, 0 for one fold.
      public var standardDeviation: Double

      init(_ values: [Double]) {
        let mean = values.reduce(0, +) / Double(max(1, values.count))
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        standardDeviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
      }
    }
    /// Folds per repetition.
    public var folds: Int
    /// Repetitions with other folds.
    public var repetitions: Int
    /// Measures by name, as in `ClassificationMetrics`.
    public var measures: [String: Spread]
  }

  /// What a model of the rows before a moment is worth on the rows after it, of patients that it did not see.
  public struct Temporal: Sendable, Hashable, Codable {
    /// The moment, in microseconds since 1970.
    public var cutMicroseconds: Int64
    /// Rows before it that were learned from.
    public var trainingRows: Int
    /// Rows after it that were scored.
    public var testRows: Int
    /// Area under the ROC curve on them; with more classes the mean.
    public var rocAUC: Double?
  }

  /// One combination of algorithm and settings that was tried.
  public struct Trial: Sendable, Hashable, Codable {
    /// The algorithm.
    public var algorithm: ModelKind
    /// Its settings.
    public var parameters: [String: Double]
    /// Mean area under the ROC curve over the folds.
    public var rocAUC: Double
    /// Whether it was the best.
    public var isChosen: Bool
  }

  /// The measures that are printed and cross-validated, in order.
  static var measures: [(name: String, value: (ClassificationMetrics) -> Double?)] {
    [
      ("accuracy", { $0.accuracy }), ("precision", { $0.precision }), ("recall", { $0.recall }), ("F1", { $0.f1 }),
      ("ROC-AUC", { $0.rocAUC }), ("PR-AUC", { $0.averagePrecision }), ("Brier", { $0.brier }),
    ]
  }

  /// The same for more than two classes: means over the classes.
  static var multiclassMeasures: [(name: String, value: (MulticlassMetrics) -> Double?)] {
    [
      ("accuracy", { $0.accuracy }), ("precision", { $0.macroPrecision }), ("recall", { $0.macroRecall }),
      ("F1", { $0.macroF1 }), ("ROC-AUC", { $0.macroROCAUC }), ("PR-AUC", { $0.macroAveragePrecision }),
      ("Brier", { $0.brier }),
    ]
  }

  /// Each measure on the groups kept back.
  public var heldOutMeasures: [(name: String, value: Double?)] {
    if let metrics {
      // An anomaly's score is no probability, so its squared error says nothing.
      let measures = algorithm.findsAnomalies ? Self.measures.filter { $0.name != "Brier" } : Self.measures
      return measures.map { ($0.name, $0.value(metrics)) }
    }
    if let multiclass { return Self.multiclassMeasures.map { ($0.name, $0.value(multiclass)) } }
    return []
  }

  init(_ specification: TrainingSpecification, _ learner: Learner, _ decision: Decision, features: [String]) {
    self.init(
      name: specification.name, algorithm: learner.kind, settings: learner.parameters, features: features,
      label: specification.label, group: specification.group, balance: specification.balance.name,
      threshold: decision.threshold, seed: specification.seed, library: learner.library)
    classes = specification.isBinary ? nil : specification.classes
    calibration = decision.calibration
  }

  /// Fills in the figures on the rows kept back.
  mutating func evaluate(_ test: Dataset, scores: [Double], probabilities: [Double]) {
    guard test.isBinary else {
      multiclass = MulticlassMetrics(targets: test.targets, probabilities: probabilities, classes: test.classes)
      return
    }
    let labels = test.labels
    metrics = ClassificationMetrics(labels: labels, probabilities: probabilities, threshold: threshold ?? 0.5)
    thresholds = (1...9).map {
      ClassificationMetrics(labels: labels, probabilities: probabilities, threshold: Double($0) / 10)
    }
    reliability = Reliability(labels: labels, probabilities: probabilities)
    if calibration != nil {
      reliabilityBefore = Reliability(labels: labels, probabilities: scores)
    }
  }

  /// Fills in what counts in the model: over all, and as mean size of contributions on at most 200 of the rows
  /// (row-major, the model's width).
  mutating func explain(_ model: any Model, _ rows: [Float]) throws(ModelError) {
    for (feature, share) in try model.importance() { importance[feature] = share }
    contributionScale = model.contributionScale
    let count = rows.count / model.width
    let step = max(1, count / 200)
    let sample = Array(stride(from: 0, to: count, by: step).prefix(200))
    guard !sample.isEmpty else { return }
    let values = sample.flatMap { rows[$0 * model.width..<($0 + 1) * model.width] }
    let width = model.features.count + 1
    var sums = [Double](repeating: 0, count: width)
    for output in 0..<model.outputs {
      for (index, value) in try model.contributions(values, output: output).enumerated() where !value.isNaN {
        sums[index % width] += Double(abs(value))
      }
    }
    let divisor = Double(sample.count * model.outputs)
    meanContribution = Dictionary(uniqueKeysWithValues: zip(model.features, sums.map { $0 / divisor }))
  }
}
