internal import Foundation
internal import MLflow
internal import Models
internal import Pipelines

/// `lakeward models publish`
extension ModelsCommand {
  static func publish(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["MODEL"], command: "models publish")[0]
    let workspace = try Workspace(arguments)
    try requireModel(workspace, name)
    guard let server = workspace.mlflow else {
      throw CommandFailure("no MLflow server is set; set mlflow.tracking_uri in lakeward.yml, or MLFLOW_TRACKING_URI")
    }
    let publisher = MLflowPublisher(server)
    let version = try arguments.integer("version", minimum: 1).map(String.init)
    let entries =
      if let version { [try workspace.registry.version(version, of: name)] } else {
        try workspace.registry.versions(of: name)
      }
    var published = 0
    for entry in entries where publisher.receipt(of: entry) == nil || version != nil {
      Console.write(Workspace.line(try publisher.publish(entry), entry))
      published += 1
    }
    if published == 0 { Console.write("\(name): all \(entries.count) versions are at \(server.address) already") }
    return 0
  }
}

extension Workspace {
  /// The MLflow server of the configuration, or of MLflow's own environment variables; nil if none is set.
  var mlflow: MLflowServer? {
    let environment = ProcessInfo.processInfo.environment
    let address = configuration.mlflow?.trackingURI ?? environment["MLFLOW_TRACKING_URI"] ?? ""
    guard !address.isEmpty else { return nil }
    let experiment = configuration.mlflow?.experiment ?? environment["MLFLOW_EXPERIMENT_NAME"] ?? "lakeward"
    return MLflowServer(address: address, experiment: experiment, environment: environment)
  }

  /// Publishes a version if a server is set. A failure is said and changes nothing: the version is registered here.
  func publishIfAsked(_ entry: ModelRegistry.Entry) {
    guard let server = mlflow else { return }
    do {
      Console.write(Self.line(try MLflowPublisher(server).publish(entry), entry))
    } catch {
      Console.warn(
        "\(error); version \(entry.card.version) is registered here, and "
          + "lakeward models publish \(entry.card.name) tries again")
    }
  }

  static func line(_ receipt: MLflowPublisher.Receipt, _ entry: ModelRegistry.Entry) -> String {
    let version = receipt.modelVersion.map { "version \($0) of the registered model \(entry.card.name), " } ?? ""
    return "\(entry.card.name) version \(entry.card.version): \(version)run \(receipt.run) at \(receipt.server)"
  }
}
