import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Observability
import Pipelines
import Synchronization
import Testing

@testable import Streaming

/// Pausing, yielding and taking turns, through the control folder as another process would.
@Suite("One pipeline under its lease") struct PipelineSupervisorTests {
  private struct Place {
    let directory: TemporaryDirectory
    let pipeline: Pipeline
    let lake: Lake
    let metrics = MetricRegistry()
    let health = Health()

    init() throws {
      directory = try TemporaryDirectory("supervisor")
      var pipeline = try Pipeline(
        folder: "scales",
        files: [
          .init(
            name: Pipeline.definitionFile,
            text: """
              pipeline: scales
              source:
                stream: weights
                landing: { path: landing/weights }
                bronze: bronze_weights
                quarantine: quarantine_weights
                record:
                  - { name: animal, type: string, required: true }
                  - { name: kilograms, type: double }
              tables:
                silver_weights:
                  expectations:
                    weight_positive: { expect: "kilograms > 0", on_violation: quarantine }
              """),
          .init(
            name: "silver.sql",
            text: """
              CREATE STREAMING TABLE silver_weights AS
              SELECT animal, kilograms, _partition AS "partition", _offset AS "offset" FROM STREAM(weights);
              """),
        ])
      pipeline.trigger = Trigger(intervalSeconds: 0.01, maxRecords: 1_000)
      self.pipeline = pipeline
      lake = Lake(root: directory.file("lake"))
    }

    var control: PipelineControl { PipelineControl(lake: lake, pipeline: "scales") }

    func supervisor(_ records: Feed, isShared: Bool = false) throws -> PipelineSupervisor {
      let monitor = PipelineMonitor(
        pipeline: "scales", quarantine: "quarantine_weights", metrics: metrics, health: health)
      let engine = try QueryEngine(lake: lake)
      Engines.keep(engine)
      let (pipeline, lake, metrics) = (pipeline, lake, metrics)
      return PipelineSupervisor(
        pipeline: pipeline, lake: lake, monitor: monitor, isShared: isShared, source: { FeedSource(records) },
        open: { source in
          let runner = try PipelineRunner(
            pipeline: pipeline, lake: lake, engine: engine, source: source, registry: nil)
          monitor.watch(runner.deltaTables, in: metrics)
          return runner
        })
    }

    func count(_ table: String) throws -> Int64 {
      // The pipeline makes its tables when it starts.
      guard DeltaTable.exists(at: lake.location(ofTable: table)) else { return 0 }
      return try lake.table(named: table).snapshot().rowCount() ?? -1
    }
  }

  /// A supervisor on a thread of its own.
  private final class Running: @unchecked Sendable {
    let stop = StopSignal()
    private let done = DispatchSemaphore(value: 0)
    private var failure: (any Error)?

    init(_ supervisor: PipelineSupervisor) {
      nonisolated(unsafe) let supervisor = supervisor
      Thread.detachNewThread { [self] in
        do { try supervisor.run(.continuous, stop: stop) { _, _ in } } catch { failure = error }
        done.signal()
      }
    }

    func end() throws {
      stop.stop()
      done.wait()
      if let failure { throw failure }
    }
  }

  private func wait(_ what: String, seconds: Double = 10, for condition: () throws -> Bool) throws {
    let end = Date(timeIntervalSinceNow: seconds)
    while try !condition() {
      try #require(Date() < end, "no \(what) within \(seconds) s")
      usleep(5_000)
    }
  }

  private func state(_ place: Place) -> PipelineState? { place.health.report.pipelines.first?.state }

  @Test("A pause ends the turn after the micro-batch in hand, a resume goes on where the tables are")
  func pause() throws {
    let place = try Place()
    let feed = Feed()
    feed.add(50)
    let running = Running(try place.supervisor(feed))
    try wait("commit") { try place.count("silver_weights") == 50 }
    #expect(place.control.isRunning)
    #expect(try place.control.pause() && !place.control.pause())
    try wait("pause") { state(place) == .paused }
    #expect(!place.control.isRunning && place.control.pausedSince != nil)
    feed.add(30)
    usleep(50_000)
    #expect(try place.count("silver_weights") == 50)
    #expect(try place.control.resume() && !place.control.resume())
    try wait("records after the pause") { try place.count("silver_weights") == 80 }
    try running.end()
    #expect(state(place) == .stopped)
    #expect(place.control.statuses(now: LandingSource.systemClock()).isEmpty)
    #expect(try place.count("bronze_weights") == 80)
  }

  @Test("A run that takes what is there says that the pipeline is paused, or who runs it")
  func onceIsRefused() throws {
    let place = try Place()
    let feed = Feed()
    try place.control.pause()
    #expect(throws: (any Error).self) {
      try place.supervisor(feed).run(.once, stop: StopSignal()) { _, _ in }
    }
    #expect(state(place) == .failed)
    #expect(place.health.report.pipelines[0].reason?.contains("lakeward resume scales") == true)
    try place.control.resume()
    let lease = try #require(try place.control.lease(.exclusive))
    #expect(throws: (any Error).self) {
      try place.supervisor(feed).run(.once, stop: StopSignal()) { _, _ in }
    }
    #expect(place.health.report.pipelines[0].reason?.contains("runs it already") == true)
    withExtendedLifetime(lease) {}
  }

  @Test("The second of two continuous runs waits, and takes over when the first is gone")
  func takeover() throws {
    let place = try Place()
    let feed = Feed()
    var lease = try place.control.lease(.exclusive)
    #expect(try lease != nil && place.control.lease(.shared) == nil)
    feed.add(10)
    let running = Running(try place.supervisor(feed))
    try wait("yield") { state(place) == .yielding }
    #expect(place.health.report.pipelines[0].reason == "another process runs it")
    lease = nil
    try wait("takeover") { try place.count("silver_weights") == 10 }
    try running.end()
  }

  @Test("Runs that share a topic hold the lease together, and both make room for a command")
  func shared() throws {
    let place = try Place()
    let feed = Feed()
    let other = try #require(try place.control.lease(.shared))
    let running = Running(try place.supervisor(feed, isShared: true))
    try wait("start") { state(place) == .running }
    #expect(try place.control.lease(.exclusive) == nil)
    withExtendedLifetime(other) {}
    try running.end()
  }

  @Test("A command that wants the pipeline gets it after the micro-batch in hand, and gives it back")
  func interrupt() throws {
    let place = try Place()
    let feed = Feed()
    feed.add(10)
    let running = Running(try place.supervisor(feed))
    try wait("commit") { try place.count("silver_weights") == 10 }
    var interrupt = try place.control.interrupt()
    #expect(try interrupt != nil && place.control.interrupt() == nil)
    var lease: FileLock?
    try wait("the lease") {
      lease = try place.control.lease(.exclusive)
      return lease != nil
    }
    try wait("yield") { state(place) == .yielding }
    lease = nil
    feed.add(10)
    interrupt = nil
    try wait("records after the command") { try place.count("silver_weights") == 20 }
    try running.end()
  }

  @Test("Metrics, health and the status note tell what was done")
  func figures() throws {
    let place = try Place()
    let feed = Feed()
    feed.add(40, weight: 2)
    feed.add(3, weight: -1)
    let running = Running(try place.supervisor(feed))
    try wait("commits") { try place.count("bronze_weights") == 43 && place.metrics.exposition().contains("} 43\n") }
    try wait("a status note") { place.control.statuses(now: LandingSource.systemClock()).first?.records == 43 }
    let note = try #require(place.control.statuses(now: LandingSource.systemClock()).first)
    #expect(note.process == getpid() && note.state == .running && note.batches >= 1)
    #expect(note.recordsPerSecond > 0 && note.lastCommit != nil && note.stageSeconds["commit"] != nil)
    let text = place.metrics.exposition()
    for line in [
      "lakeward_records_read_total{pipeline=\"scales\"} 43",
      "lakeward_records_quarantined_total{pipeline=\"scales\"} 3",
      "lakeward_table_rows_written_total{pipeline=\"scales\",table=\"silver_weights\"} 40",
      "lakeward_expectation_breaches_total{pipeline=\"scales\",table=\"silver_weights\",rule=\"weight_positive\"} 3",
      "lakeward_pipeline_state{pipeline=\"scales\",state=\"running\"} 1",
      "lakeward_pipeline_state{pipeline=\"scales\",state=\"paused\"} 0",
    ] { #expect(text.contains(line + "\n"), "\(line) is not in\n\(text)") }
    #expect(
      place.metrics.gauge("lakeward_table_files", "", labels: "pipeline", "table")["scales", "bronze_weights"].value
        >= 1)
    #expect(place.health.report.pipelines[0].lastCommit != nil)
    try running.end()
  }

  @Test("The rate is that of the last ten seconds")
  func rate() {
    var window = RateWindow()
    #expect(window.rate(now: 0) == 0)
    for second in 0..<20 { window.add(100, at: Int64(second) * 1_000_000) }
    #expect(abs(window.rate(now: 19_999_999) - 100) < 0.1)
    #expect(window.rate(now: 60_000_000) == 0)
    window.add(50, at: 70_000_000)
    #expect(window.rate(now: 70_500_000) < 6)
    window.add(50, at: 1)
    #expect(window.rate(now: 70_500_000) < 6)
  }
}

/// DuckDB's heap is damaged when a database is destroyed while a thread that used it is ending, and nobody can wait for
/// the very end of a `Thread`: engines of such threads live as long as the process.
enum Engines {
  private static let kept = Mutex<[QueryEngine]>([])

  static func keep(_ engine: QueryEngine) { kept.withLock { $0.append(engine) } }
}

/// Records that a test adds while a pipeline runs.
final class Feed: Sendable {
  private let records = Mutex<[String]>([])

  func add(_ count: Int, weight: Int = 1) {
    records.withLock { records in
      for _ in 0..<count { records.append("{\"animal\":\"a\(records.count)\",\"kilograms\":\(weight)}") }
    }
  }

  var all: [String] { records.withLock { $0 } }
}

/// Reads a feed; offsets are places in it.
final class FeedSource: RecordSource {
  private let feed: Feed
  private var position: Int64 = 0

  init(_ feed: Feed) { self.feed = feed }

  func start(from positions: [Int32: Int64]) { position = positions[0] ?? 0 }

  func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch? {
    let all = feed.all
    guard Int(position) < all.count else {
      usleep(10_000)
      return nil
    }
    let batch = RecordBatch()
    let source = try batch.source("memory")
    let end = min(all.count, Int(position) + limit.records)
    for offset in Int(position)..<end {
      try batch.append(Array(all[offset].utf8), source: source, partition: 0, offset: Int64(offset))
    }
    defer { position = Int64(end) }
    return SourceBatch(records: batch, first: [0: position], next: [0: Int64(end)])
  }

  func didCommit(_ positions: [Int32: Int64]) {}

  func isExhausted() -> Bool { Int(position) >= feed.all.count }

  func close() {}
}
