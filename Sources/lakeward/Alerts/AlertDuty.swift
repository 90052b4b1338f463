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
  private let metrics: AlertMetrics?
  private var stages: [AlertStage] = []

  /// nil if no pipeline has policies: then there is nothing to do.
  init?(_ workspace: Workspace, _ pipelines: [Pipeline], metrics registry: MetricRegistry? = nil) throws {
    policies = try workspace.alertPolicies(pipelines)
    guard !policies.isEmpty else { return nil }
    self.workspace = workspace
    metrics = registry.map { AlertMetrics($0) }
    // Escalation needs the policies of all pipelines, whichever process raised the alert.
    desk = try AlertDesk(lake: workspace.lake, policies: try workspace.alertPolicies())
    service = try AlertService(
      lake: workspace.lake, desk: desk, settings: try workspace.alertSettings(), metrics: metrics
    ) { Console.warn($0) }
  }

  /// Begins to look after alerts.
  func start(stop: StopSignal) { service.start(stop: stop) }

  /// Ends; the pipelines must have ended, and the stop must have been asked for.
  func finish() {
    for stage in stages {
      do { try stage.flush() } catch { Console.warn("alerts: \(error)") }
    }
    service.wait()
  }

  /// What a pipeline's runner is to be observed with; nil if it has no policies.
  func observer(_ pipeline: Pipeline) -> ((PipelineRunner.Event, PipelineRunner.BatchView) -> Void)? {
    guard let stage = AlertStage(pipeline: pipeline, policies: policies, lake: workspace.lake, desk: desk) else {
      return nil
    }
    stages.append(stage)
    let metrics = metrics
    let name = pipeline.name
    return { event, view in
      do {
        let report = try stage.observe(event, view)
        for problem in report.problems { Console.warn("\(problem)") }
        metrics?.judged(report, pipeline: name)
      } catch {
        // The next micro-batch begins from the tables again, so that nothing is left out.
        metrics?.failed(pipeline: name)
        Console.warn("\(name): alerts: \(error)")
      }
    }
  }
}
