import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Models
import Pipelines
import Simulation
import Testing

@testable import Streaming

/// The shipped vitals pipeline: readings in any order of arrival within the lateness give the same tables.
@Suite struct ArrivalOrderTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "pipelines/vitals").path

  /// Everything but the readings' coordinates and arrival, and what a reading says about those that came before it.
  private static let silver = """
    SELECT * EXCLUDE (ingest_time, source, "partition", "offset", minutes_since_last_reading) FROM
    """
  private static let quarantine = "SELECT record, record_encoding, reason FROM"

  private struct Ward {
    let directory: TemporaryDirectory
    let lake: Lake
    let pipeline: Pipeline
    /// Empty: the anomaly model is optional, and its columns are NULL.
    let registry: ModelRegistry

    init() throws {
      directory = try TemporaryDirectory("arrival")
      lake = Lake(root: directory.file("lake"))
      registry = ModelRegistry(directory: directory.file("models"))
      var pipeline = try Pipeline.load(folder: ArrivalOrderTests.folder)
      // Stricter than it is shipped: what counts as late is out, and so are the simulator's clocks that run ahead,
      // which are ahead by 200 seconds at least when they are read.
      pipeline.eventTime?.late = .quarantine
      pipeline.eventTime?.futureToleranceSeconds = 60
      self.pipeline = pipeline
    }

    func run(_ partitions: [Int32: [String]], maxRecords: Int, batches: Int = .max) throws -> Int64 {
      var pipeline = pipeline
      pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: maxRecords)
      let stop = StopSignal()
      var count = 0
      var late: Int64 = 0
      let runner = try PipelineRunner(
        pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake), source: MemorySource(partitions),
        registry: registry)
      try runner.run(.once, stop: stop) { event, _ in
        guard case .committed(let report) = event else { return }
        late += report.late
        count += 1
        if count >= batches { stop.stop() }
      }
      return late
    }

    func refresh() throws {
      let refresher = try ViewRefresher(pipeline: pipeline, lake: lake, registry: registry)
      for view in pipeline.materializedViews { _ = try refresher.refresh(view) }
    }

    func crash(_ tables: [String]) throws {
      for table in tables {
        let location = lake.location(ofTable: table)
        let version = try DeltaTable(at: location).snapshot().version
        guard version > 1 else { continue }
        let name = String(repeating: "0", count: 20 - String(version).count) + String(version)
        try FileManager.default.removeItem(atPath: "\(location)/_delta_log/\(name).json")
      }
    }
  }

  @Test func anyOrderWithinTheLatenessGivesTheSameTables() throws {
    let readings = Self.simulated()
    let calm = try Ward()
    // Patients in two partitions, as Kafka has them.
    #expect(try calm.run(Self.divided(readings), maxRecords: 10_000) == 0)
    try calm.refresh()
    let views = calm.pipeline.materializedViews.map(\.name)
    #expect(views.count >= 4)
    for seed in [1, 2] as [UInt64] {
      var random = SplitMix(state: seed)
      // All readings were sent within 400 seconds, late ones are half an hour old, and an hour is allowed.
      let shuffled = Self.divided(readings.shuffled(using: &random))
      let ward = try Ward()
      for _ in 0..<3 {
        #expect(try ward.run(shuffled, maxRecords: 100 + random.below(400), batches: 1 + random.below(3)) == 0)
        try ward.refresh()
        if random.below(2) == 0 { try ward.crash(["silver_patient_vitals", "quarantine_patient_vitals"]) }
      }
      #expect(try ward.run(shuffled, maxRecords: 900) == 0)
      try ward.refresh()
      let connection = try QueryEngine(lake: ward.lake).connect()
      _ = try ScoringFunctions.register(
        ward.registry, on: connection, uses: ward.pipeline.models.map(ModelUse.init))
      func differences(_ select: String, _ table: String) throws -> Int64? {
        let one = try DeltaReader.scanSQL(calm.lake.table(named: table).snapshot())
        let other = try DeltaReader.scanSQL(ward.lake.table(named: table).snapshot())
        return try connection.query(
          """
          SELECT (SELECT count(*) FROM (\(select) \(one) EXCEPT ALL \(select) \(other)))
            + (SELECT count(*) FROM (\(select) \(other) EXCEPT ALL \(select) \(one)))
          """
        ).scalar().integer
      }
      #expect(try differences(Self.silver, "silver_patient_vitals") == 0)
      #expect(try differences(Self.quarantine, "quarantine_patient_vitals") == 0)
      for view in views { #expect(try differences("SELECT * FROM", view) == 0, "\(view)") }
      for check in try Verification(pipeline: ward.pipeline, lake: ward.lake, connection: connection).run() {
        #expect(check.holds, "\(check)")
      }
    }
  }

  /// 2,500 readings of 40 patients with every fault, sent in the last 400 seconds.
  private static func simulated() -> [String] {
    let count = 2_500
    let step: Int64 = 160_000
    let now = Int64(Date().timeIntervalSince1970) * 1_000_000
    var simulator = VitalsSimulator(seed: 4, beds: 40, speed: 600, faults: VitalsFaultRates(total: 0.2))
    var readings: [String] = []
    simulator.forEachRecord(count: count, startingAt: now - Int64(count) * step, step: step) { record in
      readings.append(String(decoding: record.bytes, as: UTF8.self))
    }
    return readings
  }

  private static func divided(_ readings: [String]) -> [Int32: [String]] {
    var partitions: [Int32: [String]] = [0: [], 1: []]
    for reading in readings {
      // Behind `{"patient_id":"` stands the identifier; what is corrupt goes anywhere.
      let digit = Array(reading.utf8.dropFirst(15).prefix(1)).first ?? 0
      partitions[Int32(digit % 2), default: []].append(reading)
    }
    return partitions
  }

  @Test func summerTimeAndLeapSecondsAreInstants() throws {
    let connection = try QueryEngine(lake: Lake(root: "/nonexistent")).connect()
    let parser = RecordParser(fields: [RecordField(name: "seen", type: .timestamp)])
    try parser.register(on: connection)
    func seconds(_ text: String) throws -> Int64? {
      let bronze = """
        (SELECT '{"seen":"\(text)"}' AS raw, 'utf-8' AS raw_encoding, 's' AS "source", 0 AS "partition", 0 AS "offset",
          now() AS ingest_time)
        """
      return try connection.query("SELECT epoch_us(seen) // 1000000 FROM (\(parser.select(from: bronze)))").scalar()
        .integer
    }
    // Berlin's clocks go from 02:00 to 03:00, and in autumn from 03:00 back to 02:00.
    #expect(try seconds("2026-03-29T03:00:00+02:00") == seconds("2026-03-29T01:59:59+01:00").map { $0 + 1 })
    #expect(try seconds("2026-10-25T02:30:00+01:00") == seconds("2026-10-25T02:30:00+02:00").map { $0 + 3_600 })
    #expect(try seconds("2016-12-31T23:59:60Z") == seconds("2017-01-01T00:00:00Z"))
    #expect(try seconds("2016-12-31T23:59:60.9+00:00") == seconds("2017-01-01T00:00:00Z"))
    #expect(try seconds("2016-12-31T23:59:61Z") == nil)
  }
}
