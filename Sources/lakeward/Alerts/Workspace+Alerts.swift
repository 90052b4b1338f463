internal import Alerts
internal import Pipelines

extension Workspace {
  /// The alert policies of some pipelines; of all if none is named.
  func alertPolicies(_ pipelines: [Pipeline]? = nil) throws -> [AlertPolicy] {
    try (pipelines ?? self.pipelines([])).flatMap { try PolicyFile.load($0) }
  }

  /// Who can be told of alerts.
  func alertSettings() throws -> AlertSettings {
    try AlertSettings(
      notifiers: configuration.notifiers, alerts: configuration.alerts, folder: configuration.folder)
  }
}
