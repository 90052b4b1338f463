internal import Foundation
internal import Observability
internal import Pipelines
internal import Streaming

/// `lakeward backfill`
enum BackfillCommand: Command {
  static let name = "backfill"
  static let summary = "take folders of earlier records beside the live stream"
  static let help = """
    usage: lakeward backfill PIPELINE DIR… [--detach]

    Takes the files of a folder (NDJSON, CSV, Parquet, gzip) through the pipeline as a partition of its own: with the same
    rules, the same keys against repeats, and the same books as the stream, which goes on meanwhile. A process that runs
    the pipeline does the work in small pieces between the stream's micro-batches; without one, this command does. It may
    be stopped at any instant: what is left is taken by whoever runs the pipeline next. The same folder again takes only
    what came to it since.

    examples:
      lakeward backfill vitals /data/vitals-2025
      lakeward backfill vitals /data/vitals-2025 --detach
    """
  static let options = [Option("detach", nil, "return at once, and leave the work to whoever runs the pipeline")]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    guard let name = arguments.positionals.first, arguments.positionals.count > 1 else {
      throw UsageError("lakeward backfill: name a pipeline and at least one folder")
    }
    let pipeline = try workspace.pipeline(name)
    let folders = try arguments.positionals.dropFirst().map(folder)
    let backfills = Backfills(lake: workspace.lake, pipeline: name)
    let entries = try folders.map(backfills.register)
    for entry in entries { Console.write("\(entry.directory): partition \(entry.partition)") }
    if arguments.has("detach") { return 0 }
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    let control = PipelineControl(lake: workspace.lake, pipeline: name)
    if control.isRunning {
      Console.warn("\(name): the process that runs it takes them; Ctrl-C leaves it to that one")
      while !stop.isStopped, !isDone(entries, backfills) {
        guard control.isRunning || control.pausedSince != nil else {
          throw CommandFailure("\(name): the process that ran it has ended; lakeward run \(name) goes on with the rest")
        }
        stop.wait(seconds: 0.5)
      }
    } else {
      let job = try PipelineJob(
        pipeline, workspace, engine: workspace.engine(runsPipelines: true), operations: Operations(level: .warning),
        brokers: nil,
        isOnlyBackfill: true)
      job.start(.once, stop: stop)
      if job.wait() != nil { return 1 }
    }
    guard isDone(entries, backfills) else {
      Console.warn("\(name): stopped; what is left is taken by whoever runs the pipeline next")
      return 1
    }
    Console.write("\(name): done")
    return 0
  }

  private static func isDone(_ entries: [Backfills.Entry], _ backfills: Backfills) -> Bool {
    let wanted = Set(entries.map(\.partition))
    return backfills.entries().allSatisfy { !wanted.contains($0.partition) || $0.isDone }
  }

  private static func folder(_ text: String) throws -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: text, isDirectory: &isFolder), isFolder.boolValue else {
      throw CommandFailure("\(text): there is no such folder")
    }
    return URL(filePath: text).standardizedFileURL.resolvingSymlinksInPath().path(percentEncoded: false)
  }
}
