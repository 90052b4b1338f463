import Foundation
import Testing

@testable import Observability

@Suite("Metrics")
struct MetricRegistryTests {
  @Test("The exposition is Prometheus's text format 0.0.4: by name, with help, type and escaped labels")
  func exposition() {
    let registry = MetricRegistry()
    registry.gauge("b_lag", "Behind\nby \\", labels: "pipeline")["a \"quoted\"\\\n"].set(1.5)
    registry.counter("a_total", "Records", labels: "pipeline", "table")["vitals", "silver"].add(Int64(3))
    registry.counter("a_total", "Records", labels: "pipeline", "table")["vitals", "bronze"].add(0.5)
    let seconds = registry.histogram("c_seconds", "Times", bounds: [0.1, 1], labels: "stage")["parse"]
    for value in [0.1, 0.2, 5, .nan] { seconds.observe(value) }
    #expect(
      registry.exposition() == #"""
        # HELP a_total Records
        # TYPE a_total counter
        a_total{pipeline="vitals",table="bronze"} 0.5
        a_total{pipeline="vitals",table="silver"} 3
        # HELP b_lag Behind\nby \\
        # TYPE b_lag gauge
        b_lag{pipeline="a \"quoted\"\\\n"} 1.5
        # HELP c_seconds Times
        # TYPE c_seconds histogram
        c_seconds_bucket{stage="parse",le="0.1"} 1
        c_seconds_bucket{stage="parse",le="1"} 2
        c_seconds_bucket{stage="parse",le="+Inf"} 3
        c_seconds_sum{stage="parse"} 5.3
        c_seconds_count{stage="parse"} 3

        """#)
  }

  @Test("What is no number in Go's sense is written as Prometheus reads it")
  func numbers() {
    #expect(MetricText.number(.infinity) == "+Inf")
    #expect(MetricText.number(-.infinity) == "-Inf")
    #expect(MetricText.number(.nan) == "NaN")
    #expect(MetricText.number(1e300) == "1e+300")
    #expect(MetricText.number(123_456_789_012) == "123456789012")
  }

  @Test("A counter never falls, a gauge does")
  func signs() {
    let registry = MetricRegistry()
    let counter = registry.counter("a_total", "")[]
    counter.add(2)
    counter.add(-1)
    counter.raise(to: 1)
    #expect(counter.value == 2)
    counter.raise(to: 5)
    #expect(counter.value == 5)
    let gauge = registry.gauge("b", "")[]
    gauge.set(2.0)
    gauge.add(-3)
    #expect(gauge.value == -1)
  }

  @Test("A name that two rooms use differently is kept apart, and no sample is lost from the first")
  func clash() {
    let registry = MetricRegistry()
    registry.counter("a_total", "First")[].add()
    registry.gauge("a_total", "Second")[].set(9.0)
    #expect(registry.exposition() == "# HELP a_total First\n# TYPE a_total counter\na_total 1\n")
  }

  @Test("Labels without end share one metric in the end")
  func bounded() {
    let family = MetricRegistry().counter("a_total", "", labels: "route")
    for number in 0..<2_500 { family["r\(number)"].add() }
    #expect(family.all.count == 2_001)
    #expect(family["_other"].value == 500)
    family.remove("route", "_other")
    #expect(family.all.count == 2_000)
  }

  @Test("Threads that count at the same time lose nothing")
  func threads() {
    let registry = MetricRegistry()
    let counter = registry.counter("a_total", "")[]
    let histogram = registry.histogram("b_seconds", "")[]
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<2_000 {
        counter.add()
        histogram.observe(0.003)
        registry.counter("c_total", "", labels: "l")["x"].add()
      }
    }
    #expect(counter.value == 16_000)
    #expect(histogram.total.count == 16_000)
    #expect(registry.counter("c_total", "", labels: "l")["x"].value == 16_000)
  }

  @Test("A quantile is interpolated inside its bucket")
  func quantile() {
    let histogram = MetricRegistry().histogram("a", "", bounds: [1, 2, 4])[]
    #expect(histogram.quantile(0.5) == nil)
    for value in [0.5, 1.5, 1.6, 3] { histogram.observe(value) }
    #expect(histogram.quantile(0.5) == 1.5)
    histogram.observe(100)
    #expect(histogram.quantile(0.99) == 4)
  }

  @Test("The process's own figures are read when they are asked for")
  func process() throws {
    let registry = MetricRegistry()
    ProcessMetrics.register(in: registry, version: "1.2.3")
    let text = registry.exposition()
    #expect(text.contains("lakeward_build_info{version=\"1.2.3\"} 1\n"))
    #expect(registry.gauge("process_resident_memory_bytes", "")[].value > 1e6)
    let start = registry.gauge("process_start_time_seconds", "")[].value
    let now = Date().timeIntervalSince1970
    #expect(start > now - 86_400 && start <= now + 1)
  }
}
