/// A model and its card, not yet in a registry.
public struct TrainedModel: Sendable {
  /// The model.
  public let forest: ForestModel
  /// What it is; `version` and `createdAt` are set by the registry.
  public var card: ModelCard

  /// Pairs a model with its card.
  public init(forest: ForestModel, card: ModelCard) {
    self.forest = forest
    self.card = card
  }
}
