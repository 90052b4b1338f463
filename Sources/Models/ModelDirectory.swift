import Synchronization

/// The models of all pipelines that share a query engine. SQL functions belong to the whole engine, so that
/// `model_version('NAME')` must find the model of whichever pipeline asks.
public final class ModelDirectory: Sendable {
  private let sets = Mutex<[String: LiveModels]>([:])

  /// A directory without models.
  public init() {}

  /// Adds the models of a pipeline; a slot that is there already is now answered by these.
  public func add(_ live: LiveModels) {
    sets.withLock { sets in
      for use in live.uses { sets[use.slot] = live }
    }
  }

  /// The version in use in a slot; nil for an optional model that has none. Throws `notFound` for an unknown slot.
  public func model(_ slot: String) throws(ModelError) -> LiveModels.Model? {
    guard let live = sets.withLock({ $0[slot] }) else {
      let known = sets.withLock { $0.keys.sorted() }
      throw ModelError(
        .notFound, "the model \(slot) is not one of those that run here (\(known.joined(separator: ", ")))",
        hint: "list it under models in the pipeline's YAML")
    }
    return try live.model(slot)
  }
}
