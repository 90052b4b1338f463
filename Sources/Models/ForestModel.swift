internal import Synchronization

/// A model made of trees, in XGBoost's format: a random forest, gradient-boosted trees, or what somebody trained
/// elsewhere. Gives the probability of the positive class, or of each class.
///
/// A binary forest is trained by XGBoost (`num_parallel_tree`, one boosting round, learning rate 1) on squared error
/// against 0/1 labels. For such labels the split gain of squared error is that of the Gini index, and the mean over
/// the leaves is a probability, so the forest is the one of Breiman 2001 with averaged probabilities, and
/// contributions add up to the probability itself. With more classes it is one round of `multi:softprob`, as
/// XGBoost's own classifier does it; contributions add up to a class's margin.
///
/// Missing values follow the direction that training chose for each split.
public final class ForestModel: Model {
  /// How it was made.
  public let kind: ModelKind
  /// Feature names in the order that rows must have.
  public let features: [String]
  /// 1, or the number of classes.
  public let outputs: Int
  /// The model in XGBoost's UBJSON format, readable by every XGBoost binding.
  public let serialized: [UInt8]
  /// XGBoost's name of what the model was trained for, such as "binary:logistic".
  public let objective: String

  private let booster: Booster
  private let flat: FlatForest?
  /// What explains each output, made when first asked for.
  private let shap = Mutex<[TreeShap?]?>(nil)

  /// "XGBoost" and the version of the library in use.
  public static var libraryVersion: String { Booster.libraryVersion }

  /// Objectives whose scores are probabilities.
  public static let objectives = ["reg:squarederror", "reg:logistic", "binary:logistic", "multi:softprob"]

  /// Loads a model from the bytes of an XGBoost model file (UBJSON or JSON).
  ///
  /// `features`, when given, must be what the model was trained on, in order; a model without names takes them.
  /// Throws `corruptModel` for what is no model, `unsupported` for an objective that is not among `objectives`.
  public init(serialized: [UInt8], features: [String]? = nil, kind: ModelKind = .randomForest) throws(ModelError) {
    // XGBoost ends the process on a truncated UBJSON file, so the file is read here first.
    let isJSON = UBJSON.isJSON(serialized)
    let given = isJSON ? nil : try UBJSON(serialized)
    booster = try Booster(model: serialized, threads: 1)
    self.serialized = isJSON ? try booster.serialized() : serialized
    let document = if let given { given } else { try UBJSON(self.serialized) }
    let learner = document["learner"]
    objective = learner?["objective"]?["name"]?.string ?? "unknown"
    guard Self.objectives.contains(objective) else {
      throw ModelError(
        .unsupported, "the model was trained for \(objective), whose scores are no probabilities",
        hint: "train it for one of \(Self.objectives.dropFirst().joined(separator: ", "))")
    }
    let classes = learner?["learner_model_param"]?["num_class"]?.string.flatMap { Int($0) } ?? 0
    outputs = objective == "multi:softprob" ? max(2, classes) : 1
    let stored = try booster.featureNames()
    let count = try booster.featureCount()
    let names = features ?? (stored.isEmpty ? (0..<count).map { "f\($0)" } : stored)
    guard names.count == count, stored.isEmpty || stored == names else {
      throw ModelError(
        .features,
        "the model was trained on \(count) features (\(stored.joined(separator: ", "))), not on "
          + "\(names.count) (\(names.joined(separator: ", ")))",
        hint: "name the same features in the same order, or train the model again")
    }
    self.features = names
    self.kind = kind
    // XGBoost configures a booster at its first prediction, which must not happen on several threads at once.
    let probe = [Float](repeating: .nan, count: count)
    _ = try Self.reference(booster, probe, columns: count, outputs: outputs)
    flat = try Self.verifiedFlatForest(booster, features: count, outputs: outputs, document)
  }

  /// Grows a forest on `dataset`. The same rows, settings and seed give the same bytes.
  ///
  /// `weights` say how much each row counts; nil: all the same.
  public static func train(
    _ dataset: Dataset, settings: TreeSettings = .forest, weights: [Float]? = nil, seed: UInt64
  ) throws(ModelError) -> ForestModel {
    let share = settings.featureShare ?? (1 / Double(dataset.features.count).squareRoot())
    var parameters =
      Self.parameters(settings, seed: seed) + [
        ("learning_rate", "1"), ("num_parallel_tree", String(settings.trees)), ("colsample_bynode", String(share)),
        ("base_score", "0.5"),
      ]
    parameters +=
      dataset.isBinary
      ? [("objective", "reg:squarederror")]
      : [("objective", "multi:softprob"), ("num_class", String(dataset.classes.count))]
    return try train(dataset, settings, parameters, rounds: 1, weights: weights, kind: .randomForest)
  }

  /// Boosts trees on `dataset`. The same rows, settings and seed give the same bytes.
  public static func boost(
    _ dataset: Dataset, settings: TreeSettings = .boosting, weights: [Float]? = nil, seed: UInt64
  ) throws(ModelError) -> ForestModel {
    var parameters =
      Self.parameters(settings, seed: seed) + [
        ("learning_rate", String(settings.learningRate)), ("colsample_bytree", String(settings.featureShare ?? 1)),
      ]
    parameters +=
      dataset.isBinary
      ? [("objective", "binary:logistic"), ("base_score", String(prior(dataset, weights)))]
      : [
        ("objective", "multi:softprob"), ("num_class", String(dataset.classes.count)), ("base_score", "0.5"),
      ]
    return try train(
      dataset, settings, parameters, rounds: settings.trees, weights: weights, kind: .gradientBoostedTrees)
  }

  private static func parameters(_ settings: TreeSettings, seed: UInt64) -> [(name: String, value: String)] {
    [
      ("booster", "gbtree"), ("tree_method", "hist"), ("max_depth", String(settings.maxDepth)),
      ("subsample", String(settings.rowShare)), ("min_child_weight", String(settings.minLeafRows)),
      ("lambda", String(settings.smoothing)), ("max_bin", String(settings.bins)), ("seed", String(seed & 0x7FFF_FFFF)),
      ("verbosity", "0"),
    ]
  }

  /// The weighted share of positive rows, from which boosting starts.
  private static func prior(_ dataset: Dataset, _ weights: [Float]?) -> Double {
    var (positive, total) = (0.0, 0.0)
    for (index, target) in dataset.targets.enumerated() {
      let weight = Double(weights?[index] ?? 1)
      total += weight
      if target == 1 { positive += weight }
    }
    return min(max(positive / max(total, 1e-9), 0.001), 0.999)
  }

  private static func train(
    _ dataset: Dataset, _ settings: TreeSettings, _ parameters: [(name: String, value: String)], rounds: Int,
    weights: [Float]?, kind: ModelKind
  ) throws(ModelError) -> ForestModel {
    try dataset.requireEveryClass()
    // XGBoost's threads meet after every level of every tree, spinning. With few rows, or other work on the cores,
    // the meetings take longer than the work.
    let threads = settings.threads == 0 && dataset.rowCount < 100_000 ? 1 : settings.threads
    let matrix = try dataset.matrix(threads: threads, weights: weights)
    let booster = try Booster(training: matrix, parameters: parameters + [("nthread", String(threads))])
    for round in 0..<rounds { try booster.update(iteration: round, matrix: matrix) }
    try booster.setFeatureNames(dataset.features)
    return try ForestModel(serialized: try booster.serialized(), features: dataset.features, kind: kind)
  }

  /// Writes the scores of `rows` (row-major, one value per feature), `outputs` for each row.
  public func predict(_ rows: UnsafeBufferPointer<Float>, into scores: UnsafeMutableBufferPointer<Float>)
    throws(ModelError)
  {
    precondition(rows.count * outputs == scores.count * features.count)
    guard !scores.isEmpty else { return }
    if let flat {
      flat.predict(rows, into: scores)
    } else {
      try predictWithXGBoost(rows, into: scores)
    }
  }

  /// The same through XGBoost's own predictor: the reference for `predict`, and what scores models that the flat
  /// walker does not know.
  public func predictWithXGBoost(_ rows: UnsafeBufferPointer<Float>, into scores: UnsafeMutableBufferPointer<Float>)
    throws(ModelError)
  {
    precondition(rows.count * outputs == scores.count * features.count)
    guard !scores.isEmpty else { return }
    try booster.predict(rows, columns: features.count, outputs: outputs) { values in
      _ = scores.update(from: values)
    }
  }

  /// TreeSHAP contributions (path-dependent, Lundberg 2018) to one output: per row one value per feature and then the
  /// base value. They add up to the margin, which for a binary forest trained here is the probability.
  ///
  /// The first call reads the paths of all trees, which takes some milliseconds; later ones take about 0.1 ms per row and
  /// 100 trees of depth 8.
  public func contributions(_ rows: [Float], output: Int = 0) throws(ModelError) -> [Float] {
    try requireWholeRows(rows)
    if let shap = try explainers()[output] { return shap.contributions(rows) }
    return try contributionsOfXGBoost(rows, output: output)
  }

  /// What explains each output; nil for what XGBoost has to explain.
  func explainers() throws(ModelError) -> [TreeShap?] {
    if let ready = shap.withLock({ $0 }) { return ready }
    let made = try makeShap()
    shap.withLock { $0 = made }
    return made
  }

  private func makeShap() throws(ModelError) -> [TreeShap?] {
    guard let learner = try UBJSON(serialized)["learner"], flat != nil,
      let document = try ForestDocument(learner, features: features.count, outputs: outputs)
    else { return [TreeShap?](repeating: nil, count: outputs) }
    var shap: [TreeShap?] = []
    for output in 0..<outputs {
      let trees = zip(document.documents, document.trees).filter { $1.output == output }.map { $0.0 }
      shap.append(try TreeShap(trees, base: document.bases[output], features: features.count))
    }
    return shap
  }

  /// The same by XGBoost itself: the reference for `contributions`, and what explains models that `TreeShap` cannot.
  func contributionsOfXGBoost(_ rows: [Float], output: Int = 0) throws(ModelError) -> [Float] {
    let all: [Float]
    do {
      all = try rows.withUnsafeBufferPointer {
        try booster.contributions($0, columns: features.count, outputs: outputs)
      }
    } catch {
      throw ModelError.rethrown(error)
    }
    guard outputs > 1 else { return all }
    let width = features.count + 1
    return stride(from: output * width, to: all.count, by: outputs * width).flatMap { all[$0..<$0 + width] }
  }

  /// The probability for squared error, else the margin.
  public var contributionScale: ContributionScale { objective == "reg:squarederror" ? .probability : .margin }

  /// Share of the trees' total gain that each feature brings, largest first.
  public func importance() throws(ModelError) -> [(feature: String, share: Double)] {
    let gains = try booster.gains()
    let total = gains.values.reduce(0, +)
    return
      features.enumerated()
      .map { (feature: $1, share: total > 0 ? (gains[$1] ?? gains["f\($0)"] ?? 0) / total : 0) }
      .sorted { ($1.share, $0.feature) < ($0.share, $1.feature) }
  }

  private static func reference(_ booster: Booster, _ rows: [Float], columns: Int, outputs: Int) throws(ModelError)
    -> [Float]
  {
    do {
      return try rows.withUnsafeBufferPointer {
        try booster.predict($0, columns: columns, outputs: outputs) { Array($0) }
      }
    } catch {
      throw ModelError.rethrown(error)
    }
  }

  /// The flat walker, if it gives what XGBoost gives on rows that sit on, beside and away from the forest's own
  /// thresholds, some values missing. A future XGBoost that reads its files differently is thereby never contradicted.
  private static func verifiedFlatForest(_ booster: Booster, features: Int, outputs: Int, _ document: UBJSON)
    throws(ModelError) -> FlatForest?
  {
    guard let flat = try FlatForest(document, features: features, outputs: outputs) else { return nil }
    let probeCount = 64
    var generator = SeededGenerator(seed: 1)
    var probes = [Float](repeating: .nan, count: probeCount * features)
    for feature in 0..<features {
      let thresholds = flat.thresholds(of: feature)
      guard !thresholds.isEmpty else { continue }
      for row in 0..<probeCount {
        let threshold = thresholds[generator.below(thresholds.count)]
        probes[row * features + feature] =
          switch generator.below(4) {
          case 0: .nan
          case 1: threshold
          case 2: threshold.nextDown
          default: threshold.nextUp
          }
      }
    }
    let expected = try reference(booster, probes, columns: features, outputs: outputs)
    var found = [Float](repeating: 0, count: probeCount * outputs)
    probes.withUnsafeBufferPointer { rows in
      found.withUnsafeMutableBufferPointer { flat.predict(rows, into: $0) }
    }
    return zip(expected, found).allSatisfy { abs($0 - $1) <= 1e-6 } ? flat : nil
  }

  /// Whether batches are scored by the flat walker rather than by XGBoost.
  var usesFlatForest: Bool { flat != nil }
}

extension ModelError {
  /// For closures of the standard library whose typed errors the compiler cannot follow.
  static func rethrown(_ error: any Error) -> ModelError {
    error as? ModelError ?? ModelError(.library, String(describing: error))
  }
}
