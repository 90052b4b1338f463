public import Models
public import Pipelines

extension ModelUse {
  /// The use that a pipeline's definition asks for.
  public init(_ definition: ModelDefinition) {
    self.init(
      definition.name, features: definition.features, classes: definition.classes,
      findsAnomalies: definition.algorithm.findsAnomalies, isOptional: definition.isOptional)
  }
}
