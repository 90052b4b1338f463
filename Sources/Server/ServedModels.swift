internal import HTTP
internal import Models
internal import Pipelines
internal import Synchronization

/// One feature of a model as the API takes it.
struct ServedFeature: Sendable {
  var name: String
  var unit: String?
  var summary: String?
  var minimum: Double?
  var maximum: Double?
  /// Zero stands for "not measured".
  var zeroIsMissing = false
}

/// A version of a model that answers requests.
final class ServedModel: Sendable {
  let card: ModelCard
  let scorer: Scorer
  let features: [ServedFeature]
  /// Places of the features by name.
  let places: [String: Int]
  /// Features that are 1 in one age group, with the ages of the group; `age` may stand for them.
  let ageGroups: [(place: Int, ages: ClosedRange<Double>)]

  init(_ model: LiveModels.Model, features: [ServedFeature]) {
    card = model.card
    scorer = model.scorer
    self.features = features
    places = Dictionary(features.enumerated().map { ($1.name, $0) }) { first, _ in first }
    ageGroups = features.enumerated().compactMap { place, feature in
      let parts = feature.name.split(separator: "_")
      guard parts.count == 3, parts[0] == "age", let low = Double(parts[1]) else { return nil }
      if parts[2] == "plus" { return (place, low...200) }
      return Double(parts[2]).map { (place, low...($0 + 0.999_999)) }
    }
  }

  /// Whether `age` stands for the age groups.
  var takesAge: Bool { !ageGroups.isEmpty && places["age"] == nil }

  /// High from the threshold on, Medium from half of it; of several classes the most probable.
  func risk(of probability: Double) -> String {
    let threshold = card.threshold ?? 0.5
    return probability >= threshold ? "High" : probability >= threshold / 2 ? "Medium" : "Low"
  }
}

/// The live versions of all models, taken up when they are promoted.
final class ServedModels: Sendable {
  private struct State {
    var models: [String: ServedModel] = [:]
    var looked: [String: ContinuousClock.Instant] = [:]
  }

  private let registry: ModelRegistry
  private let pipelines: [Pipeline]
  private let state = Mutex(State())

  init(_ registry: ModelRegistry, pipelines: [Pipeline]) {
    self.registry = registry
    self.pipelines = pipelines
  }

  /// The live version; looks for a newer one at most twice a second.
  /// - Throws: `ModelError.notFound` where none is live.
  func model(_ name: String) throws -> ServedModel {
    let now = ContinuousClock.now
    let known = state.withLock { state -> ServedModel? in
      guard let model = state.models[name], let looked = state.looked[name], now - looked < .milliseconds(500) else {
        return nil
      }
      return model
    }
    if let known { return known }
    guard let version = try registry.liveVersion(of: name) else {
      throw Problem.notFound("no version of the model \(name.prefix(64)) is live; lakeward train makes one")
    }
    if let current = state.withLock({ $0.models[name] }), current.card.version == version {
      state.withLock { $0.looked[name] = now }
      return current
    }
    let entry = try registry.live(name)
    let live = try LiveModels(registry, uses: [ModelUse(entry.card)])
    guard let model = try live.model(name) else { throw Problem.notFound("no version of the model is live") }
    let served = ServedModel(model, features: features(entry.card.features, of: name))
    state.withLock { state in
      state.models[name] = served
      state.looked[name] = now
    }
    return served
  }

  /// What the pipelines say about features.
  func features(_ names: [String], of model: String) -> [ServedFeature] {
    let pipeline = pipelines.first { $0.models.contains { $0.name == model } }
    let fields = pipeline?.source?.fields ?? []
    let limits = pipeline.map(Self.limits) ?? [:]
    return names.map { name in
      var feature = ServedFeature(name: name)
      if let field = fields.first(where: { $0.name == name }) {
        feature.unit = field.unit
        feature.summary = field.summary
        feature.zeroIsMissing = field.summary?.contains("0 is not measured") ?? false
      }
      if let range = limits[name] {
        feature.minimum = range.lowerBound
        feature.maximum = range.upperBound
      }
      return feature
    }
  }

  /// The features of a model that pipelines define, live or not.
  func definedFeatures(of model: String) -> [ServedFeature]? {
    for pipeline in pipelines {
      if let definition = pipeline.models.first(where: { $0.name == model }) {
        return features(definition.features, of: model)
      }
    }
    return nil
  }

  /// Bounds that the pipeline's expectations state as `NAME BETWEEN a AND b`.
  private static func limits(_ pipeline: Pipeline) -> [String: ClosedRange<Double>] {
    var limits: [String: ClosedRange<Double>] = [:]
    for expectation in pipeline.tables.flatMap(\.expectations) {
      let words = expectation.expression.split(whereSeparator: \.isWhitespace)
      guard words.count == 5, words[1].uppercased() == "BETWEEN", words[3].uppercased() == "AND",
        let low = Double(words[2]), let high = Double(words[4]), low <= high
      else { continue }
      limits[String(words[0])] = low...high
    }
    return limits
  }
}
