import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// A pipeline with event time, deduplication, a rule, and two kinds of recent readings; a model of what its tables must
/// hold; and runs that are cut, restarted and crashed at will.
struct ReadingsBench {
  struct Reading: Hashable {
    var patient: String
    /// Seconds after the beginning.
    var second: Int
    var pulse: Int
  }

  /// What the tables must hold, by coordinate.
  struct Expected: Equatable {
    /// Seconds since the patient's last reading (nil: none is known), and pulses with the reading's own as the last.
    var rows: [String: (since: Int?, pulses: [Int])] = [:]
    var quarantined: [String: String] = [:]

    static func == (left: Self, right: Self) -> Bool {
      left.quarantined == right.quarantined && left.rows.keys == right.rows.keys
        && left.rows.allSatisfy { $0.value.since == right.rows[$0.key]?.since }
        && left.rows.allSatisfy { $0.value.pulses == right.rows[$0.key]?.pulses }
    }
  }

  static let latenessSeconds = 600
  static let withinSeconds = 900
  static let lastRows = 3
  static let beginning = 1_704_067_200  // 2024-01-01T00:00:00Z
  /// Stands for a clock that runs ahead.
  static let future = 6_000_000_000

  let late: EventTime.LateAction
  let directory: TemporaryDirectory
  let lake: Lake

  init(late: EventTime.LateAction) throws {
    self.late = late
    directory = try TemporaryDirectory("readings")
    lake = Lake(root: directory.file("lake"))
  }

  static let sql = """
    CREATE STREAMING TABLE silver_readings AS
    SELECT v.patient, v.seen, v.pulse,
      CAST((unix_micros(v.seen) - unix_micros(try_element_at(r.seen, -1))) / 1000000 AS INT) AS since,
      v._partition AS "partition", v._offset AS "offset"
    FROM STREAM(readings) AS v
    LEFT JOIN earlier AS r ON r."partition" = v._partition AND r."offset" = v._offset;
    CREATE STREAMING TABLE gold_readings AS
    SELECT s.patient, s.seen, s.since, array_join(r.pulse, ' ') AS pulses, s."partition", s."offset"
    FROM STREAM(silver_readings) AS s JOIN latest AS r ON r."partition" = s."partition" AND r."offset" = s."offset";
    """

  func pipeline(maxRecords: Int) throws -> Pipeline {
    let definition = """
      pipeline: readings
      source:
        stream: readings
        landing: { path: landing/readings }
        bronze: bronze_readings
        quarantine: quarantine_readings
        record:
          - { name: patient, type: string, required: true }
          - { name: seen, field: at, type: timestamp, required: true }
          - { name: pulse, type: int }
      event_time: { column: seen, allowed_lateness: 10 min, late: \(late.rawValue), future_tolerance: 5 min }
      recent:
        earlier: { table: silver_readings, key: patient, columns: [seen], rows: 3, within: 15 min }
        latest: { table: silver_readings, key: patient, columns: [pulse], rows: 3, within: 15 min, current: true }
      tables:
        silver_readings:
          deduplicate: { keys: [patient, seen], event_time: seen, within: 1 min }
          expectations:
            pulse_positive: { expect: "pulse > 0" }
      """
    var pipeline = try Pipeline(
      folder: "readings",
      files: [.init(name: Pipeline.definitionFile, text: definition), .init(name: "tables.sql", text: Self.sql)])
    pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: maxRecords)
    return pipeline
  }

  static func json(_ reading: Reading) -> String {
    let time = DeltaTime.text(beginning + reading.second)
    return "{\"patient\":\"\(reading.patient)\",\"at\":\"\(time)\",\"pulse\":\(reading.pulse)}"
  }

  /// Runs until the source is exhausted, or for a number of micro-batches.
  @discardableResult
  func run(_ partitions: [Int32: [Reading]], maxRecords: Int, batches: Int = .max) throws -> [BatchReport] {
    var reports: [BatchReport] = []
    let stop = StopSignal()
    let runner = try PipelineRunner(
      pipeline: pipeline(maxRecords: maxRecords), lake: lake, engine: QueryEngine(lake: lake),
      source: MemorySource(partitions.mapValues { $0.map(Self.json) }), registry: nil)
    try runner.run(.once, stop: stop) { event, _ in
      guard case .committed(let report) = event else { return }
      reports.append(report)
      if reports.count >= batches { stop.stop() }
    }
    return reports
  }

  /// Takes a table back by one version, as if the process had died before that commit.
  func forgetLastCommit(of table: String) throws {
    let location = lake.location(ofTable: table)
    let version = try DeltaTable(at: location).snapshot().version
    guard version > 0 else { return }
    let name = String(repeating: "0", count: 20 - String(version).count) + String(version)
    try FileManager.default.removeItem(atPath: "\(location)/_delta_log/\(name).json")
  }

  func found() throws -> Expected {
    let connection = try QueryEngine(lake: lake).connect()
    var found = Expected()
    let gold = try DeltaReader.scanSQL(lake.table(named: "gold_readings").snapshot())
    for row in try connection.query("SELECT \"partition\", \"offset\", since, pulses FROM \(gold)").rows() {
      let pulses = row[3].stringValue ?? ""
      found.rows[Self.key(row)] = (row[2].integer.map(Int.init), pulses.split(separator: " ").compactMap { Int($0) })
    }
    let quarantine = try DeltaReader.scanSQL(lake.table(named: "quarantine_readings").snapshot())
    for row in try connection.query("SELECT \"partition\", \"offset\", reason FROM \(quarantine)").rows() {
      found.quarantined[Self.key(row)] = row[2].stringValue
    }
    return found
  }

  private static func key(_ row: [Value]) -> String { "\(row[0].integer ?? -1)/\(row[1].integer ?? -1)" }

  /// The set of patient, time and pulse in silver, without what depends on the order of arrival.
  func silver() throws -> [Reading] {
    let connection = try QueryEngine(lake: lake).connect()
    let scan = try DeltaReader.scanSQL(lake.table(named: "silver_readings").snapshot())
    return try connection.query(
      "SELECT patient, epoch(seen)::BIGINT - \(Self.beginning), pulse FROM \(scan) ORDER BY ALL"
    )
    .rows().map {
      Reading(patient: $0[0].stringValue ?? "", second: Int($0[1].integer ?? 0), pulse: Int($0[2].integer ?? 0))
    }
  }

  /// What follows from the order of records alone.
  func expected(_ partitions: [Int32: [Reading]]) -> Expected {
    var expected = Expected()
    for (partition, readings) in partitions {
      var newest: Int?
      var seen: Set<String> = []
      var arrived: [String: [Reading]] = [:]
      for (offset, reading) in readings.enumerated() {
        let key = "\(partition)/\(offset)"
        if reading.second >= Self.future {
          expected.quarantined[key] = "seen: in the future"
          continue
        }
        let isLate = newest.map { reading.second < $0 - Self.latenessSeconds } ?? false
        newest = max(newest ?? reading.second, reading.second)
        if isLate, late == .quarantine {
          expected.quarantined[key] = "seen: too late"
          continue
        }
        if reading.pulse <= 0 {
          expected.quarantined[key] = "silver_readings: pulse_positive"
          continue
        }
        guard seen.insert("\(reading.patient) \(reading.second)").inserted else { continue }
        let history =
          isLate
          ? []
          : (arrived[reading.patient] ?? []).suffix(Self.lastRows)
            .filter { $0.second <= reading.second && $0.second >= reading.second - Self.withinSeconds }
            .sorted { $0.second < $1.second }
        arrived[reading.patient, default: []].append(reading)
        expected.rows[key] = (
          history.last.map { reading.second - $0.second }, history.map(\.pulse) + [reading.pulse]
        )
      }
    }
    return expected
  }

  func verify() throws {
    let checks = try Verification(
      pipeline: pipeline(maxRecords: 100), lake: lake, connection: QueryEngine(lake: lake).connect()
    ).run()
    for check in checks { #expect(check.holds, "\(check)") }
  }
}

/// Instants as text, without Foundation's formatters.
enum DeltaTime {
  static func text(_ seconds: Int) -> String {
    // Days since 1970 to a civil date: Howard Hinnant's algorithm.
    let days = seconds / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    let rest = seconds % 86_400
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(year)-\(two(month))-\(two(day))T\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
  }
}
