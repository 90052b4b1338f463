public import DuckDB

/// Trains, evaluates and describes a model.
///
/// 1. Patients are split: `testShare` of them are kept back and touched once, at the end. The rest is the
///    development part.
/// 2. Inside the development part, folds by patient give every row a probability from a forest that saw neither the
///    row nor its patient; the threshold comes from these.
/// 3. The forest that is saved learns from the whole development part and is measured on the patients kept back.
/// 4. With few patients, the procedure of step 2 and 3 is also repeated over folds of all patients, and mean and
///    spread are reported beside the hold-out.
///
/// Balancing (SMOTE) only ever sees the rows that the forest at hand learns from.
public enum Trainer {
  /// Trains on the rows of `sql`, whose columns include the specification's features, label and group.
  ///
  /// `progress` gets a line before each step. Throws `ModelError` for data or settings that cannot be trained on,
  /// `DuckDBError` for what DuckDB rejects.
  public static func train(
    _ specification: TrainingSpecification, connection: Connection, sql: String,
    progress: @escaping (String) -> Void = { _ in }
  ) throws -> TrainedModel {
    try specification.validate()
    progress("reading the training rows")
    let dataset = try Dataset(
      connection, sql: sql, features: specification.features, label: specification.label, group: specification.group)
    return try train(specification, dataset, progress: progress)
  }

  /// Trains on `dataset`, whose features are the specification's.
  public static func train(
    _ specification: TrainingSpecification, _ dataset: Dataset, progress: @escaping (String) -> Void = { _ in }
  ) throws(ModelError) -> TrainedModel {
    try specification.validate()
    guard dataset.features == specification.features else {
      throw ModelError(.features, "the rows have other features than the model \(specification.name) asks for")
    }
    try dataset.requireBothClasses()
    let groups = dataset.groupCount
    guard groups >= 4 else {
      throw ModelError(
        .trainingData, "there are rows of \(groups) patients only; training and evaluation need at least 4",
        hint: "import more patients")
    }
    let run = TrainingRun(specification: specification, progress: progress)
    let split = GroupSplit.holdOut(dataset, share: specification.testShare, seed: specification.seed)
    let development = dataset.subset(split.rest)
    let test = dataset.subset(split.held)
    let threshold = try run.threshold(development)
    progress("growing the forest on \(development.rowCount) rows")
    let (forest, balanced) = try run.grow(development)
    progress("evaluating on \(test.rowCount) rows")
    let metrics = ClassificationMetrics(
      labels: test.labels, probabilities: try run.probabilities(forest, test), threshold: threshold)
    let crossValidation = groups < specification.smallDataGroups ? try run.crossValidation(dataset) : nil

    let data = ModelCard.TrainingData(
      rows: dataset.rowCount, groups: groups, positiveRows: dataset.positiveCount,
      unlabelledRows: dataset.unlabelledRows, trainingRows: development.rowCount,
      trainingGroups: development.groupCount, syntheticRows: balanced.rowCount - development.rowCount,
      testRows: test.rowCount, testGroups: test.groupCount, missingShare: dataset.missingShare,
      fingerprint: dataset.fingerprint)
    var importance: [String: Double] = [:]
    for (feature, share) in try forest.importance() { importance[feature] = share }
    return TrainedModel(
      forest: forest,
      card: ModelCard(
        name: specification.name, algorithm: "random-forest", settings: specification.settings,
        features: specification.features, label: specification.label, group: specification.group,
        balance: specification.balance.name, threshold: threshold, thresholdRule: run.thresholdRule, metrics: metrics,
        crossValidation: crossValidation, importance: importance, data: data, seed: specification.seed,
        library: ForestModel.libraryVersion))
  }
}

/// The steps of one training, with its specification at hand.
private struct TrainingRun {
  let specification: TrainingSpecification
  let progress: (String) -> Void

  var thresholdRule: String {
    switch specification.thresholdRule {
    case .fixed: "fixed"
    case .bestF1: "best F1 on patients of the development part that the scoring forest did not see"
    case .bestMacroF1:
      "best mean F1 of both classes on patients of the development part that the scoring forest did not see"
    }
  }

  func grow(_ dataset: Dataset) throws(ModelError) -> (ForestModel, Dataset) {
    let balanced =
      switch specification.balance {
      case .none: dataset
      case .smote(let neighbours): try SMOTE.balance(dataset, neighbours: neighbours, seed: specification.seed)
      }
    return (
      try ForestModel.train(balanced, settings: specification.settings, seed: specification.seed), balanced
    )
  }

  func probabilities(_ forest: ForestModel, _ dataset: Dataset) throws(ModelError) -> [Double] {
    try forest.predict(dataset.values).map(Double.init)
  }

  func threshold(_ development: Dataset) throws(ModelError) -> Double {
    if case .fixed(let threshold) = specification.thresholdRule { return threshold }
    let count = min(specification.folds, development.groupCount)
    let folds = GroupSplit.folds(development, count: count, seed: specification.seed)
    let scored = development.groupCount >= specification.largeDataGroups ? 1 : count
    var labels: [Bool] = []
    var probabilities: [Double] = []
    for fold in 0..<scored {
      progress("choosing the threshold, fold \(fold + 1) of \(scored)")
      guard let outcome = try evaluate(fold: fold, of: folds, development) else { continue }
      labels += outcome.labels
      probabilities += outcome.probabilities
    }
    return best(labels, probabilities)
  }

  /// Every fold is decided with the threshold of the other folds of its repetition, so that no row's truth helps to
  /// judge it.
  func crossValidation(_ dataset: Dataset) throws(ModelError) -> ModelCard.CrossValidation {
    let count = min(specification.folds, dataset.groupCount)
    var found: [String: [Double]] = [:]
    for repetition in 0..<specification.repetitions {
      progress("cross-validating, repetition \(repetition + 1) of \(specification.repetitions)")
      let folds = GroupSplit.folds(dataset, count: count, seed: specification.seed &+ UInt64(repetition + 1))
      var outcomes: [Outcome] = []
      for fold in 0..<count {
        if let outcome = try evaluate(fold: fold, of: folds, dataset) { outcomes.append(outcome) }
      }
      for (index, outcome) in outcomes.enumerated() {
        let others = outcomes.indices.filter { $0 != index }.map { outcomes[$0] }
        let metrics = ClassificationMetrics(
          labels: outcome.labels, probabilities: outcome.probabilities, threshold: decision(others))
        for (name, value) in ModelCard.measures {
          if let value = value(metrics) { found[name, default: []].append(value) }
        }
      }
    }
    return ModelCard.CrossValidation(
      folds: count, repetitions: specification.repetitions, measures: found.mapValues(Self.spread))
  }

  private struct Outcome {
    var labels: [Bool]
    var probabilities: [Double]
  }

  /// nil when the fold is empty or the rest has one class only.
  private func evaluate(fold: Int, of folds: [Int], _ dataset: Dataset) throws(ModelError) -> Outcome? {
    let training = dataset.subset(folds.indices.filter { folds[$0] != fold })
    let test = dataset.subset(folds.indices.filter { folds[$0] == fold })
    let positives = training.positiveCount
    guard test.rowCount > 0, positives > 0, positives < training.rowCount else { return nil }
    let (forest, _) = try grow(training)
    return Outcome(labels: test.labels, probabilities: try probabilities(forest, test))
  }

  private func decision(_ outcomes: [Outcome]) -> Double {
    if case .fixed(let threshold) = specification.thresholdRule { return threshold }
    return best(outcomes.flatMap(\.labels), outcomes.flatMap(\.probabilities))
  }

  private func best(_ labels: [Bool], _ probabilities: [Double]) -> Double {
    specification.thresholdRule == .bestF1
      ? ClassificationMetrics.thresholdOfBestF1(labels: labels, probabilities: probabilities)
      : ClassificationMetrics.thresholdOfBestMacroF1(labels: labels, probabilities: probabilities)
  }

  private static func spread(_ values: [Double]) -> ModelCard.CrossValidation.Spread {
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return ModelCard.CrossValidation.Spread(
      mean: mean, standardDeviation: values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0)
  }
}

extension Dataset {
  /// Share of missing values by feature.
  var missingShare: [String: Double] {
    var shares: [String: Double] = [:]
    for (column, feature) in features.enumerated() {
      let missing = (0..<rowCount).count { values[$0 * features.count + column].isNaN }
      shares[feature] = rowCount == 0 ? 0 : Double(missing) / Double(rowCount)
    }
    return shares
  }
}
