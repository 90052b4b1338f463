internal import Foundation
internal import Models
internal import Pipelines
internal import Streaming

/// `lakeward models import`
extension ModelsCommand {
  static func importModel(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let words = try Subcommand.require(words, ["MODEL", "FILE"], command: "models import")
    let workspace = try Workspace(arguments)
    let (pipeline, definition) = try workspace.model(words[0])
    if let name = arguments.text("pipeline"), name != pipeline.name {
      throw CommandFailure("the model \(words[0]) is defined by the pipeline \(pipeline.name), not by \(name)")
    }
    guard let data = FileManager.default.contents(atPath: words[1]) else {
      throw CommandFailure("\(words[1]) cannot be read: is there such a file?")
    }
    let threshold = try arguments.number("threshold", minimum: 0) ?? definition.threshold
    let use = ModelUse(definition)
    let trained: TrainedModel
    do {
      trained = try TrainedModel(importing: Array(data), for: use, group: definition.group, threshold: threshold)
    } catch {
      throw CommandFailure("\(words[1]): \(error)")
    }
    let entry = try workspace.registry.register(trained, promote: arguments.has("promote"))
    let card = entry.card
    Console.write("\(card.name): imported as version \(card.version), \(card.library), \(card.features.count) features")
    Console.write(
      entry.isLive
        ? "it is live" : "it is a candidate; lakeward models promote \(card.name) \(card.version) makes it live")
    return 0
  }
}
