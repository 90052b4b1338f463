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
  /// What the SQL functions are called after: the name, unless one model is used twice.
  public var slot: String
  /// Which version scores: the live one, or the one in silent trial.
  public var stage = ModelStage.live
  /// Whether inputs and answers are counted (`LiveModels.Model.observer`).
  public var isObserved = false

  /// A use of the model `name`.
  public init(
    _ name: String, features: [String], classes: [String] = [], findsAnomalies: Bool = false, isOptional: Bool = false
  ) {
    self.name = name
    self.features = features
    self.classes = classes
    self.findsAnomalies = findsAnomalies
    self.isOptional = isOptional
    slot = name
  }

  /// The same model under another name in SQL, as in `predict_SLOT`; optional, so that the SQL runs without a version.
  public func inSlot(_ slot: String, stage: ModelStage, isObserved: Bool = false) -> ModelUse {
    var copy = self
    copy.slot = slot
    copy.stage = stage
    copy.isObserved = isObserved
    copy.isOptional = true
    return copy
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
    /// How its inputs and answers were distributed in training; nil unless it is observed and that is known.
    public var fingerprint: DistributionFingerprint?
    /// Counts what it is asked and answers; nil as for `fingerprint`.
    public var observer: DistributionObserver?
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
    self.uses = uses.sorted { $0.slot < $1.slot }
    var loaded: [String: Model] = [:]
    for use in uses {
      if use.isOptional, try Self.version(registry, use) == nil { continue }
      loaded[use.slot] = try Self.load(registry, use)
    }
    self.models = Mutex(loaded)
  }

  /// Loads versions that were promoted since; returns the slots of the models that changed. Reads one small file per
  /// model when nothing changed. On an error the models stay as they were.
  @discardableResult
  public func refresh() throws(ModelError) -> [String] {
    let current = models.withLock { $0 }
    var changed: [String: Model] = [:]
    var ended: [String] = []
    for use in uses {
      let version = try Self.version(registry, use)
      if let version, version != current[use.slot]?.card.version {
        changed[use.slot] = try Self.load(registry, use)
      } else if version == nil, use.stage == .silent, current[use.slot] != nil {
        ended.append(use.slot)
      }
    }
    if !changed.isEmpty || !ended.isEmpty {
      models.withLock { models in
        models.merge(changed) { _, new in new }
        for slot in ended { models[slot] = nil }
      }
    }
    return (changed.keys + ended).sorted()
  }

  /// The version in use; nil for an optional model that has none. Throws `notFound` for a slot that was not asked for.
  public func model(_ name: String) throws(ModelError) -> Model? {
    if let model = models.withLock({ $0[name] }) { return model }
    guard uses.contains(where: { $0.slot == name }) else {
      throw ModelError(
        .notFound, "the model \(name) is not one of this pipeline's (\(uses.map(\.name).joined(separator: ", ")))",
        hint: "list it under models in the pipeline's YAML")
    }
    return nil
  }

  /// Whether the version in use looks at more than one reading; false for a slot without one.
  public func looksBack(_ slot: String) -> Bool {
    models.withLock { $0[slot].map { $0.scorer.model.steps > 1 } ?? false }
  }

  private static func version(_ registry: ModelRegistry, _ use: ModelUse) throws(ModelError) -> String? {
    use.stage == .silent ? try registry.silentVersion(of: use.name) : try registry.liveVersion(of: use.name)
  }

  private static func load(_ registry: ModelRegistry, _ use: ModelUse) throws(ModelError) -> Model {
    let entry = use.stage == .silent ? try registry.silent(use.name) : try registry.live(use.name)
    let card = entry.card
    guard card.features == use.features else {
      throw ModelError(
        .features,
        "the \(use.stage.rawValue) version \(card.version) of \(use.name) was trained on \(card.features.joined(separator: ", ")), "
          + "the pipeline gives \(use.features.joined(separator: ", "))",
        hint: "train \(use.name) again, or promote a version with these features")
    }
    guard card.classes ?? [] == use.classes, card.algorithm.findsAnomalies == use.findsAnomalies else {
      throw ModelError(
        .features,
        "the \(use.stage.rawValue) version \(card.version) of \(use.name) (\(card.algorithm.rawValue)) answers another question than the "
          + "pipeline asks",
        hint: "train \(use.name) again, or promote a version with the pipeline's classes")
    }
    var model = Model(card: card, scorer: try entry.scorer())
    if use.isObserved, let fingerprint = try entry.fingerprint() {
      model.fingerprint = fingerprint
      model.observer = DistributionObserver(fingerprint)
    }
    return model
  }
}
