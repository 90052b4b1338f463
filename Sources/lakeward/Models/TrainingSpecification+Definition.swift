internal import Models
internal import Pipelines

extension TrainingSpecification {
  /// What a pipeline's definition asks for; `seed` wins over the definition's.
  init(_ definition: ModelDefinition, seed: UInt64?) throws {
    self.init(
      name: definition.name, features: definition.features, label: definition.label, group: definition.group)
    classes = definition.classes
    attributes = definition.fairness
    time = definition.time
    self.seed = seed ?? definition.seed
    testShare = definition.testFraction
    if let threshold = definition.threshold { thresholdRule = .fixed(threshold) }
    switch definition.balance {
    case .none: balance = .none
    case .smote: balance = .smote(neighbours: Int(definition.parameters["neighbours"] ?? 5))
    case .classWeights: balance = .classWeights
    }
    switch definition.calibration {
    case .none: calibration = .none
    case .isotonic: calibration = .method(.isotonic)
    case .platt: calibration = .method(.platt)
    case .automatic: calibration = .automatic
    }
    search = definition.search
    learners = try definition.algorithms.map { algorithm in
      let own = algorithm.parameterRanges
      let parameters = definition.parameters.filter { own[$0.key] != nil && $0.key != "neighbours" }
      guard let kind = ModelKind(rawValue: algorithm.rawValue) else {
        throw CommandFailure("\(algorithm.rawValue) cannot be trained by this version")
      }
      return try Learner(kind, parameters: parameters)
    }
  }
}

extension AnomalySpecification {
  /// What a pipeline's definition asks for; `seed` wins over the definition's.
  init(_ definition: ModelDefinition, seed: UInt64?) throws {
    self.init(
      name: definition.name, features: definition.features, group: definition.group, time: definition.time ?? "")
    label = definition.label
    kind = ModelKind(rawValue: definition.algorithm.rawValue) ?? .isolationForest
    parameters = definition.parameters
    contamination = definition.contamination
    testShare = definition.testFraction
    self.seed = seed ?? definition.seed
  }
}
