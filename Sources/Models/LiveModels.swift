import Synchronization

/// How a pipeline uses a model in SQL.
public struct ModelUse: Sendable, Hashable {
  /// The model's name.
  public var name: String
  /// Its features in the order of `predict_NAME`'s arguments.
  public var features: [String]
  /// Its classes when there are more than two.
  public var classes: [String]
  /// Whether it says how unusual a reading is (`anomaly_NAME`), rather than what it predicts (`predict_NAME`).
  public var findsAnomalies: Bool
  /// Whether the SQL runs without a live version; its scores are NULL then.
  public var isOptional: Bool

  /// A use of the model `name`.
  public init(
    _ name: String, features: [String], classes: [String] = [], findsAnomalies: Bool = false, isOptional: Bool = false
  ) {
    self.name = name
    self.features = features
    self.classes = classes
    self.findsAnomalies = findsAnomalies
    self.isOptional = isOptional
  }

  /// The use that a version's card asks for.
  public init(_ card: ModelCard) {
    self.init(
      card.name, features: card.features, classes: card.classes ?? [], findsAnomalies: card.algorithm.findsAnomalies)
  }
}

/// The models that SQL functions score with: one live version per name, exchanged as a whole by `refresh`.
///
/// The functions see the version that was live at the last refresh. Refresh between batches, so that all rows of a
/// batch, and its `model_version`, come from one version.
public final class LiveModels: Sendable {
  /// A version in use.
  public struct Model: Sendable {
    /// Its card: version, features, threshold.
    public let card: ModelCard
    /// The model with its calibration.
    public let scorer: Scorer
  }

  /// Where versions come from.
  public let registry: ModelRegistry
  /// How they are used, by name.
  public let uses: [ModelUse]
  private let models: Mutex<[String: Model]>

  /// Loads the live version of every model in `uses`.
  ///
  /// Throws `notFound` when a model that is not optional has no live version, `features` when it was trained on others.
  public init(_ registry: ModelRegistry, uses: [ModelUse]) throws(ModelError) {
    self.registry = registry
    self.uses = uses.sorted { $0.name < $1.name }
    var loaded: [String: Model] = [:]
    for use in uses {
      if use.isOptional, try registry.liveVersion(of: use.name) == nil { continue }
      loaded[use.name] = try Self.load(registry, use)
    }
    self.models = Mutex(loaded)
  }

  /// Loads versions that were promoted since; returns the names of the models that changed. Reads one small file per
  /// model when nothing changed. On an error the models stay as they were.
  @discardableResult
  public func refresh() throws(ModelError) -> [String] {
    let current = models.withLock { $0 }
    var changed: [String: Model] = [:]
    for use in uses {
      if let version = try registry.liveVersion(of: use.name), version != current[use.name]?.card.version {
        changed[use.name] = try Self.load(registry, use)
      }
    }
    if !changed.isEmpty { models.withLock { $0.merge(changed) { _, new in new } } }
    return changed.keys.sorted()
  }

  /// The version in use; nil for an optional model that has none. Throws `notFound` for a name that was not asked for.
  public func model(_ name: String) throws(ModelError) -> Model? {
    if let model = models.withLock({ $0[name] }) { return model }
    guard uses.contains(where: { $0.name == name }) else {
      throw ModelError(
        .notFound, "the model \(name) is not one of this pipeline's (\(uses.map(\.name).joined(separator: ", ")))",
        hint: "list it under models in the pipeline's YAML")
    }
    return nil
  }

  private static func load(_ registry: ModelRegistry, _ use: ModelUse) throws(ModelError) -> Model {
    let entry = try registry.live(use.name)
    let card = entry.card
    guard card.features == use.features else {
      throw ModelError(
        .features,
        "the live version \(card.version) of \(use.name) was trained on \(card.features.joined(separator: ", ")), "
          + "the pipeline gives \(use.features.joined(separator: ", "))",
        hint: "train \(use.name) again, or promote a version with these features")
    }
    guard card.classes ?? [] == use.classes, card.algorithm.findsAnomalies == use.findsAnomalies else {
      throw ModelError(
        .features,
        "the live version \(card.version) of \(use.name) (\(card.algorithm.rawValue)) answers another question than the "
          + "pipeline asks",
        hint: "train \(use.name) again, or promote a version with the pipeline's classes")
    }
    return Model(card: card, scorer: try entry.scorer())
  }
}
