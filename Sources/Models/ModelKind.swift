/// How a model was made. The raw value is what a pipeline's YAML and a model card say.
public enum ModelKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// A random forest (Breiman 2001), grown by XGBoost.
  case randomForest = "random-forest"
  /// Gradient-boosted trees (Friedman 2001), by XGBoost.
  case gradientBoostedTrees = "gradient-boosted-trees"
  /// Logistic regression on standardised features with an L2 penalty.
  case logisticRegression = "logistic-regression"
  /// An isolation forest (Liu 2008).
  case isolationForest = "isolation-forest"
  /// A dense autoencoder over one reading.
  case autoencoder
  /// An LSTM autoencoder over a patient's last readings.
  case lstm
  /// An XGBoost model that somebody trained elsewhere.
  case imported = "imported-xgboost"

  /// Whether it says how unusual a reading is, rather than what it predicts.
  public var findsAnomalies: Bool {
    switch self {
    case .isolationForest, .autoencoder, .lstm: true
    case .randomForest, .gradientBoostedTrees, .logisticRegression, .imported: false
    }
  }

  /// Whether the file is one of XGBoost's.
  var isTrees: Bool {
    switch self {
    case .randomForest, .gradientBoostedTrees, .imported: true
    case .logisticRegression, .isolationForest, .autoencoder, .lstm: false
    }
  }

  /// The name of the model's file in a version's folder.
  public var fileName: String { isTrees ? "model.ubj" : "parameters.json" }
}
