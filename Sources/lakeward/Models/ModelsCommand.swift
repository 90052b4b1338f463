internal import DuckDB
internal import Foundation
internal import Models
internal import Pipelines

/// `lakeward models`
enum ModelsCommand: Command {
  static let name = "models"
  static let summary = "registered models: list, look at, promote, roll back, try silently, explain a score"
  static let help = """
    usage: lakeward models list
           lakeward models show MODEL [--version N]
           lakeward models promote MODEL VERSION [--if CONDITION] [--reason TEXT]
           lakeward models rollback MODEL
           lakeward models stage MODEL VERSION candidate|silent|live|retired
           lakeward models history MODEL
           lakeward models outcomes MODEL FILE
           lakeward models compare MODEL [--version N]
           lakeward models publish MODEL [--version N]
           lakeward models explain MODEL --record FILE [--version N]
           lakeward models import MODEL FILE [--pipeline NAME] [--threshold P] [--promote]

    list     every version of every model, and its stage
    show     how a version was trained and how well it does on patients that it never saw
    promote  make a version the one that scores; running pipelines pick it up. With --if only when the condition on
             its figures holds, exit code 1 otherwise. live.… are the figures of the version that scores now
    rollback make the version live again that was live before
    stage    move a version; a silent one scores the stream beside the live one, without alerts
    history  what happened to which version, when and why
    outcomes take a file of what came of records: CSV or Parquet with patient_id, time, outcome and, if known, event_at
    compare  the version in silent trial beside the live one: agreement, alert rate, and, on outcomes, who is right
    publish  take versions to the MLflow server that are not there yet
    explain  what each feature of a record adds to its score
    import   take in an XGBoost model that was trained elsewhere (model.ubj or model.json), for a model that a pipeline
             defines; its features must be the pipeline's, in order. It is not live until it is promoted

    FILE holds one JSON object (- is standard input): either the model's features by name, or a record as the pipeline's
    source carries it. What it lacks counts as missing. It stays on this machine.

    examples:
      lakeward models list
      lakeward models show illness
      lakeward models promote illness 2 --if "roc_auc >= 0.8 and brier <= live.brier + 0.01"
      lakeward models explain illness --record record.json
    """
  static let options = [
    Option("if", "CONDITION", "promote only if it holds, such as: roc_auc >= 0.8 and f1 > live.f1"),
    Option("reason", "TEXT", "why; kept in the model's history"),
    Option("threshold", "P", "import: the probability from which a record counts as positive"),
    Option("pipeline", "NAME", "import: the pipeline that must define the model"),
    Option("promote", nil, "import: make it live at once"),
    Option("version", "N", "this version instead of the live one"),
    Option("record", "FILE", "the record to explain, a JSON object; - for standard input"),
    Option("format", "FORMAT", "table, csv, json or ndjson"),
  ]

  /// The words behind `models`.
  static let words = [
    Subcommand("list", "") { try list($0, $1) },
    Subcommand("show", "MODEL") { try show($0, $1) },
    Subcommand("promote", "MODEL VERSION") { try promote($0, $1) },
    Subcommand("rollback", "MODEL") { try rollback($0, $1) },
    Subcommand("stage", "MODEL VERSION STAGE") { try stage($0, $1) },
    Subcommand("history", "MODEL") { try history($0, $1) },
    Subcommand("outcomes", "MODEL FILE") { try outcomes($0, $1) },
    Subcommand("compare", "MODEL") { try compare($0, $1) },
    Subcommand("publish", "MODEL") { try publish($0, $1) },
    Subcommand("explain", "MODEL --record FILE") { try explain($0, $1) },
    Subcommand("import", "MODEL FILE") { try importModel($0, $1) },
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    do {
      return try Subcommand.dispatch(arguments, command: name, among: words)
    } catch is OutputSink.ReaderLeft {
      return 0
    }
  }

  static func format(_ arguments: Arguments) throws -> OutputFormat {
    try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson])
  }

  private static func list(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    _ = try Subcommand.require(words, [], command: "models list")
    let format = try format(arguments)
    let registry = try Workspace(arguments).registry
    let entries = try registry.list()
    if entries.isEmpty, format == .table {
      Console.warn("\(registry.directory) holds no models yet; lakeward train MODEL makes them")
    }
    let rows = entries.map { entry -> [Value] in
      let card = entry.card
      return [
        .string(card.name), .int(Int64(card.version) ?? 0), .string(entry.stage.rawValue), .string(card.createdAt),
        .string(card.algorithm.rawValue), .int(Int64(card.data.rows)), rounded(card.rocAUC), rounded(card.f1),
        rounded(card.threshold),
      ]
    }
    try format.write(
      TableFacts.columns([
        ("model", .varchar), ("version", .bigint), ("stage", .varchar), ("registered", .varchar),
        ("algorithm", .varchar), ("rows", .bigint), ("ROC-AUC", .double), ("F1", .double), ("threshold", .double),
      ]), rows, to: .standardOutput(), note: "")
    return 0
  }

  private static func show(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["MODEL"], command: "models show")[0]
    let format = try format(arguments)
    let entry = try entry(try Workspace(arguments), name, arguments)
    if format == .json || format == .ndjson {
      let json = try entry.card.json()
      Console.writeRaw(String(decoding: json, as: UTF8.self))
      return 0
    }
    let card = entry.card
    let rows = card.features.map { name -> [Value] in
      [
        .string(name), rounded(card.importance[name]), rounded(card.meanContribution?[name]),
        rounded(card.data.missingShare[name]),
      ]
    }
    if format == .table {
      Console.write(card.summary)
      Console.write("\nregistered       \(card.createdAt), \(entry.stage.rawValue)")
      Console.write("files            \(entry.directory)\n")
    }
    try format.write(
      TableFacts.columns([
        ("feature", .varchar), ("importance", .double), ("mean contribution", .double), ("missing", .double),
      ]), rows,
      to: .standardOutput(), note: "")
    return 0
  }

  private static func explain(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["MODEL"], command: "models explain")[0]
    guard let file = arguments.text("record") else {
      throw UsageError("lakeward models explain: which record? --record FILE with a JSON object")
    }
    let format = try format(arguments)
    let workspace = try Workspace(arguments)
    let entry = try entry(workspace, name, arguments)
    let fields = (try? workspace.model(name))?.pipeline.source?.fields ?? []
    let record = try FeatureRecord(file: file, features: entry.card.features, fields: fields)
    for warning in record.warnings { Console.warn("lakeward models explain: \(warning)") }
    let explanation = try Explanation(entry, record)
    if format == .table {
      let sink = OutputSink.standardOutput()
      try sink.write(explanation.chart(width: sink.terminalWidth ?? 100))
      try sink.finish()
    } else {
      try format.write(Explanation.columns, explanation.rows, to: .standardOutput(), note: "")
    }
    return 0
  }

  static func entry(
    _ workspace: Workspace, _ name: String, _ arguments: Arguments
  ) throws -> ModelRegistry.Entry {
    try requireModel(workspace, name)
    guard let version = try arguments.integer("version", minimum: 1) else { return try workspace.registry.live(name) }
    return try workspace.registry.version(String(version), of: name)
  }

  static func requireModel(_ workspace: Workspace, _ name: String) throws {
    let names = try workspace.registry.names()
    guard !names.contains(name) else { return }
    let guess = nearest(to: name, among: names).map { "did you mean \($0)?" }
    let remedy =
      guess ?? (names.isEmpty ? "lakeward train \(name) makes one" : "there are: \(names.joined(separator: ", "))")
    throw CommandFailure("\(workspace.registry.directory) holds no model \(name); \(remedy)")
  }

  /// Four digits behind the point say all that such a figure can.
  static func rounded(_ value: Double?) -> Value {
    value.map { .double(($0 * 10_000).rounded() / 10_000) } ?? .null
  }
}
