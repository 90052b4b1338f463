/// A model and its card, not yet in a registry.
public struct TrainedModel: Sendable {
  /// The model.
  public let model: any Model
  /// What it is; `version` and `createdAt` are set by the registry.
  public var card: ModelCard
  /// How its inputs and answers were distributed; nil if nobody looked.
  public var fingerprint: DistributionFingerprint?

  /// Pairs a model with its card.
  public init(model: any Model, card: ModelCard, fingerprint: DistributionFingerprint? = nil) {
    self.fingerprint = fingerprint
    self.model = model
    self.card = card
  }

  /// The model with the card's calibration.
  public var scorer: Scorer { Scorer(model: model, calibration: card.calibration) }
}
