internal import Alerts
internal import Pipelines

extension Workspace {
  /// The alert policies of every pipeline. A pipeline that is wrong has none: it stops no other.
  /// - Parameter failed: Takes the pipeline's name and what is wrong.
  func alertPolicies(_ failed: (String, any Error) -> Void = { _, _ in }) throws -> [AlertPolicy] {
    try pipelineNames().flatMap { name -> [AlertPolicy] in
      do {
        return try PolicyFile.load(try pipeline(name))
      } catch {
        failed(name, error)
        return []
      }
    }
  }

  /// Who can be told of alerts.
  func alertSettings() throws -> AlertSettings {
    try AlertSettings(
      notifiers: configuration.notifiers, alerts: configuration.alerts, folder: configuration.folder)
  }
}
