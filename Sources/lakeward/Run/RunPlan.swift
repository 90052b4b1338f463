internal import Foundation
internal import Observability
internal import Pipelines
internal import Streaming

/// What `lakeward run` is to run: the pipelines that can be read, and a job for each that takes records.
struct RunPlan {
  let workspace: Workspace
  let operations: Operations
  let mode: PipelineRunner.Mode
  /// Kafka's bootstrap servers by the command line.
  let brokers: String?
  private(set) var pipelines: [Pipeline] = []
  private(set) var jobs: [PipelineJob] = []
  /// Whether a pipeline could not start or has ended with an error.
  private(set) var hasFailed = false
  /// Whoever names one pipeline wants that one or nothing.
  private let isOneOrNothing: Bool

  /// Whether it takes what is there and ends.
  var isOnce: Bool { mode == .once }

  /// Reads the pipelines that the command names, or all.
  init(_ arguments: Arguments) throws {
    workspace = try Workspace(arguments)
    mode = arguments.has("once") ? .once : .continuous
    operations = try Operations(arguments, level: mode == .once ? .warning : .info)
    brokers = arguments.text("brokers")
    let interval = try arguments.number("interval", minimum: 0)
    let names = arguments.positionals.isEmpty ? try workspace.pipelineNames() : arguments.positionals
    isOneOrNothing = names.count <= 1
    for name in names {
      do {
        var pipeline = try workspace.pipeline(name)
        if let interval { pipeline.trigger.intervalSeconds = interval }
        pipelines.append(pipeline)
      } catch {
        try leaveOut(name, error)
      }
    }
  }

  /// Makes the jobs; what watches them sees every event of theirs.
  mutating func makeJobs(lineage: LineageDuty?, alerts: AlertDuty?) throws {
    let engine = try workspace.engine(runsPipelines: true)
    for pipeline in pipelines where pipeline.source != nil {
      do {
        jobs.append(
          try PipelineJob(
            pipeline, workspace, engine: engine, operations: operations, brokers: brokers, isSharing: !isOnce,
            lineage: lineage, observe: alerts?.observer(pipeline)))
      } catch {
        try leaveOut(pipeline.name, error)
      }
    }
  }

  /// Waits until every job has ended, and says what each has done.
  mutating func waitForJobs() {
    for job in jobs {
      if job.wait() != nil {
        hasFailed = true
      } else {
        Console.write(job.summary)
      }
    }
  }

  private mutating func leaveOut(_ name: String, _ error: any Error) throws {
    if isOneOrNothing { throw error }
    hasFailed = true
    operations.report(error, pipeline: name)
  }
}
