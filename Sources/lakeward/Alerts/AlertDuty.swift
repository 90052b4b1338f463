internal import Alerts
internal import Observability
internal import Pipelines
internal import Streaming

/// Alerts beside running pipelines: each pipeline's policies judge its micro-batches, and one service looks after what
/// was raised.
final class AlertDuty {
  private let desk: AlertDesk
  private let service: AlertService
  private let policies: [AlertPolicy]
  private let workspace: Workspace
  private let metrics: AlertMetrics
  private let log: Logger
  private var stages: [AlertStage] = []

  /// nil if no pipeline has policies: then there is nothing to do.
  /// - Parameter pipelines: Those that this process runs.
  init?(_ workspace: Workspace, _ pipelines: [Pipeline], metrics registry: MetricRegistry, log: Logger) throws {
    // Escalation needs the policies of all pipelines, whichever process raised the alert.
    let all = try workspace.alertPolicies { name, error in
      log.error("alert policies left out", ["pipeline": .name(name), "reason": .error(error)])
    }
    guard !all.isEmpty else { return nil }
    let names = Set(pipelines.map(\.name))
    policies = all.filter { names.contains($0.pipeline) }
    self.workspace = workspace
    self.log = log
    metrics = AlertMetrics(registry)
    desk = try AlertDesk(lake: workspace.lake, policies: all)
    service = try AlertService(
      lake: workspace.lake, desk: desk, settings: try workspace.alertSettings(), metrics: metrics, log: log,
      views: Set(pipelines.flatMap(\.materializedViews).map(\.name)), watched: names)
  }

  /// Begins to look after alerts.
  func start(stop: StopSignal) { service.start(stop: stop) }

  /// Ends; the pipelines must have ended, and the stop must have been asked for.
  func finish() {
    for stage in stages {
      do { try stage.flush() } catch { log.warning("alerts not judged", ["reason": .error(error)]) }
    }
    service.wait()
  }

  /// What a pipeline's runner is to be observed with; nil if it has no policies.
  func observer(_ pipeline: Pipeline) -> ((PipelineRunner.Event, PipelineRunner.BatchView) -> Void)? {
    guard let stage = AlertStage(pipeline: pipeline, policies: policies, lake: workspace.lake, desk: desk) else {
      return nil
    }
    stages.append(stage)
    let (metrics, log, name) = (metrics, log, pipeline.name)
    return { event, view in
      do {
        let report = try stage.observe(event, view)
        for problem in report.problems {
          log.error("alert policy left out", ["pipeline": .name(name), "reason": .error(problem)])
        }
        metrics.judged(report, pipeline: name)
      } catch {
        // The next micro-batch begins from the tables again, so that nothing is left out.
        metrics.failed(pipeline: name)
        log.warning("alerts not judged", ["pipeline": .name(name), "reason": .error(error)])
      }
    }
  }
}
