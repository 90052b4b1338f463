internal import DeltaLake
internal import DuckDB
internal import Pipelines
internal import Streaming

/// Which tables of the lake hold readings of patients.
struct PatientTables: Sendable {
  /// A table of one row per patient and time.
  struct Table: Sendable {
    var name: String
    var pipeline: Pipeline
    var columns: [String]

    func has(_ column: String) -> Bool { columns.contains(column) }

    /// Names of those of these columns that it has, quoted.
    func select(_ wanted: [String]) -> String {
      wanted.filter(has).map { SQL.quote(identifier: $0) }.joined(separator: ", ")
    }
  }

  let tables: [Table]

  /// Columns that a card or a sparkline shows.
  static let vitals = [
    "patient_id", "event_time", "ward", "heart_rate", "respiration_rate", "spo2", "systolic", "diastolic",
    "temperature",
    "mean_arterial_pressure", "shock_index", "news2_total",
  ]

  /// Columns of a model's answer.
  static let scores = [
    "patient_id", "event_time", "ward", "prediction", "probability", "risk", "news2_total", "anomaly_score",
    "anomaly_flag", "most_deviating_vital", "anomaly_explanation", "explanation", "model_version",
  ]

  /// The streaming tables that exist and have a patient and a time.
  init(_ context: ServerContext) throws {
    let existing = Set(try context.lake.tableNames())
    var found: [Table] = []
    for pipeline in context.surroundings.pipelines {
      for table in pipeline.streamingTables where existing.contains(table.name) {
        let columns = try context.lake.table(named: table.name).snapshot().schema.names
        if columns.contains("patient_id"), columns.contains("event_time") {
          found.append(Table(name: table.name, pipeline: pipeline, columns: columns))
        }
      }
    }
    tables = found
  }

  /// The table of vital signs that the ward shows.
  var ward: Table? {
    tables.first { $0.name == "silver_patient_vitals" }
      ?? tables.first { $0.has("heart_rate") && $0.has("news2_total") }
  }
}
