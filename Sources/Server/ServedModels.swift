internal import Models
internal import Pipelines

final class ServedModels: Sendable {
  init(_ registry: ModelRegistry, pipelines: [Pipeline]) {}
}
