/// Why a pipeline could not go on. Texts name tables, files, rules and offsets, never a record's values.
public enum StreamingError: Error, Sendable, CustomStringConvertible {
  /// A rule with `on_violation: fail` was broken; nothing of the micro-batch was committed.
  case expectationFailed(table: String, rule: String, rows: Int64)
  /// A pipeline's source is neither Kafka nor a landing directory.
  case noSource(pipeline: String)
  /// A pipeline uses a model of which no version is live.
  case noLiveModel(name: String, pipeline: String)
  /// A table's SELECT lacks a column that the runtime needs.
  case missingColumn(table: String, column: String, reason: String)
  /// A column that names the time of an event is not an instant.
  case notAnInstant(table: String, column: String, type: String)
  /// A table that was asked for does not exist in the lake.
  case unknownTable(name: String, lake: String)
  /// Another process is writing the same pipeline's tables faster than this one.
  case overtaken(pipeline: String, table: String)
  /// A view has the name of a table that something else fills.
  case notAView(table: String, pipeline: String)
  /// Another process runs the pipeline.
  case held(pipeline: String, holder: String)
  /// A replay is not possible, or did not come to its end.
  case cannotReplay(reason: String)
  /// The pipeline was paused and shall not run.
  case paused(pipeline: String)
  /// The lake's files could not be read or written.
  case fileSystem(path: String, operation: String, reason: String)

  /// One line: what happened and what to do.
  public var description: String {
    switch self {
    case .expectationFailed(let table, let rule, let rows):
      "\(table): \(rows) rows break the rule \(rule), which stops the pipeline; correct the source or change the rule's on_violation"
    case .noSource(let pipeline):
      "\(pipeline): the pipeline has no source that can be read; give a landing path or a Kafka topic and brokers"
    case .noLiveModel(let name, let pipeline):
      "\(pipeline): no version of the model \(name) is live; run: lakeward train \(name)"
    case .missingColumn(let table, let column, let reason):
      "\(table): the SELECT gives no column \(column), which is needed \(reason); add it"
    case .notAnInstant(let table, let column, let type):
      "\(table): the event time \(column) must be an instant, and it is a \(type); declare the field as a timestamp, or write CAST(\(column) AS TIMESTAMP_LTZ)"
    case .unknownTable(let name, let lake):
      "there is no table \(name) in the lake \(lake); lakeward table list names those that exist"
    case .overtaken(let pipeline, let table):
      "\(pipeline): another process is writing \(table); stop one of the two"
    case .notAView(let table, let pipeline):
      "the lake has a table \(table) that is not the view of the pipeline \(pipeline); give the view another name, or remove the table's folder"
    case .held(let pipeline, let holder):
      "\(pipeline): \(holder) runs it already; stop that one, or wait for it"
    case .cannotReplay(let reason): "the replay cannot be done: \(reason)"
    case .paused(let pipeline):
      "\(pipeline): the pipeline is paused; lakeward resume \(pipeline) lets it go on"
    case .fileSystem(let path, let operation, let reason):
      "\(path): cannot \(operation): \(reason)"
    }
  }
}
