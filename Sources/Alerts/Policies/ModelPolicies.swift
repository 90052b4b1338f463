internal import DuckDB
internal import Pipelines
internal import Streaming

/// Policies about models: on the table `model_monitoring`, with a model where others have a patient.
///
/// What is judged is one row for each model of the pipeline: the figures of the hour before its newest one, of the
/// version that they are about. An hour, so that no window is missed between two looks, and an alert is over once an hour
/// of figures shows no drift.
public enum ModelPolicies {
  /// The table's name, as policies write it.
  public static let table = ModelWatch.monitoringTable
  /// The columns of the rows that are judged.
  public static let columns = ["model", "model_version", "drift", "drifting_columns", "largest_excess", "figures"]

  /// Raises an advisory alert when a model of the pipeline drifts, and tells nobody: who wants to be told writes a policy
  /// of their own on the same table, which takes its place.
  public static func standard(for pipeline: String) -> AlertPolicy {
    var policy = AlertPolicy(
      name: "model_drift", pipeline: pipeline, table: table, severity: .advisory, title: "The model {patient} drifts",
      message: "Its records or answers differ from those of its training (table model_monitoring). Look for the cause; "
        + "train it again if the change stays.",
      trigger: .condition("drift", threshold: nil))
    policy.patient = "model"
    policy.show = ["model_version", "drifting_columns", "largest_excess"]
    policy.holdOffSeconds = 86_400
    // One window of drift must not be over before somebody has seen it.
    policy.isLatching = true
    policy.source = "limits of docs/model-operations.md"
    return policy
  }

  /// Whether the pipeline's models are watched at all.
  static func concern(_ pipeline: Pipeline) -> Bool { pipeline.source != nil && !pipeline.models.isEmpty }

  /// The rows to judge.
  /// - Parameter scan: The table, as SQL that can stand in FROM.
  static func relation(_ scan: String, pipeline: String) -> String {
    """
    (SELECT model, max(model_version) AS model_version, bool_or(is_drift) AS drift,
      string_agg(DISTINCT "column", ', ' ORDER BY "column") FILTER (WHERE is_drift) AS drifting_columns,
      max("value" / nullif("limit", 0)) FILTER (WHERE is_drift) AS largest_excess, count(*) AS figures
    FROM (
      SELECT *, max("time") OVER newest AS _newest, first_value(model_version) OVER newest AS _version
      FROM \(scan) WHERE pipeline = \(SQL.quote(literal: pipeline))
      WINDOW newest AS (PARTITION BY model ORDER BY "time" DESC, "window" DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    )
    WHERE model_version = _version AND epoch_us("time") > epoch_us(_newest) - 3600000000
    GROUP BY model)
    """
  }
}

/// What a policy's alerts are about: whose name stands where others have a patient.
public enum AlertSubject: String, Sendable, Hashable, CaseIterable {
  /// A patient.
  case patient
  /// A model: a policy `on: model_monitoring`.
  case model
  /// A ward: a policy on a view with a row for each ward.
  case ward
}

extension AlertPolicy {
  /// What its alerts are about.
  public var subject: AlertSubject {
    if isAboutModels { return .model }
    let name = patient.lowercased()
    return name == "ward" || name == ward?.lowercased() ? .ward : .patient
  }

  /// Whether it is about models, not about patients.
  public var isAboutModels: Bool { table == ModelPolicies.table }
}
