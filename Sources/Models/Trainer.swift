public import DuckDB

/// Trains, evaluates and describes a model.
///
/// 1. Patients are split: `testShare` of them are kept back and touched once, at the end. The rest is the
///    development part.
/// 2. Inside the development part, folds by patient give every row scores from a model that saw neither the row nor
///    its patient. From these come the choice among several learners and settings, the calibration and the threshold.
/// 3. The model that is saved learns from the whole development part and is measured on the patients kept back.
/// 4. With few patients, the procedure of step 2 and 3 is also repeated over folds of all patients, and mean and
///    spread are reported beside the hold-out.
/// 5. If rows have a time, a model that learned only from rows before a moment is measured on the rows of the patients
///    kept back after it: what a change of times does to it.
///
/// Balancing only ever sees the rows that the model at hand learns from.
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
      connection, sql: sql, features: specification.features, label: specification.label, group: specification.group,
      classes: specification.classes, attributes: specification.attributes, time: specification.time)
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
    try dataset.requireEveryClass()
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
    let (learner, trials, folds) = try run.choose(development)
    let decision = run.decision(folds)
    progress("training on \(development.rowCount) rows")
    let (model, balanced) = try run.fit(learner, development)
    progress("evaluating on \(test.rowCount) rows")
    let scores = try model.predict(test.values)
    let probabilities = decision.probabilities(scores)
    var card = ModelCard(specification, learner, decision, features: dataset.features)
    card.thresholdRule = run.thresholdRule
    card.data = ModelCard.TrainingData(
      dataset, development: development, test: test, syntheticRows: balanced.rowCount - development.rowCount)
    card.trials = trials.count > 1 ? trials : nil
    card.evaluate(test, scores: scores.map(Double.init), probabilities: probabilities)
    card.fairness = run.fairness(folds, test, probabilities, decision)
    if groups < specification.smallDataGroups { card.crossValidation = try run.crossValidation(learner, dataset) }
    card.temporal = try run.temporal(learner, development, test)
    try card.explain(model, test.values)
    // Answers on rows that the model has not seen; of several classes the last one's.
    let answers = stride(from: model.outputs - 1, to: probabilities.count, by: model.outputs).map {
      Float(probabilities[$0])
    }
    return TrainedModel(
      model: model, card: card,
      fingerprint: DistributionFingerprint(
        features: dataset.features, values: dataset.values, predictions: answers, patients: dataset.groups,
        predictionPatients: test.groups))
  }
}

/// Rows with scores of a model that saw neither them nor their patients.
struct ScoredFold {
  var rows: Dataset
  var scores: [Float]
  /// ROC-AUC, or its mean over the classes.
  var rocAUC: Double?
}

/// What follows from scores: calibrated probabilities and the threshold on them.
struct Decision {
  var calibration: Calibration?
  var threshold: Double?
  var outputs: Int

  func probabilities(_ scores: [Float]) -> [Double] {
    (calibration?.probabilities(scores, outputs: outputs) ?? scores).map(Double.init)
  }
}

/// The steps of one training, with its specification at hand.
struct TrainingRun {
  let specification: TrainingSpecification
  let progress: (String) -> Void

  private var outputs: Int { specification.isBinary ? 1 : specification.classes.count }

  var thresholdRule: String {
    guard specification.isBinary else { return "the class with the highest probability" }
    return switch specification.thresholdRule {
    case .fixed: "fixed"
    case .bestF1: "best F1 on patients of the development part that the scoring model did not see"
    case .bestMacroF1:
      "best mean F1 of both classes on patients of the development part that the scoring model did not see"
    }
  }

  /// A model, and the rows that it learned from.
  func fit(_ learner: Learner, _ dataset: Dataset) throws(ModelError) -> (model: any Model, rows: Dataset) {
    var rows = dataset
    var weights: [Float]?
    switch specification.balance {
    case .none: break
    case .smote(let neighbours):
      rows = try SMOTE.balance(dataset, neighbours: neighbours, seed: specification.seed)
    case .classWeights: weights = dataset.classWeights
    }
    return (try learner.fit(rows, weights: weights, seed: specification.seed), rows)
  }

  /// The best of the candidates by mean ROC-AUC over folds by patient, what every candidate reached, and the folds of
  /// the best.
  func choose(_ development: Dataset) throws(ModelError) -> (Learner, [ModelCard.Trial], [ScoredFold]) {
    let candidates = try specification.candidates()
    let count = min(specification.folds, development.groupCount)
    let fold = GroupSplit.folds(development, count: count, seed: specification.seed)
    let scored = development.groupCount >= specification.largeDataGroups ? 1 : count
    var trials: [ModelCard.Trial] = []
    var best: (index: Int, rocAUC: Double, folds: [ScoredFold])?
    for (index, candidate) in candidates.enumerated() {
      let name = candidates.count > 1 ? "trying \(candidate.kind.rawValue), \(index + 1) of \(candidates.count)" : ""
      var found: [ScoredFold] = []
      for number in 0..<scored {
        progress("\(name.isEmpty ? "choosing the threshold" : name), fold \(number + 1) of \(scored)")
        if let outcome = try score(fold: number, of: fold, development, candidate) { found.append(outcome) }
      }
      let areas = found.compactMap(\.rocAUC)
      let mean = areas.isEmpty ? 0 : areas.reduce(0, +) / Double(areas.count)
      trials.append(
        ModelCard.Trial(algorithm: candidate.kind, parameters: candidate.parameters, rocAUC: mean, isChosen: false))
      if mean > best?.rocAUC ?? -1 { best = (index, mean, found) }
    }
    let chosen = best?.index ?? 0
    trials[chosen].isChosen = true
    return (candidates[chosen], trials, best?.folds ?? [])
  }

  /// Calibration and threshold from folds.
  func decision(_ folds: [ScoredFold]) -> Decision {
    let scores = folds.flatMap(\.scores)
    let targets = folds.flatMap(\.rows.targets)
    var decision = Decision(outputs: outputs)
    let method: Calibration.Method? =
      switch specification.calibration {
      case .none: nil
      case .method(let method): method
      case .automatic: Calibration.method(for: targets, classes: max(2, outputs))
      }
    if let method { decision.calibration = Calibration(method, scores: scores, targets: targets, outputs: outputs) }
    guard specification.isBinary else { return decision }
    let labels = targets.map { $0 == 1 }
    switch specification.thresholdRule {
    case .fixed(let threshold): decision.threshold = threshold
    case .bestF1:
      decision.threshold = ClassificationMetrics.thresholdOfBestF1(
        labels: labels, probabilities: decision.probabilities(scores))
    case .bestMacroF1:
      decision.threshold = ClassificationMetrics.thresholdOfBestMacroF1(
        labels: labels, probabilities: decision.probabilities(scores))
    }
    return decision
  }

  /// Every fold is decided with calibration and threshold of the other folds of its repetition, so that no row's truth
  /// helps to judge it.
  func crossValidation(_ learner: Learner, _ dataset: Dataset) throws(ModelError) -> ModelCard.CrossValidation {
    let count = min(specification.folds, dataset.groupCount)
    var found: [String: [Double]] = [:]
    for repetition in 0..<specification.repetitions {
      progress("cross-validating, repetition \(repetition + 1) of \(specification.repetitions)")
      let fold = GroupSplit.folds(dataset, count: count, seed: specification.seed &+ UInt64(repetition + 1))
      var outcomes: [ScoredFold] = []
      for number in 0..<count {
        if let outcome = try score(fold: number, of: fold, dataset, learner) { outcomes.append(outcome) }
      }
      for (index, outcome) in outcomes.enumerated() {
        let others = decision(outcomes.indices.filter { $0 != index }.map { outcomes[$0] })
        for (name, value) in measures(outcome.rows, others.probabilities(outcome.scores), others.threshold) {
          found[name, default: []].append(value)
        }
      }
    }
    return ModelCard.CrossValidation(
      folds: count, repetitions: specification.repetitions,
      measures: found.mapValues(ModelCard.CrossValidation.Spread.init))
  }

  private func measures(_ rows: Dataset, _ probabilities: [Double], _ threshold: Double?) -> [(String, Double)] {
    if specification.isBinary {
      let metrics = ClassificationMetrics(
        labels: rows.labels, probabilities: probabilities, threshold: threshold ?? 0.5)
      return ModelCard.measures.compactMap { name, value in value(metrics).map { (name, $0) } }
    }
    let metrics = MulticlassMetrics(targets: rows.targets, probabilities: probabilities, classes: rows.classes)
    return ModelCard.multiclassMeasures.compactMap { name, value in value(metrics).map { (name, $0) } }
  }

  /// The fairness table over all rows that were scored by a model that had not seen their patient.
  func fairness(
    _ folds: [ScoredFold], _ test: Dataset, _ probabilities: [Double], _ decision: Decision
  ) -> [GroupFigures]? {
    guard !test.attributes.isEmpty else { return nil }
    var rows = test
    var all = probabilities
    for fold in folds {
      let width = test.attributes.count
      for index in 0..<fold.rows.rowCount {
        rows.append(
          fold.rows.row(index), target: fold.rows.targets[index], group: fold.rows.groups[index],
          time: fold.rows.times.isEmpty ? nil : fold.rows.times[index],
          attributes: Array(fold.rows.attributeCodes[index * width..<(index + 1) * width]))
      }
      all += decision.probabilities(fold.scores)
    }
    return GroupFigures.table(rows, probabilities: all, threshold: decision.threshold)
  }

  /// A model of the development rows before the moment at which a share of `1 - testShare` of them lies, on the test
  /// rows after it. nil without times, or when a part would lack a class.
  func temporal(_ learner: Learner, _ development: Dataset, _ test: Dataset) throws(ModelError) -> ModelCard.Temporal? {
    guard !development.times.isEmpty else { return nil }
    let sorted = development.times.sorted()
    let cut = sorted[min(sorted.count - 1, Int(Double(sorted.count) * (1 - specification.testShare)))]
    let earlier = development.subset(development.times.indices.filter { development.times[$0] < cut })
    let later = test.subset(test.times.indices.filter { test.times[$0] >= cut })
    guard earlier.rowCount > 0, earlier.holdsEveryClass, later.rowCount > 0, later.holdsEveryClass else { return nil }
    progress("judging later rows by a model of earlier ones")
    let scores = try fit(learner, earlier).model.predict(later.values)
    return ModelCard.Temporal(
      cutMicroseconds: cut, trainingRows: earlier.rowCount, testRows: later.rowCount,
      rocAUC: Self.rocAUC(later, scores))
  }

  /// nil when the fold is empty or the rest lacks a class.
  private func score(
    fold number: Int, of fold: [Int], _ dataset: Dataset, _ learner: Learner
  ) throws(ModelError) -> ScoredFold? {
    let training = dataset.subset(fold.indices.filter { fold[$0] != number })
    let test = dataset.subset(fold.indices.filter { fold[$0] == number })
    guard test.rowCount > 0, training.rowCount > 0, training.holdsEveryClass else { return nil }
    let scores = try fit(learner, training).model.predict(test.values)
    return ScoredFold(rows: test, scores: scores, rocAUC: Self.rocAUC(test, scores))
  }

  private static func rocAUC(_ rows: Dataset, _ scores: [Float]) -> Double? {
    rows.isBinary
      ? ClassificationMetrics(labels: rows.labels, probabilities: scores.map(Double.init), threshold: 0.5).rocAUC
      : MulticlassMetrics(targets: rows.targets, probabilities: scores.map(Double.init), classes: rows.classes)
        .macroROCAUC
  }
}
