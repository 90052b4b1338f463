/// How a random forest is grown.
public struct ForestSettings: Sendable, Hashable, Codable {
  /// Number of trees.
  public var trees = 100
  /// Greatest number of splits between the root and a leaf.
  public var maxDepth = 8
  /// Share of rows that each tree sees, drawn without replacement. 0.632 is the share of distinct rows in a bootstrap.
  public var rowShare = 0.632
  /// Share of features tried at each split; nil takes √features, the usual choice for classification.
  public var featureShare: Double?
  /// Fewest rows in a leaf.
  public var minLeafRows = 1.0
  /// Pseudo-rows of probability ½ in every leaf (XGBoost's `lambda`); keeps tiny leaves from claiming certainty.
  public var smoothing = 1.0
  /// Histogram bins per feature.
  public var bins = 256
  /// Threads for training; 0 takes one below 100,000 rows and every core above. The model does not depend on it.
  public var threads = 0

  /// The defaults.
  public init() {}
}

/// A binary classifier made of trees: gives the probability of the positive class.
///
/// Trained by XGBoost as a random forest (`num_parallel_tree`, one boosting round, learning rate 1) on squared error
/// against 0/1 labels. For such labels the split gain of squared error is that of the Gini index, and the mean over
/// the leaves is a probability, so the forest is the one of Breiman 2001 with averaged probabilities, and
/// contributions add up to the probability itself. Any binary XGBoost model with `reg:squarederror`,
/// `reg:logistic` or `binary:logistic` objective can be loaded as well.
///
/// Features are float32; NaN means missing and follows the direction that training chose for each split. A model is
/// immutable and may be used from any number of threads.
public final class ForestModel: Sendable {
  /// Feature names in the order that rows must have.
  public let features: [String]
  /// The model in XGBoost's UBJSON format, readable by every XGBoost binding.
  public let serialized: [UInt8]

  private let booster: Booster
  private let flat: FlatForest?

  /// "XGBoost" and the version of the library in use.
  public static var libraryVersion: String { Booster.libraryVersion }

  /// Loads a model from the bytes of an XGBoost model file (UBJSON or JSON).
  ///
  /// `features`, when given, must be what the model was trained on, in order; a model without names takes them.
  public init(serialized: [UInt8], features: [String]? = nil) throws(ModelError) {
    // XGBoost ends the process on a truncated UBJSON file, so the file is read here first.
    let document = UBJSON.isJSON(serialized) ? nil : try UBJSON(serialized)
    booster = try Booster(model: serialized, threads: 1)
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
    self.serialized = serialized
    // XGBoost configures a booster at its first prediction, which must not happen on several threads at once.
    _ = try Self.reference(booster, [Float](repeating: .nan, count: count), columns: count)
    flat = try Self.verifiedFlatForest(booster, features: count, document)
  }

  /// Grows a forest on `dataset`. The same rows, settings and seed give the same bytes.
  public static func train(_ dataset: Dataset, settings: ForestSettings = ForestSettings(), seed: UInt64)
    throws(ModelError) -> ForestModel
  {
    try dataset.requireBothClasses()
    // XGBoost's threads meet after every level of every tree, spinning. With few rows, or other work on the cores,
    // the meetings take longer than the work.
    let threads = settings.threads == 0 && dataset.rowCount < 100_000 ? 1 : settings.threads
    let matrix = try dataset.matrix(threads: threads)
    let share = settings.featureShare ?? (1 / Double(dataset.features.count).squareRoot())
    let booster = try Booster(
      training: matrix,
      parameters: [
        ("booster", "gbtree"), ("tree_method", "hist"), ("objective", "reg:squarederror"), ("base_score", "0.5"),
        ("learning_rate", "1"), ("num_parallel_tree", String(settings.trees)), ("max_depth", String(settings.maxDepth)),
        ("subsample", String(settings.rowShare)), ("colsample_bynode", String(share)),
        ("min_child_weight", String(settings.minLeafRows)), ("lambda", String(settings.smoothing)),
        ("max_bin", String(settings.bins)), ("seed", String(seed & 0x7FFF_FFFF)),
        ("nthread", String(threads)), ("verbosity", "0"),
      ])
    try booster.update(iteration: 0, matrix: matrix)
    try booster.setFeatureNames(dataset.features)
    return try ForestModel(serialized: try booster.serialized(), features: dataset.features)
  }

  /// Writes the probability of each row into `probabilities`.
  ///
  /// `rows` is row-major with `features.count` values per row; `probabilities` has one place per row.
  public func predict(_ rows: UnsafeBufferPointer<Float>, into probabilities: UnsafeMutableBufferPointer<Float>)
    throws(ModelError)
  {
    precondition(rows.count == probabilities.count * features.count)
    guard !probabilities.isEmpty else { return }
    if let flat {
      flat.predict(rows, into: probabilities)
    } else {
      try predictWithXGBoost(rows, into: probabilities)
    }
  }

  /// The same through XGBoost's own predictor: the reference for `predict`, and what scores models that the flat
  /// walker does not know.
  public func predictWithXGBoost(
    _ rows: UnsafeBufferPointer<Float>, into probabilities: UnsafeMutableBufferPointer<Float>
  ) throws(ModelError) {
    precondition(rows.count == probabilities.count * features.count)
    guard !probabilities.isEmpty else { return }
    try booster.predict(rows, columns: features.count) { values in
      _ = probabilities.update(from: values)
    }
  }

  /// The probability of each row of `rows` (row-major, `features.count` values per row).
  public func predict(_ rows: [Float]) throws(ModelError) -> [Float] {
    try requireWholeRows(rows)
    var probabilities = [Float](repeating: 0, count: rows.count / features.count)
    do {
      try rows.withUnsafeBufferPointer { rows in
        try probabilities.withUnsafeMutableBufferPointer { try predict(rows, into: $0) }
      }
    } catch {
      throw ModelError.rethrown(error)
    }
    return probabilities
  }

  /// TreeSHAP contributions (path-dependent, Lundberg 2018) for `rows`: per row one value per feature and then the
  /// base value. They add up to the margin, which for a forest trained here is the probability.
  public func contributions(_ rows: [Float]) throws(ModelError) -> [Float] {
    try requireWholeRows(rows)
    do {
      return try rows.withUnsafeBufferPointer { try booster.contributions($0, columns: features.count) }
    } catch {
      throw ModelError.rethrown(error)
    }
  }

  /// Share of the forest's total gain that each feature brings, largest first.
  public func importance() throws(ModelError) -> [(feature: String, share: Double)] {
    let gains = try booster.gains()
    let total = gains.values.reduce(0, +)
    return
      features
      .map { (feature: $0, share: total > 0 ? (gains[$0] ?? 0) / total : 0) }
      .sorted { ($1.share, $0.feature) < ($0.share, $1.feature) }
  }

  private func requireWholeRows(_ rows: [Float]) throws(ModelError) {
    guard rows.count.isMultiple(of: features.count) else {
      throw ModelError(.features, "\(rows.count) values are not whole rows of \(features.count) features")
    }
  }

  private static func reference(_ booster: Booster, _ rows: [Float], columns: Int) throws(ModelError) -> [Float] {
    do {
      return try rows.withUnsafeBufferPointer { try booster.predict($0, columns: columns) { Array($0) } }
    } catch {
      throw ModelError.rethrown(error)
    }
  }

  /// The flat walker, if it gives what XGBoost gives on rows that sit on, beside and away from the forest's own
  /// thresholds, some values missing. A future XGBoost that reads its files differently is thereby never contradicted.
  private static func verifiedFlatForest(_ booster: Booster, features: Int, _ document: UBJSON?) throws(ModelError)
    -> FlatForest?
  {
    let document = if let document { document } else { try UBJSON(try booster.serialized()) }
    guard let flat = try FlatForest(document, features: features) else { return nil }
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
    let expected = try reference(booster, probes, columns: features)
    var found = [Float](repeating: 0, count: probeCount)
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
