internal import BigQuery
internal import Pipelines
internal import Streaming

/// What goes on beside the jobs of a run: the watch over models, views, mirrors, and what clients push.
final class RunCompany {
  private let plan: RunPlan
  private let lineage: LineageDuty?
  private let stop: StopSignal
  private let models: ModelWatching
  private var mirrors: [MirrorLoop] = []
  private var views: [ViewRefreshLoop] = []
  private var feeds: [PushFeed] = []
  private var hl7: HL7Duty?

  /// Begins the watch over models, which follows the tables from their state before the run.
  init(_ plan: RunPlan, lineage: LineageDuty?, stop: StopSignal) {
    self.plan = plan
    self.lineage = lineage
    self.stop = stop
    models = ModelWatching(plan.pipelines, plan.workspace, plan.operations)
  }

  /// Begins everything else. What clients push waits in the log or the topic; a run over what is there takes no more of it.
  func start() throws {
    let (pipelines, workspace, operations) = (plan.pipelines, plan.workspace, plan.operations)
    mirrors = try BigQueryStart.loops(pipelines, workspace)
    if !plan.isOnce {
      for mirror in mirrors { mirror.start(observe: BigQueryStart.report) }
      views = try ViewKeeping.start(pipelines, workspace, operations, lineage: lineage)
      feeds = try PushFeed.start(pipelines, workspace, brokers: plan.brokers, operations: operations, stop: stop)
    }
    hl7 = try HL7Duty(
      pipelines, workspace, brokers: plan.brokers, operations: operations, isListening: !plan.isOnce)
    if !plan.isOnce { hl7?.start(stop: stop) }
  }

  /// Ends what goes on, after the jobs; a run over what is there does its last rounds.
  /// - Parameters:
  ///   - wasStopped: Whether somebody has asked for the end.
  ///   - hasFailed: Whether a pipeline could not start or has ended with an error.
  func finish(wasStopped: Bool, hasFailed: Bool) throws {
    if !plan.isOnce { hl7?.finish() }
    models.stop(lastRound: plan.isOnce && !wasStopped)
    for view in views { view.stop() }
    guard plan.isOnce else {
      for mirror in mirrors { mirror.stop() }
      return
    }
    guard !wasStopped else { return }
    if !hasFailed {
      try hl7?.takeMessages()
      try ViewKeeping.refresh(plan.pipelines, plan.workspace, lineage: lineage)
    }
    for mirror in mirrors { mirror.round(BigQueryStart.report) }
  }

  /// Waits for the feeds, which the stop ends.
  func leave() {
    stop.stop()
    for feed in feeds { feed.wait() }
  }
}
