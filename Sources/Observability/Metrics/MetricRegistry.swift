internal import Synchronization

/// The figures of a process, for Prometheus and whoever reads its text format.
///
/// A metric is asked for by its name, so every room can ask for its own, and the same name gives the same metric. All
/// methods may be called from any thread; adding to a metric that is held costs one atomic operation.
///
/// Names, help and label names are fixed at compile time. Label *values* are words of the configuration: pipelines,
/// tables, rules, stages, routes. Never a patient's value: a label value is kept for the life of the process and is
/// shown to whoever may read the metrics.
public final class MetricRegistry: Sendable {
  private struct State {
    var families: [String: any MetricFamilyText] = [:]
    var collectors: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())

  /// A registry without metrics.
  public init() {}

  /// A number that only grows. By convention its name ends in `_total`.
  public func counter(_ name: StaticString, _ help: StaticString, labels: StaticString...) -> MetricFamily<Counter> {
    family(name, help, labels, type: "counter") { Counter() }
  }

  /// A number that goes up and down.
  public func gauge(_ name: StaticString, _ help: StaticString, labels: StaticString...) -> MetricFamily<Gauge> {
    family(name, help, labels, type: "gauge") { Gauge() }
  }

  /// A distribution, as counts of values up to each bound.
  /// - Parameter bounds: Upper bounds of the buckets, ascending; the last bucket, without a bound, is added.
  public func histogram(
    _ name: StaticString, _ help: StaticString, bounds: [Double] = Histogram.seconds, labels: StaticString...
  ) -> MetricFamily<Histogram> {
    family(name, help, labels, type: "histogram") { Histogram(bounds: bounds) }
  }

  /// Calls the closure before each exposition: for figures that are read rather than counted, such as memory.
  public func onCollect(_ collector: @escaping @Sendable () -> Void) {
    state.withLock { $0.collectors.append(collector) }
  }

  /// Every metric in Prometheus's text exposition format 0.0.4, by name.
  ///
  /// Its content type is `MetricRegistry.contentType`.
  public func exposition() -> String {
    for collect in state.withLock({ $0.collectors }) { collect() }
    let families = state.withLock { $0.families }.sorted { $0.key < $1.key }
    var text = ""
    for (_, family) in families { family.write(to: &text) }
    return text
  }

  /// The media type of `exposition`.
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private func family<Metric: MetricCell>(
    _ name: StaticString, _ help: StaticString, _ labels: [StaticString], type: String,
    make: @escaping @Sendable () -> Metric
  ) -> MetricFamily<Metric> {
    let fresh = MetricFamily(
      name: "\(name)", help: "\(help)", type: type, labelNames: labels.map { "\($0)" }, make: make)
    return state.withLock { state in
      guard let known = state.families[fresh.name] else {
        state.families[fresh.name] = fresh
        return fresh
      }
      // Two rooms that mean different things by one name: the second one's figures are kept but not shown.
      return known as? MetricFamily<Metric> ?? fresh
    }
  }
}

/// A family as the exposition sees it.
protocol MetricFamilyText: Sendable {
  func write(to text: inout String)
}
