internal import Models
internal import Pipelines
internal import Streaming

/// `lakeward train`
enum TrainCommand: Command {
  static let name = "train"
  static let summary = "prepare, balance, train, evaluate and register a model"
  static let help = """
    usage: lakeward train MODEL [--data FILE | --table NAME | --from-outcomes] [--seed N] [--model KIND] [--no-promote]

    Makes the training rows with the SQL of the pipeline that defines the model, keeps some patients back, balances and
    trains on the others, evaluates on those kept back, prints the figures and saves a version with its card. The new
    version goes live unless --no-promote is given; running pipelines pick it up. The same data and seed give the
    same model.

    A model that finds anomalies learns what is usual from readings that nobody labelled. --model says which kind, instead
    of the one in the pipeline's YAML: isolation-forest, autoencoder or lstm; or for other models random-forest,
    gradient-boosted-trees or logistic-regression.

    --data FILE takes the rows of a CSV or Parquet file in place of the table that the SQL reads. Its columns have the
    table's names; upper case and underscores make no difference. --table NAME takes a table of the lake instead, such as
    one of a feature store with a row for each patient and time. --from-outcomes takes the records that the pipeline
    has stored and the outcomes that have arrived for them. risk and diabetes are trained on generated rows when there
    is neither a file nor the table; the card and the terminal say so.

    examples:
      lakeward import synthea/output/csv && lakeward train illness
      lakeward train illness --seed 7 --no-promote
      lakeward train diabetes --data diabetes.csv
    """
  static let options = [
    Option("data", "FILE", "labelled rows: a CSV or Parquet file"),
    Option("table", "NAME", "labelled rows: a table of the lake with these columns"),
    Option("from-outcomes", nil, "the pipeline's own records with the outcomes that have arrived"),
    Option("seed", "N", "the seed of every random choice (default: the pipeline's)"),
    Option("model", "KIND", "what to train instead of the pipeline's algorithm, such as isolation-forest"),
    Option("no-promote", nil, "register the version without making it live"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard let name = arguments.positionals.first, arguments.positionals.count == 1 else {
      throw UsageError("lakeward train: name one model, such as: lakeward train illness")
    }
    let workspace = try Workspace(arguments)
    let lineage = LineageDuty(workspace)
    defer { lineage?.finish() }
    let origin = try TrainingRows.Origin(arguments)
    let seed = try arguments.integer("seed").map(UInt64.init)
    func train() throws -> ModelRegistry.Entry {
      try workspace.train(
        name, from: origin, seed: seed,
        kind: arguments.text("model"),
        promote: !arguments.has("no-promote")
      ) { step in
        if Console.isTerminal { Console.writeRaw("\r\(step)\u{1B}[K") }
      }
    }
    let entry = try lineage?.training(name, train) ?? train()
    if Console.isTerminal { Console.writeRaw("\r\u{1B}[K") }
    Console.write(entry.card.summary)
    defer { workspace.publishIfAsked(entry) }
    Console.write("saved as \(entry.directory)\(entry.isLive ? ", live" : ", not live (lakeward models promote)")")
    return 0
  }
}

extension Workspace {
  /// Trains a model and registers it.
  /// - Parameter progress: Gets a line before each step.
  func train(
    _ name: String, from data: TrainingRows.Origin = .lake, seed: UInt64? = nil, kind: String? = nil,
    promote: Bool = true, progress: @escaping (String) -> Void
  ) throws -> ModelRegistry.Entry {
    let (pipeline, given) = try model(name)
    let definition = try Self.definition(given, kind: kind)
    let connection = try engine().connect()
    let rows = try TrainingRows(definition, of: pipeline, data, lake: lake, seed: seed ?? definition.seed)
    defer { rows.cleanUp() }
    if let note = try rows.provide(on: connection) { progress(note) }
    var trained: TrainedModel
    do {
      trained =
        definition.algorithm.findsAnomalies
        ? try AnomalyTrainer.train(
          AnomalySpecification(definition, seed: seed), connection: connection, sql: definition.trainingSQL,
          progress: progress)
        : try Trainer.train(
          TrainingSpecification(definition, seed: seed), connection: connection, sql: definition.trainingSQL,
          progress: progress)
    } catch {
      throw rows.mistake(connection).map { CommandFailure($0) } ?? error
    }
    trained.card.data.source = rows.source
    trained.card.data.tables = rows.tables
    return try registry.register(trained, promote: promote)
  }

  /// The definition with another kind of model, if one is given.
  private static func definition(_ definition: ModelDefinition, kind: String?) throws -> ModelDefinition {
    guard let kind else { return definition }
    let answersTheSame = ModelDefinition.Algorithm.allCases.filter {
      $0.findsAnomalies == definition.algorithm.findsAnomalies
    }
    guard let algorithm = answersTheSame.first(where: { $0.rawValue == kind }) else {
      let names = answersTheSame.map(\.rawValue)
      let guess = nearest(to: kind, among: names).map { "; did you mean \($0)?" } ?? ""
      throw UsageError(
        "lakeward train: \(definition.name) cannot be made by \(kind)\(guess) (there are: \(names.joined(separator: ", ")))"
      )
    }
    var changed = definition
    changed.algorithms = [algorithm]
    // Settings of the other algorithm mean nothing to this one.
    changed.parameters = definition.parameters.filter { algorithm.parameterRanges[$0.key] != nil }
    changed.search = definition.search.filter { algorithm.parameterRanges[$0.key] != nil }
    return changed
  }
}
