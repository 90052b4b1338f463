import DuckDB
import Pipelines
import Streaming

@testable import Alerts

/// Records in memory, by partition; offsets are places in the arrays.
final class MemoryReadings: RecordSource {
  private let partitions: [Int32: [String]]
  private var positions: [Int32: Int64] = [:]

  init(_ partitions: [Int32: [String]]) { self.partitions = partitions }

  func start(from positions: [Int32: Int64]) { self.positions = positions }

  func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch? {
    let batch = RecordBatch()
    let source = try batch.source("memory")
    var first: [Int32: Int64] = [:]
    var next: [Int32: Int64] = [:]
    for (partition, records) in partitions.sorted(by: { $0.key < $1.key }) {
      let start = Int(positions[partition] ?? 0)
      let end = min(records.count, start + limit.records - batch.count)
      guard start < end else { continue }
      for offset in start..<end {
        try batch.append(Array(records[offset].utf8), source: source, partition: partition, offset: Int64(offset))
      }
      first[partition] = Int64(start)
      next[partition] = Int64(end)
      positions[partition] = Int64(end)
    }
    return batch.isEmpty ? nil : SourceBatch(records: batch, first: first, next: next)
  }

  func didCommit(_ positions: [Int32: Int64]) {}

  func isExhausted() -> Bool { partitions.allSatisfy { (positions[$0.key] ?? 0) >= Int64($0.value.count) } }

  func close() {}
}

/// A pipeline of readings with policies, both in YAML.
enum Readings {
  static func pipeline(maxRecords: Int) throws -> Pipeline {
    var pipeline = try Pipeline(
      folder: "readings",
      files: [
        .init(
          name: Pipeline.definitionFile,
          text: """
            pipeline: readings
            source:
              stream: readings
              landing: { path: landing/readings }
              bronze: bronze_readings
              quarantine: quarantine_readings
              record:
                - { name: patient_id, type: string, required: true }
                - { name: event_time, type: timestamp, required: true }
                - { name: value, type: double }
                - { name: ward, type: string }
            """),
        .init(
          name: "tables.sql",
          text: """
            CREATE STREAMING TABLE silver_readings AS
            SELECT patient_id, event_time, value, ward, _ingest_time AS ingest_time, _partition AS "partition",
              _offset AS "offset" FROM STREAM(readings);
            CREATE STREAMING TABLE gold_readings AS
            SELECT patient_id, event_time, value * 1.0 AS value, ward FROM STREAM(silver_readings);
            """),
      ])
    pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: maxRecords)
    return pipeline
  }

  static let policies = """
    defaults: { ward: ward, hold_off: 5 min }
    policies:
      high:
        on: silver_readings
        severity: high
        condition: "value > threshold"
        threshold: { value: 130, from: 100, to: 150, step: 10 }
        readings: 2
        clear: { condition: "value < 120" }
        title: "High value on {ward}"
        message: "Look at {patient}."
        show: [value]
        covers: [raised]
        escalate: [{ after: 0 min, notify: [hook] }, { after: 2 min, notify: [pager] }]
      raised:
        on: silver_readings
        severity: low
        condition: "value > 120"
        title: "Raised value"
        escalate: [{ after: 0 min, notify: [hook] }]
      silent:
        on: silver_readings
        severity: low
        missing: 10 min
        title: "No reading"
    """

  static func record(_ patient: String, _ time: Int64, _ value: Double?, ward: String = "A1") -> String {
    let value = value.map { "\($0)" } ?? "null"
    return
      "{\"patient_id\":\"\(patient)\",\"event_time\":\"\(CalendarTimeText.iso(time))\",\"value\":\(value),\"ward\":\"\(ward)\"}"
  }

  /// Readings of a few patients whose values wander; a patient is always in one partition.
  static func records(seed: UInt64 = 5, count: Int = 300) -> [Int32: [String]] {
    var random = SplitMix(state: seed)
    var partitions: [Int32: [String]] = [0: [], 1: []]
    var level: [Int: Double] = [:]
    var clock = instant("2026-01-05T08:00:00Z")
    for _ in 0..<count {
      clock += Int64(random.below(60) + 1) * 1_000_000
      let patient = random.below(5)
      level[patient] = max(80, min(160, (level[patient] ?? 115) + Double(random.below(41)) - 20))
      partitions[Int32(patient % 2)]?.append(record("p\(patient)", clock, level[patient]))
    }
    return partitions
  }
}
