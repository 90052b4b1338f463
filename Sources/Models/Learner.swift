/// A way to learn from labelled rows, with its settings.
public enum Learner: Sendable, Hashable {
  /// A random forest.
  case randomForest(TreeSettings)
  /// Gradient-boosted trees.
  case gradientBoostedTrees(TreeSettings)
  /// A logistic regression.
  case logisticRegression(LogisticSettings)

  /// A learner with its default settings, but for `parameters` by name. Throws `invalidSpecification` for a kind that
  /// does not learn from labels, an unknown name or a value out of range.
  public init(_ kind: ModelKind, parameters: [String: Double] = [:]) throws(ModelError) {
    switch kind {
    case .randomForest:
      var settings = TreeSettings.forest
      try settings.set(parameters)
      self = .randomForest(settings)
    case .gradientBoostedTrees:
      var settings = TreeSettings.boosting
      try settings.set(parameters)
      self = .gradientBoostedTrees(settings)
    case .logisticRegression:
      var settings = LogisticSettings()
      try settings.set(parameters)
      self = .logisticRegression(settings)
    case .isolationForest, .autoencoder, .lstm, .imported:
      throw ModelError(
        .invalidSpecification, "\(kind.rawValue) does not learn from labels",
        hint: "use random-forest, gradient-boosted-trees or logistic-regression")
    }
  }

  /// What it makes.
  public var kind: ModelKind {
    switch self {
    case .randomForest: .randomForest
    case .gradientBoostedTrees: .gradientBoostedTrees
    case .logisticRegression: .logisticRegression
    }
  }

  /// Its settings by name.
  public var parameters: [String: Double] {
    switch self {
    case .randomForest(let settings), .gradientBoostedTrees(let settings): settings.parameters
    case .logisticRegression(let settings): settings.parameters
    }
  }

  /// The library that learns.
  var library: String {
    switch self {
    case .randomForest, .gradientBoostedTrees: ForestModel.libraryVersion
    case .logisticRegression: "Lakeward"
    }
  }

  /// Learns from `dataset`. The same rows, weights and seed give the same model.
  public func fit(_ dataset: Dataset, weights: [Float]? = nil, seed: UInt64) throws(ModelError) -> any Model {
    switch self {
    case .randomForest(let settings):
      try ForestModel.train(dataset, settings: settings, weights: weights, seed: seed)
    case .gradientBoostedTrees(let settings):
      try ForestModel.boost(dataset, settings: settings, weights: weights, seed: seed)
    case .logisticRegression(let settings): try LogisticModel.train(dataset, settings: settings, weights: weights)
    }
  }

  /// This learner with every combination of the values that `grid` gives for its parameters, in a fixed order; names
  /// that it does not have are left aside. At most `limit`, spread evenly over all.
  func combinations(_ grid: [String: [Double]], limit: Int) throws(ModelError) -> [Learner] {
    let names = grid.keys.sorted().filter { name in parameters[name] != nil || name == "feature_share" && isTrees }
    var combinations: [[String: Double]] = [[:]]
    for name in names {
      combinations = combinations.flatMap { known in
        (grid[name] ?? []).map { known.merging([name: $0]) { $1 } }
      }
    }
    let step = max(1, Double(combinations.count) / Double(max(1, limit)))
    var learners: [Learner] = []
    for index in stride(from: 0.0, to: Double(combinations.count), by: step) {
      var named = parameters
      named.merge(combinations[Int(index)]) { $1 }
      if kind == .randomForest { named["learning_rate"] = nil }
      learners.append(try Learner(kind, parameters: named))
    }
    return learners
  }

  private var isTrees: Bool { kind != .logisticRegression }
}
