public import Observability

/// The figures of alerts for Prometheus. Labels are names of the configuration; a patient is never one.
public final class AlertMetrics: Sendable {
  private let opened: MetricFamily<Counter>
  private let unclosed: MetricFamily<Gauge>
  private let attempts: MetricFamily<Counter>
  private let waiting: Gauge
  private let evaluation: MetricFamily<Histogram>
  private let failures: MetricFamily<Counter>

  /// Registers the metrics.
  public init(_ registry: MetricRegistry) {
    opened = registry.counter(
      "lakeward_alerts_opened_total", "Alerts raised", labels: "pipeline", "policy", "severity")
    unclosed = registry.gauge("lakeward_alerts_open", "Alerts that are not closed", labels: "severity", "state")
    attempts = registry.counter(
      "lakeward_alert_notifications_total", "Attempts to tell a notifier", labels: "notifier", "outcome")
    waiting = registry.gauge("lakeward_alert_notifications_waiting", "Messages that are not sent yet")[]
    evaluation = registry.histogram(
      "lakeward_alert_evaluation_seconds", "Time to judge a micro-batch by the alert policies", labels: "pipeline")
    failures = registry.counter(
      "lakeward_alert_failures_total", "Micro-batches that could not be judged, and rounds that failed",
      labels: "pipeline")
  }

  /// Counts a judged micro-batch.
  public func judged(_ report: AlertStage.Report, pipeline: String) {
    evaluation[pipeline].observe(report.seconds)
    raised(report.events)
  }

  /// Counts the alerts that events have raised.
  func raised(_ events: [AlertEvent]) {
    for event in events where event.kind == .opened {
      opened[event.policy.pipeline, event.policy.policy, event.severity?.rawValue ?? ""].add()
    }
  }

  /// Counts a failure.
  public func failed(pipeline: String) { failures[pipeline].add() }

  func told(_ round: Outbox.Round) {
    for (notifier, status) in round.attempts { attempts[notifier, status.rawValue].add() }
    waiting.set(round.waiting)
  }

  func standing(_ alerts: [Alert]) {
    for severity in AlertSeverity.allCases {
      for state in [Alert.State.open, .acknowledged] {
        unclosed[severity.rawValue, state.rawValue]
          .set(alerts.count { $0.severity == severity && $0.state == state })
      }
    }
  }
}
