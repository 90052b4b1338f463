internal import DuckDB

/// Which alerts are wanted. Every part that is given must hold.
public struct AlertFilter: Sendable, Hashable {
  /// In one of these states; empty: any.
  public var states: Set<Alert.State> = [.open, .acknowledged]
  /// Of these severities; empty: any.
  public var severities: Set<AlertSeverity> = []
  /// On this ward.
  public var ward: String?
  /// Of this patient.
  public var patient: String?
  /// Of this pipeline.
  public var pipeline: String?
  /// By this policy.
  public var policy: String?
  /// Opened at this instant or later, microseconds since 1970.
  public var since: Int64?
  /// At most so many.
  public var limit = 1_000

  /// Alerts that are not closed.
  public init() {}

  /// Whether an alert is wanted.
  public func matches(_ alert: Alert) -> Bool {
    (states.isEmpty || states.contains(alert.state)) && (severities.isEmpty || severities.contains(alert.severity))
      && (ward == nil || ward == alert.ward) && (patient == nil || patient == alert.patient)
      && (pipeline == nil || pipeline == alert.policy.pipeline) && (policy == nil || policy == alert.policy.policy)
      && (since.map { alert.openedAt >= $0 } ?? true)
  }

  /// The same as SQL over `alerts`.
  var condition: String {
    func list(_ words: some Sequence<String>) -> String {
      words.sorted().map { SQL.quote(literal: $0) }.joined(separator: ", ")
    }
    var parts = ["true"]
    if !states.isEmpty { parts.append("state IN (\(list(states.map(\.rawValue))))") }
    if !severities.isEmpty { parts.append("severity IN (\(list(severities.map(\.rawValue))))") }
    for (column, value) in [("ward", ward), ("patient_id", patient), ("pipeline", pipeline), ("policy", policy)] {
      if let value { parts.append("\(column) = \(SQL.quote(literal: value))") }
    }
    if let since { parts.append("opened_at >= make_timestamptz(\(since))") }
    return parts.joined(separator: " AND ")
  }

  /// Whether closed alerts are wanted, which may have to be read from the table.
  var wantsClosed: Bool { states.isEmpty || states.contains { $0.isClosed } }
}
