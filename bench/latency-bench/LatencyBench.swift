internal import Alerts
internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Kafka
internal import Models
internal import Pipelines
internal import Simulation
internal import Streaming
internal import Synchronization

/// How long a record of the vitals pipeline takes from being produced to standing in the committed silver table, and to the
/// moments when whoever watches the micro-batches is called and when the pipeline's alert policies have judged it and what
/// they raised is stored; `bench/latency` runs it.
///
/// A record's own event time is when it was produced. Producer, broker (librdkafka's mock, over TCP) and pipeline share one
/// process and its processors. Prints one JSON object.
@main enum LatencyBench {
  static func main() throws {
    let words = Array(CommandLine.arguments.dropFirst())
    guard words.count == 6, let rate = Double(words[3]), let seconds = Double(words[4]),
      let interval = Double(words[5]), ["kafka", "landing"].contains(words[0])
    else { throw Usage() }
    let trial = try Trial(
      source: words[0], pipelines: words[1], work: words[2], rate: rate, seconds: seconds, interval: interval)
    try trial.run()
  }

  struct Usage: Error, CustomStringConvertible {
    let description =
      "latency-bench kafka|landing PIPELINES-FOLDER WORK-FOLDER RATE SECONDS INTERVAL: see bench/latency"
  }
}

/// Milliseconds and how many records took so long.
private struct Distribution: Sendable {
  var counts: [Int64: Int64] = [:]

  func quantile(_ share: Double) -> Int64 {
    let total = counts.values.reduce(0, +)
    var below: Int64 = 0
    for (milliseconds, count) in counts.sorted(by: { $0.key < $1.key }) {
      below += count
      if Double(below) >= share * Double(total) { return milliseconds }
    }
    return 0
  }

  var json: String {
    "{\"p50\": \(quantile(0.5)), \"p90\": \(quantile(0.9)), \"p99\": \(quantile(0.99)), \"max\": \(counts.keys.max() ?? 0)}"
  }
}

/// One rate and one source.
private final class Trial: @unchecked Sendable {
  // Safe to share: the producer's thread uses the feed alone; what the pipeline's thread notes is read after it has ended.
  private let pipeline: Pipeline
  private let lake: Lake
  private let rate: Double
  private let seconds: Double
  private let source: any RecordSource
  private let send: (inout VitalsSimulator, Int, Int64, Int64) throws -> Void
  private let cluster: MockCluster?
  private let stop = StopSignal()
  private let sent = Atomic<Int>(0)
  private var committed = Distribution()
  private var called = Distribution()
  private var alerted = Distribution()
  private var alerts = 0
  private let alertStage: AlertStage?
  private var batches = 0
  private var records: Int64 = 0
  private var stages: [String: Double] = [:]
  private static let warmUpSeconds = 3.0

  init(source kind: String, pipelines: String, work: String, rate: Double, seconds: Double, interval: Double) throws {
    var pipeline = try Pipeline.load(folder: "\(pipelines)/vitals")
    pipeline.trigger = Trigger(
      intervalSeconds: interval, maxRecords: pipeline.trigger.maxRecords, maxBytes: pipeline.trigger.maxBytes)
    self.pipeline = pipeline
    lake = Lake(root: work)
    self.rate = rate
    self.seconds = seconds
    try lake.prepare()
    let policies = try PolicyFile.load(pipeline)
    alertStage = AlertStage(
      pipeline: pipeline, policies: policies, lake: lake, desk: try AlertDesk(lake: lake, policies: policies))
    if kind == "kafka" {
      let cluster = try MockCluster()
      try cluster.createTopic("patient-vitals", partitions: 4)
      self.cluster = cluster
      let configuration = KafkaConfiguration(brokers: cluster.brokers)
      let producer = try KafkaProducer(configuration)
      source = KafkaSource(topic: "patient-vitals", configuration: configuration, group: "latency")
      send = { simulator, count, time, step in
        try simulator.forEachRecord(count: count, startingAt: time, step: step) { record in
          try producer.send(
            UnsafeRawBufferPointer(record.bytes), key: UnsafeRawBufferPointer(record.key), to: "patient-vitals")
        }
        _ = producer.poll()
      }
    } else {
      cluster = nil
      let inputs = try PipelineInputs(
        pipeline: pipeline, lake: lake, configuration: LakeConfiguration(lake: work, pipelines: pipelines))
      source = try inputs.source(sharing: false)
      let writer = try LandingWriter(
        folder: lake.resolve(pipeline.source?.landing?.path ?? "landing"), delivery: .growing)
      send = { simulator, count, time, step in
        var lines: [UInt8] = []
        simulator.append(count: count, startingAt: time, step: step, to: &lines)
        try writer.write(lines)
      }
    }
  }

  func run() throws {
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake), source: source,
      registry: ModelRegistry(directory: "\(lake.root)/models"))
    let done = DispatchSemaphore(value: 0)
    let feeder = Thread { [self] in
      do { try feed() } catch { FileHandle.standardError.write(Data("\(error)\n".utf8)) }
      // What was sent last may still become a micro-batch.
      stop.wait(seconds: 1)
      stop.stop()
      done.signal()
    }
    feeder.stackSize = 8 << 20
    feeder.start()
    let began = Self.now()
    try runner.run(.continuous, stop: stop) { event, view in
      let time = Self.now()
      do {
        alerts += try alertStage?.observe(event, view).events.filter { $0.kind == .opened }.count ?? 0
      } catch {
        FileHandle.standardError.write(Data("\(error)\n".utf8))
      }
      let judged = Self.now()
      guard case .committed(let report) = event else { return }
      batches += 1
      records += report.records
      stages.merge(report.seconds) { $0 + $1 }
      guard time - began > Int64(Self.warmUpSeconds * 1e6),
        let durable = report.committedAt["silver_patient_vitals"],
        let rows = try? view.query(
          "SELECT (\(durable) - epoch_us(event_time)) // 1000, count(*) FROM stage.silver_patient_vitals GROUP BY 1")
      else { return }
      for row in rows {
        guard case .int(let milliseconds) = row[0], case .int(let count) = row[1] else { continue }
        committed.counts[milliseconds, default: 0] += count
        called.counts[milliseconds + (time - durable) / 1000, default: 0] += count
        alerted.counts[milliseconds + (judged - durable) / 1000, default: 0] += count
      }
    }
    done.wait()
    report()
  }

  /// Sends every few milliseconds what is due; a record's event time is at most now.
  private func feed() throws {
    var simulator = VitalsSimulator(seed: 5, beds: 2_000)
    let began = ContinuousClock.now
    var count = 0
    while true {
      let elapsed = (ContinuousClock.now - began) / .seconds(1)
      if elapsed > seconds + Self.warmUpSeconds { return }
      let due = min(20_000, Int(elapsed * rate) - count)
      if due > 0 {
        let step = max(2, Int64(1e6 / rate))
        try send(&simulator, due, Self.now() - Int64(due) * step, step)
        count += due
        sent.store(count, ordering: .relaxed)
      }
      usleep(5_000)
    }
  }

  private func report() {
    let files = (try? lake.table(named: "silver_patient_vitals").snapshot().files.count) ?? 0
    let stages = stages.sorted { $0.key < $1.key }.map {
      "\"\($0.key)\": \(($0.value / Double(max(1, batches)) * 1e5).rounded() / 100)"
    }
    print(
      """
      {"rate": \(Int(rate)), "sent": \(sent.load(ordering: .relaxed)), "records": \(records), "batches": \(batches), \
      "committed_milliseconds": \(committed.json), "called_milliseconds": \(called.json), \
      "alerted_milliseconds": \(alerted.json), "alerts": \(alerts), "silver_files": \(files), \
      "stage_milliseconds": {\(stages.joined(separator: ", "))}}
      """)
  }

  private static func now() -> Int64 { LandingSource.systemClock() }
}
