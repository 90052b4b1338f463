public import Pipelines

/// A pipeline as a project of Spark Declarative Pipelines (Spark 4.1 or newer): the pipeline's SQL unchanged, a file that says
/// what belongs to the project, and Python for what SQL cannot say.
public struct SparkProject: Sendable {
  /// Why a pipeline cannot be taken to Spark.
  public struct Unsupported: Error, Sendable, Hashable, CustomStringConvertible {
    /// What it is and what to do about it.
    public var description: String
  }

  /// A model that the SQL asks, in its live version.
  public struct Model: Sendable, Hashable {
    /// Its name in SQL.
    public var name: String
    /// The version.
    public var version: String
    /// Features in the order of the function's arguments.
    public var features: [String]
    /// Classes in the order of the model's outputs; empty for yes or no.
    public var classes: [String]
    /// The decision threshold.
    public var threshold: Double

    /// A model from its parts.
    public init(name: String, version: String, features: [String], classes: [String], threshold: Double) {
      self.name = name
      self.version = version
      self.features = features
      self.classes = classes
      self.threshold = threshold
    }
  }

  /// The files by their paths in the project's folder. Models' files (`models/NAME.ubj`) are not among them.
  public let files: [Pipeline.File]

  /// - Parameters:
  ///   - sql: The pipeline's SQL files, without those of training.
  ///   - models: The models that the SQL asks.
  ///   - landing: Where records lie, an absolute path; nil for a pipeline without a source.
  ///   - tables: Where tables lie that the pipeline reads and does not make, absolute paths or URIs.
  /// - Throws: ``Unsupported`` for what has no counterpart on Spark.
  public init(
    _ pipeline: Pipeline, sql: [Pipeline.File], models: [Model], landing: String?, tables: [String: String]
  ) throws(Unsupported) {
    if let recent = pipeline.recents.first {
      throw Unsupported(
        description:
          "\(pipeline.name) reads \(recent.name), the last readings of each key, which Spark's pipelines cannot; "
          + "export a pipeline without 'recent'")
    }
    if let model = pipeline.models.first(where: { $0.algorithm.findsAnomalies }) {
      throw Unsupported(
        description:
          "\(pipeline.name) asks the model \(model.name) for anomalies, which has no form that Spark can load")
    }
    if let warning = pipeline.warnings.first {
      throw Unsupported(description: "the SQL does not mean the same on Spark: \(warning)")
    }
    var files = sql.map { Pipeline.File(name: "transformations/\($0.name)", text: $0.text) }
    files.append(.init(name: "spark-pipeline.yml", text: Self.specification(pipeline)))
    files.append(
      .init(
        name: "transformations/lakeward_source.py",
        text: SparkSource.text(pipeline, landing: landing, tables: tables)))
    if !pipeline.models.isEmpty {
      files.append(.init(name: "transformations/lakeward_models.py", text: SparkModels.text(models)))
    }
    files.append(.init(name: "README.md", text: Self.notes(pipeline)))
    self.files = files.sorted { $0.name < $1.name }
  }

  private static func specification(_ pipeline: Pipeline) -> String {
    """
    # spark-pipelines run --spec spark-pipeline.yml
    name: \(pipeline.name)
    # Checkpoints of the streams; give an absolute place of your own for several machines.
    storage: file:///tmp/lakeward-\(pipeline.name)
    libraries:
      - glob:
          include: transformations/**
    configuration:
      spark.sql.session.timeZone: UTC
      spark.sql.ansi.enabled: "true"
      spark.sql.ansi.doubleQuotedIdentifiers: "true"
      spark.sql.parser.escapedStringLiterals: "true"

    """
  }

  /// What the reader of the project must know.
  private static func notes(_ pipeline: Pipeline) -> String {
    let rules = pipeline.streamingTables.flatMap { table in
      table.expectations.map { "- `\(table.name)`: \($0.name): `\($0.expression)`" }
        + (table.deduplicate.map { ["- `\(table.name)`: one row for each \($0.keys.joined(separator: ", "))"] } ?? [])
    }
    let about =
      rules.isEmpty
      ? ""
      : """

      Spark's pipelines have no expectations, no quarantine and no deduplication over these tables. Lakeward keeps these rules; here
      they are yours to keep:

      \(rules.joined(separator: "\n"))

      """
    return """
      # \(pipeline.name) on Spark

      \(pipeline.summary ?? "") Written by `lakeward export spark \(pipeline.name)`; the SQL is the pipeline's own.

      Run it with Spark 4.1 or newer, `pip install 'pyspark[pipelines]' xgboost`:

      ```text
      spark-pipelines run
      ```
      \(about)
      """
  }
}
