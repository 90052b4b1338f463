internal import Alerts
internal import Pipelines

/// What `lakeward check` says about alerts.
enum CheckAlerts {
  /// Reads a pipeline's policies, and warns of roles that nobody has.
  static func policies(of pipeline: Pipeline, _ workspace: Workspace) throws {
    let policies = try PolicyFile.load(pipeline)
    guard workspace.configuration.notifiers != nil else { return }
    let known = Set(try workspace.alertSettings().notifiers.keys)
    let missing = Set(policies.flatMap(\.levels).flatMap(\.notify)).subtracting(known).sorted()
    if !missing.isEmpty {
      Console.write(
        "warning \(pipeline.folder)/\(PolicyFile.name): nobody is told as \(missing.joined(separator: ", ")); "
          + "define notifiers of these names in lakeward.yml")
    }
  }

  /// Reads the notifiers and looks for their secrets.
  static func notifiers(_ workspace: Workspace) throws {
    for notifier in try workspace.alertSettings().notifiers.values.sorted(by: { $0.name < $1.name }) {
      try notifier.checkSecrets()
    }
  }
}
