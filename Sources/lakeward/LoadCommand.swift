internal import BigQuery
internal import Pipelines
internal import Streaming

/// `lakeward load`
enum LoadCommand: Command {
  static let name = "load"
  static let summary = "mirror tables to BigQuery"
  static let help = """
    usage: lakeward load bigquery [TABLE…] [--project ID] [--dataset NAME] [--full]

    Makes the dataset and the tables, and loads what the lake's tables have gained since the last time: added rows are
    appended, changed days are replaced, and after anything else the table is written anew. Without a name, the tables and
    views under sinks in the pipelines are loaded. May be stopped at any instant and repeated: no row is loaded twice.

    Project, dataset, credentials and endpoint stand under bigquery in lakeward.yml (docs/bigquery.md).

    examples:
      lakeward load bigquery
      lakeward load bigquery gold_patient_summary --project my-project --credentials key.json
    """
  static let options = [
    Option("project", "ID", "the Google Cloud project"),
    Option("dataset", "NAME", "the dataset (default patient_data)"),
    Option("credentials", "FILE", "a service account's key; or metadata, or none for an emulator"),
    Option("endpoint", "URL", "another address of the service, such as an emulator's"),
    Option("location", "NAME", "where a new dataset lies, such as EU"),
    Option("full", nil, "write the tables anew"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    try Subcommand.dispatch(
      arguments, command: "load", among: [Subcommand("bigquery", "[TABLE…]") { try load($0, $1) }])
  }

  private static func load(_ arguments: Arguments, _ names: [String]) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let pipelines = ((try? workspace.pipelineNames()) ?? []).compactMap { try? workspace.pipeline($0) }
    let views = Set(pipelines.flatMap { $0.sink?.views ?? [] })
    let chosen = names.isEmpty ? pipelines.flatMap { ($0.sink?.tables ?? []) + ($0.sink?.views ?? []) } : names
    guard !chosen.isEmpty else {
      throw UsageError("name tables to load, or list them under sinks in a pipeline.yml (docs/bigquery.md)")
    }
    let there = try workspace.lake.tableNames()
    for name in names where !there.contains(name) {
      let guess = nearest(to: name, among: there).map { "; did you mean \($0)?" } ?? ""
      throw CommandFailure("the lake has no table \(name)\(guess)")
    }
    let mirror = try BigQueryStart.mirror(workspace, arguments)
    for name in chosen {
      let table = BigQueryStart.table(name, isView: views.contains(name), workspace.lake)
      let report = try table.load(mirror, isWhole: arguments.has("full"))
      Console.write(report?.line ?? "\(name): not in the lake yet")
    }
    return 0
  }
}

/// Opens BigQuery as the configuration and the command line say.
enum BigQueryStart {
  static func mirror(_ workspace: Workspace, _ arguments: Arguments? = nil) throws -> BigQueryMirror {
    let definition = workspace.configuration.bigquery
    guard let project = arguments?.text("project") ?? definition?.project else {
      throw UsageError("name the Google Cloud project: --project ID, or bigquery: { project: ID } in lakeward.yml")
    }
    var settings = BigQuerySettings(
      project: project, dataset: arguments?.text("dataset") ?? definition?.dataset ?? "patient_data",
      location: arguments?.text("location") ?? definition?.location)
    if let endpoint = arguments?.text("endpoint") ?? definition?.endpoint {
      settings.endpoint = BigQuerySettings(project: project, endpoint: endpoint).endpoint
    }
    let source = GoogleCredentials.Source(arguments?.text("credentials") ?? definition?.credentials)
    return try BigQueryMirror(
      settings, credentials: GoogleCredentials(source), temporaryFolder: workspace.lake.temporaryFolder + "/bigquery")
  }

  static func table(_ name: String, isView: Bool, _ lake: Lake) -> MirroredTable {
    MirroredTable(name, isView: isView) { try lake.tableNames().contains(name) ? lake.table(named: name) : nil }
  }

  /// A loop for each pipeline with a sink, where lakeward.yml says where BigQuery is.
  static func loops(_ pipelines: [Pipeline], _ workspace: Workspace) throws -> [MirrorLoop] {
    guard workspace.configuration.bigquery != nil else { return [] }
    return try pipelines.compactMap { pipeline in
      guard let sink = pipeline.sink else { return nil }
      let tables =
        sink.tables.map { table($0, isView: false, workspace.lake) }
        + sink.views.map { table($0, isView: true, workspace.lake) }
      return MirrorLoop(try mirror(workspace), tables, everySeconds: sink.everySeconds)
    }
  }

  /// Says what a load did or why it failed; the next one tries again.
  static func report(_ result: Result<BigQueryMirror.Report, any Error>) {
    switch result {
    case .success(let report): Console.warn("bigquery: \(report.line)")
    case .failure(let error): Console.warn("lakeward run: \(error)")
    }
  }
}
