internal import Foundation
public import Observability

/// The metrics of one pipeline's materialized views. docs/operations.md lists them.
public final class ViewMeters: Sendable {
  private let pipeline: String
  private let clock: @Sendable () -> Int64
  private let refreshes: MetricFamily<Counter>
  private let seconds: MetricFamily<Histogram>
  private let rows: MetricFamily<Counter>
  private let partitions: MetricFamily<Counter>
  private let fresh: MetricFamily<Gauge>

  /// Registers the metrics.
  /// - Parameter clock: The time of day, microseconds since 1970.
  public init(
    _ metrics: MetricRegistry, pipeline: String, clock: @escaping @Sendable () -> Int64 = Logger.systemClock
  ) {
    self.pipeline = pipeline
    self.clock = clock
    refreshes = metrics.counter(
      "lakeward_view_refreshes_total",
      "Times that a view was looked at; kind is unchanged, waiting, partitions, whole or failed",
      labels: "pipeline", "view", "kind")
    seconds = metrics.histogram(
      "lakeward_view_refresh_seconds", "Time of a refresh that wrote a version", labels: "pipeline", "view")
    rows = metrics.counter(
      "lakeward_view_rows_written_total", "Rows that refreshes wrote", labels: "pipeline", "view")
    partitions = metrics.counter(
      "lakeward_view_partitions_total", "Partitions that refreshes replaced", labels: "pipeline", "view")
    fresh = metrics.gauge(
      "lakeward_view_fresh_timestamp_seconds",
      "The view holds every row that its inputs had at this time, seconds since 1970", labels: "pipeline", "view")
  }

  /// Takes an event of the loop that keeps the views fresh.
  public func observe(_ event: ViewRefreshLoop.Event) {
    switch event {
    case .failed(let view, _, _): refreshes[pipeline, view, "failed"].add()
    case .refreshed(let report): take(report)
    }
  }

  private func take(_ report: ViewReport) {
    let kind: String
    switch report.outcome {
    case .unchanged: kind = "unchanged"
    case .waiting: kind = "waiting"
    case .partitions(let count):
      kind = "partitions"
      partitions[pipeline, report.view].add(Int64(count))
    case .keys: kind = "keys"
    case .whole: kind = "whole"
    }
    refreshes[pipeline, report.view, kind].add()
    if report.didWrite {
      seconds[pipeline, report.view].observe(report.seconds)
      rows[pipeline, report.view].add(report.rows)
    }
    if case .waiting = report.outcome { return }
    // What came while it was computed is not in it.
    fresh[pipeline, report.view].set(Double(clock()) / 1e6 - report.seconds)
  }
}
