internal import Observability
internal import Streaming

/// `lakeward pause`
enum PauseCommand: Command {
  static let name = "pause"
  static let summary = "let pipelines rest after the micro-batch in hand, until lakeward resume"
  static let help = """
    usage: lakeward pause PIPELINE…

    A process that runs the pipeline finishes its micro-batch, closes the source and waits. The pause holds over restarts.
    What comes meanwhile waits in the source. Exit code 0, also where the pipeline is paused already or does not run.

    examples:
      lakeward pause vitals
    """
  static let options: [Option] = []

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    for name in try PipelineNames.required(arguments, workspace, command: self.name) {
      let isNew = try PipelineControl(lake: workspace.lake, pipeline: name).pause()
      Console.write(isNew ? "\(name): paused" : "\(name): is paused already")
    }
    return 0
  }
}

/// `lakeward resume`
enum ResumeCommand: Command {
  static let name = "resume"
  static let summary = "end the pause of pipelines"
  static let help = """
    usage: lakeward resume PIPELINE…

    A process that waits goes on within a second, where the tables are.

    examples:
      lakeward resume vitals
    """
  static let options: [Option] = []

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    for name in try PipelineNames.required(arguments, workspace, command: self.name) {
      let control = PipelineControl(lake: workspace.lake, pipeline: name)
      let wasPaused = try control.resume()
      let isThere = control.isRunning || !control.statuses(now: Logger.systemClock()).isEmpty
      let rest = isThere ? "" : "; no process runs it: lakeward run \(name)"
      Console.write((wasPaused ? "\(name): goes on" : "\(name): was not paused") + rest)
    }
    return 0
  }
}

/// Names of pipelines on the command line.
enum PipelineNames {
  /// At least one, each of a pipeline that there is.
  static func required(_ arguments: Arguments, _ workspace: Workspace, command: String) throws -> [String] {
    guard !arguments.positionals.isEmpty else { throw UsageError("lakeward \(command): name a pipeline") }
    for name in arguments.positionals { _ = try workspace.pipeline(name) }
    return arguments.positionals
  }
}
