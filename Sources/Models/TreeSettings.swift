/// How trees are grown: of a random forest, or one after another by boosting.
public struct TreeSettings: Sendable, Hashable, Codable {
  /// Number of trees; when boosting with several classes, of each class.
  public var trees: Int
  /// Greatest number of splits between the root and a leaf.
  public var maxDepth: Int
  /// Share of rows that each tree sees, drawn without replacement. 0.632 is the share of distinct rows in a bootstrap.
  public var rowShare: Double
  /// Share of features tried at each split (forest) or by each tree (boosting); nil takes √features for a forest, the
  /// usual choice for classification.
  public var featureShare: Double?
  /// Fewest rows in a leaf; in a boosted tree, least sum of p(1−p).
  public var minLeafRows = 1.0
  /// Pseudo-rows of probability ½ in every leaf of a forest (XGBoost's `lambda`); keeps tiny leaves from claiming
  /// certainty.
  public var smoothing = 1.0
  /// Histogram bins per feature.
  public var bins = 256
  /// How much of each boosted tree is added. Without meaning for a forest.
  public var learningRate = 0.1
  /// Threads for training; 0 takes one below 100,000 rows and every core above. The model does not depend on it.
  public var threads = 0

  /// A forest: 100 trees of depth 8, each on 63.2 % of the rows.
  public static let forest = TreeSettings(trees: 100, maxDepth: 8, rowShare: 0.632)
  /// Boosting: 200 trees of depth 3, learning rate 0.05, each on 80 % of the rows and features.
  public static let boosting = {
    var settings = TreeSettings(trees: 200, maxDepth: 3, rowShare: 0.8, featureShare: 0.8)
    settings.learningRate = 0.05
    return settings
  }()

  init(trees: Int, maxDepth: Int, rowShare: Double, featureShare: Double? = nil) {
    self.trees = trees
    self.maxDepth = maxDepth
    self.rowShare = rowShare
    self.featureShare = featureShare
  }

  /// Takes settings by the names that a definition uses: trees, max_depth, row_share, feature_share, min_leaf_rows,
  /// smoothing, bins, learning_rate. Throws `invalidSpecification` for another name or a value out of range.
  public mutating func set(_ parameters: [String: Double]) throws(ModelError) {
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
      switch name {
      case "trees": trees = wholeNumber(value)
      case "max_depth": maxDepth = wholeNumber(value)
      case "row_share": rowShare = value
      case "feature_share": featureShare = value
      case "min_leaf_rows": minLeafRows = value
      case "smoothing": smoothing = value
      case "bins": bins = wholeNumber(value)
      case "learning_rate": learningRate = value
      default:
        throw ModelError(
          .invalidSpecification, "trees have no parameter \(name)",
          hint: "use trees, max_depth, row_share, feature_share, min_leaf_rows, smoothing, bins or learning_rate")
      }
    }
    try validate()
  }

  /// The settings by name, for a card.
  var parameters: [String: Double] {
    var named: [String: Double] = [
      "trees": Double(trees), "max_depth": Double(maxDepth), "row_share": rowShare, "min_leaf_rows": minLeafRows,
      "smoothing": smoothing, "bins": Double(bins), "learning_rate": learningRate,
    ]
    named["feature_share"] = featureShare
    return named
  }

  func validate() throws(ModelError) {
    func require(_ holds: Bool, _ name: String, _ range: String) throws(ModelError) {
      if !holds { throw ModelError(.invalidSpecification, "\(name) is out of range", hint: "use \(range)") }
    }
    try require((1...10_000).contains(trees), "the number of trees", "1 to 10000")
    try require((1...30).contains(maxDepth), "the depth of the trees", "1 to 30")
    try require(rowShare > 0 && rowShare <= 1, "the row share", "a share above 0, at most 1")
    try require(featureShare.map { $0 > 0 && $0 <= 1 } ?? true, "the feature share", "a share above 0, at most 1")
    try require(minLeafRows >= 0 && smoothing >= 0, "the leaf size or smoothing", "0 or more")
    try require((2...4096).contains(bins), "the number of bins", "2 to 4096")
    try require(learningRate > 0 && learningRate <= 1, "the learning rate", "above 0, at most 1")
    try require(threads >= 0, "the number of threads", "0 for every core, or more")
  }
}

/// A parameter as a whole number; what is far outside every range stays so, and is safe to convert.
func wholeNumber(_ value: Double) -> Int {
  Int(min(max(value.isNaN ? -1 : value, -1), 1e9))
}
