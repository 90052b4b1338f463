internal import Foundation
internal import Pipelines
internal import SparkConnect
internal import Streaming

/// `lakeward refresh`
enum RefreshCommand: Command {
  static let name = "refresh"
  static let summary = "bring materialized views up to date with the tables that they read"
  static let help = """
    usage: lakeward refresh [VIEW…] [--full] [--pipeline NAME] [--engine duckdb|sc://HOST:PORT]

    Computes the partitions of views that changed rows touch, and nothing where no row changed. Views that the named ones
    read are brought up to date first; without a name, all views are. A running pipeline does the same by itself, as often
    as its pipeline.yml says. --full computes the named views whole, which gives the same rows. May be stopped at any
    instant and repeated: a view changes in one commit.

    --engine sc://HOST:PORT has a Spark Connect server (Spark, or Sail) compute the rows by the same SQL. It must see
    the lake's files under the same paths; its rows come back and are committed here. A view is then computed whole.

    examples:
      lakeward refresh
      lakeward refresh gold_patient_summary --full
      lakeward refresh --pipeline vitals
      lakeward refresh --pipeline population --engine sc://localhost:15002
    """
  static let options = [
    Option("full", nil, "compute every row, not only what changes touch"),
    Option("pipeline", "NAME", "the views of this pipeline only"),
    Option("engine", "ADDRESS", "what computes: duckdb (in this process) or sc://HOST:PORT"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let pipelines = try workspace.pipelines([])
    var views = try ViewOrder.of(pipelines)
    var chosen = Set(arguments.positionals.map { $0.lowercased() })
    if let name = arguments.text("pipeline") {
      let pipeline = try workspace.pipeline(name)
      let own = Set(pipeline.materializedViews.map { $0.name.lowercased() })
      for view in arguments.positionals where !own.contains(view.lowercased()) {
        throw CommandFailure("the pipeline \(name) has no view \(view)")
      }
      chosen = chosen.isEmpty ? own : chosen
    }
    for name in arguments.positionals where !views.contains(where: { $0.view.name.lowercased() == name.lowercased() }) {
      let names = views.map(\.view.name)
      let guess = nearest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
      throw CommandFailure("no pipeline defines a view \(name)\(guess) (there are: \(names.joined(separator: ", ")))")
    }
    let all = Set(views.map { $0.view.name.lowercased() })
    let isAll = arguments.positionals.isEmpty && arguments.text("pipeline") == nil
    if isAll { chosen = all } else { views = ViewOrder.chosen(chosen, of: views) }
    let lineage = LineageDuty(workspace)
    defer { lineage?.finish() }
    let session = RefreshSession(workspace, lineage: lineage, engine: try engine(arguments.text("engine")))
    for view in views {
      let isFull = arguments.has("full") && chosen.contains(view.view.name.lowercased())
      Console.write(try session.refresh(view, isFull ? .full : .incremental).line)
    }
    try session.tidy()
    return 0
  }

  /// The engine that is not the embedded one, if one is asked for.
  private static func engine(_ text: String?) throws -> (any ViewEngine)? {
    guard let text, text != "duckdb" else { return nil }
    guard text.hasPrefix("sc://") else {
      throw UsageError("lakeward refresh: --engine is duckdb or sc://HOST:PORT, not \(text)")
    }
    return try SparkEngine(text)
  }
}

/// Refreshes views of several pipelines, each pipeline with a database of its own.
final class RefreshSession {
  private let workspace: Workspace
  private let lineage: LineageDuty?
  private var refreshers: [String: ViewRefresher] = [:]
  private var hasWritten = false
  private let engine: (any ViewEngine)?

  init(_ workspace: Workspace, lineage: LineageDuty?, engine: (any ViewEngine)? = nil) {
    self.workspace = workspace
    self.lineage = lineage
    self.engine = engine
  }

  func refresh(_ view: ViewInOrder, _ mode: ViewRefresher.Mode = .incremental) throws -> ViewReport {
    let name = view.pipeline.name
    let refresher =
      try refreshers[name]
      ?? ViewRefresher(
        pipeline: view.pipeline, lake: workspace.lake, registry: workspace.registry,
        threads: workspace.configuration.threads, memoryLimitBytes: workspace.configuration.memoryLimitBytes,
        engine: engine)
    refreshers[name] = refresher
    let report: ViewReport
    do {
      report = try refresher.refresh(view.view, mode)
    } catch {
      lineage?.failed(view: view.view.name, error)
      throw error
    }
    lineage?.refreshed(report)
    if report.didWrite { hasWritten = true }
    return report
  }

  /// Clears away what the refreshes replaced long ago.
  func tidy() throws {
    guard hasWritten else { return }
    for refresher in refreshers.values { try refresher.tidy() }
  }
}

extension ViewReport {
  /// One line: what was done and how long it took.
  var line: String {
    let time = String(format: "%.2f s", seconds)
    let written = "\(rows == 1 ? "1 row" : "\(Console.grouped(rows)) rows") in \(time)"
    switch outcome {
    case .unchanged: return "\(view): unchanged"
    case .waiting(let missing): return "\(view): waits for the \(missing), which does not exist yet"
    case .partitions(let count): return "\(view): \(count == 1 ? "1 partition" : "\(count) partitions"), \(written)"
    case .keys(let count):
      return "\(view): \(count == 1 ? "1 key" : "\(Console.grouped(Int64(count))) keys"), \(written)"
    case .whole(let reason): return "\(view): whole (\(reason)), \(written)"
    }
  }
}
