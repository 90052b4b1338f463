internal import Pipelines
internal import Streaming

/// `lakeward replay`
enum ReplayCommand: Command {
  static let name = "replay"
  static let summary = "take records of bronze through the present SQL and models again, into new table versions"
  static let help = """
    usage: lakeward replay PIPELINE --from WHERE

    Takes the records that bronze holds from WHERE on through the pipeline's SQL, rules and models as they are now, and puts
    the rows in the place of the old ones: one commit, so one new version, for each table. The old versions stay readable
    (lakeward table show TABLE --version N). Repeats of records before WHERE stay dropped. A process that runs the pipeline
    makes room for as long as it takes and goes on by itself. Views follow at their next refresh.

    WHERE is beginning, an offset, PARTITION:OFFSET,…, or the time since which records were read, in ISO 8601. A table
    without the columns partition and offset can be replayed from the beginning only.

    examples:
      lakeward replay vitals --from beginning
      lakeward replay vitals --from 2026-03-01T00:00:00Z
      lakeward replay vitals --from 0:120000,1:118000
    """
  static let options = [Option("from", "WHERE", "beginning, OFFSET, PARTITION:OFFSET,…, or an instant")]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    guard arguments.positionals.count == 1, let name = arguments.positionals.first else {
      throw UsageError("lakeward replay: name one pipeline")
    }
    guard let text = arguments.text("from") else {
      throw UsageError("lakeward replay: say where it begins: --from beginning, an offset, or an instant")
    }
    guard let start = ReplayStart(text) else {
      throw UsageError("--from \(text): write beginning, OFFSET, PARTITION:OFFSET,…, or 2026-03-01T00:00:00Z")
    }
    let pipeline = try workspace.pipeline(name)
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    let replay = try Replay(
      pipeline: pipeline, lake: workspace.lake, engine: workspace.engine(runsPipelines: true),
      registry: workspace.registry)
    let outcome = try PipelineControl(lake: workspace.lake, pipeline: name).whileHeld(stop: stop) {
      try replay.run(from: start, stop: stop) { records in
        if Console.isTerminal { Console.writeRaw("\r\(Console.grouped(records)) records\u{1B}[K") }
      }
    }
    if Console.isTerminal { Console.writeRaw("\r\u{1B}[K") }
    guard !outcome.tables.isEmpty else {
      Console.write("\(name): bronze holds no records from there on; nothing was changed")
      return 0
    }
    Console.write("\(name): \(Console.grouped(outcome.records)) records replayed")
    for (table, result) in outcome.tables.sorted(by: { $0.key < $1.key }) {
      Console.write(
        "\(table): version \(result.version), \(Console.grouped(result.before)) rows before, "
          + "\(Console.grouped(result.after)) after")
    }
    return 0
  }
}
