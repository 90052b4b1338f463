import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Simulation
import Testing

/// A lake with one small pipeline that takes records by every source, worked by the built program.
final class BedsLake {
  let directory: TemporaryDirectory
  private let program: String

  static let tables = ["bronze_beds", "quarantine_beds", "silver_beds", "gold_beds"]

  private static let sql = """
    CREATE STREAMING TABLE silver_beds AS
    SELECT patient_id, event_time, pulse, _partition AS "partition", _offset AS "offset" FROM STREAM(beds);
    CREATE STREAMING TABLE gold_beds AS
    SELECT patient_id, event_time, pulse > 120 AS is_fast FROM STREAM(silver_beds);
    """

  /// - Parameters:
  ///   - maxRecords: The size of a micro-batch.
  ///   - settings: Further lines of `lakeward.yml`.
  init(maxRecords: Int, settings: String = "") throws {
    directory = try TemporaryDirectory("beds")
    program = try #require(Places.program(), "the program has not been built")
    try directory.write(
      """
      pipeline: beds
      source:
        stream: beds
        kafka: { topic: beds }
        mqtt: { topics: ["ward/+/beds"] }
        landing: { path: landing/beds, settle: 200 ms }
        bronze: bronze_beds
        quarantine: quarantine_beds
        record:
          - { name: patient_id, type: string, required: true }
          - { name: event_time, type: timestamp, required: true }
          - { name: pulse, type: int }
      tables:
        silver_beds:
          deduplicate: { keys: [patient_id, event_time], within: 1 day }
          expectations:
            pulse_plausible: { expect: "pulse BETWEEN 10 AND 300" }
      trigger: { interval: 50 ms, max_records: \(maxRecords) }
      """, to: "pipelines/beds/pipeline.yml")
    try directory.write(Self.sql, to: "pipelines/beds/tables.sql")
    try directory.write("engine: { threads: 1 }\n" + settings, to: "lakeward.yml")
    try directory.folder("lake/landing/beds")
  }

  /// Starts the program; `crash` names the instant at which it kills itself.
  func start(_ words: [String], crash: String? = nil, environment: [String: String] = [:]) throws -> ChildProcess {
    let crashes = crash.map { ["LAKEWARD_CRASH": $0] } ?? [:]
    return try ChildProcess(
      program, words, environment: environment.merging(crashes) { $1 }, directory: directory.path)
  }

  /// Runs the program to its end and expects success.
  @discardableResult
  func run(_ words: String...) throws -> ProcessOutcome {
    let outcome = try start(words).wait(seconds: 120)
    #expect(outcome.succeeded, "lakeward \(words.joined(separator: " ")): \(outcome.output) \(outcome.errors)")
    return outcome
  }

  /// Rows of a table now, from its log alone; 0 if it is not there yet.
  func rows(_ table: String) -> Int64 {
    let location = directory.file("lake/tables/\(table)")
    guard let snapshot = try? DeltaTable(at: location).snapshot() else { return 0 }
    return (try? snapshot.rowCount()) ?? 0
  }

  /// Puts a file into the landing folder, at rest for long and later than those of the rounds before it.
  func land(_ text: String, as name: String, round: Int) throws { try land(Array(text.utf8), as: name, round: round) }

  func land(_ bytes: [UInt8], as name: String, round: Int) throws {
    // Under another name until it has its time, so that it is never seen half.
    let path = try directory.write(bytes, to: "coming-" + name)
    let time = Date(timeIntervalSince1970: 1_767_225_600 + Double(round))
    try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path)
    try FileManager.default.moveItem(atPath: path, toPath: directory.file("lake/landing/beds/" + name))
  }

  /// The port that a process wrote into a file.
  func port(in file: String, of process: ChildProcess) throws -> Int {
    let limit = Date(timeIntervalSinceNow: 120)
    while Date() < limit, process.isRunning {
      if let text = try? String(contentsOfFile: file, encoding: .utf8), let port = Int(text.filter(\.isNumber)) {
        return port
      }
      Thread.sleep(forTimeInterval: 0.05)
    }
    throw ProcessError.neverSaid(text: "a port", output: process.outputSoFar, errors: process.errorsSoFar)
  }

  /// A scan of a table's newest version.
  func scan(_ table: String) throws -> String {
    try DeltaReader.scanSQL(DeltaTable(at: directory.file("lake/tables/\(table)")).snapshot())
  }

  /// Rows that only one of two lakes holds, over all tables.
  static func differences(_ left: BedsLake, _ right: BedsLake, excluding columns: [String]) throws -> Int64 {
    try tables.reduce(0) { try $0 + differences(left, right, $1, excluding: columns) }
  }

  /// The number of rows of each table, and a sum over their content.
  static func rowsOf(_ lake: BedsLake) throws -> [[Value]] {
    let connection = try Database().connect()
    return try tables.map {
      try connection.query("SELECT count(*), sum(hash(t)::HUGEINT)::VARCHAR FROM \(try lake.scan($0)) AS t").rows()[0]
    }
  }

  /// Rows that only one of two lakes holds in a table.
  static func differences(
    _ left: BedsLake, _ right: BedsLake, _ table: String, excluding columns: [String], distinct: Bool = false
  ) throws -> Int64 {
    let connection = try Database().connect()
    let present = ["source", "partition", "offset", "ingest_time"].filter {
      columns.contains($0) && (!table.hasPrefix("gold"))
        && (!table.hasPrefix("silver") || ["partition", "offset"].contains($0))
    }
    let excluded = present.isEmpty ? "" : " EXCLUDE (\(present.map { "\"\($0)\"" }.joined(separator: ", ")))"
    let select = "SELECT \(distinct ? "DISTINCT " : "")*\(excluded) FROM"
    try connection.execute(
      """
      CREATE TEMP TABLE a AS \(select) \(try left.scan(table)); CREATE TEMP TABLE b AS \(select) \(try right.scan(table))
      """)
    let value = try connection.query(
      "SELECT (SELECT count(*) FROM (FROM a EXCEPT ALL FROM b)) + (SELECT count(*) FROM (FROM b EXCEPT ALL FROM a))"
    ).scalar()
    guard case .int(let count) = value else { return -1 }
    return count
  }
}

/// Records of beds, the same for the same seed: good ones, repeats, broken ones and impossible values.
struct BedRecords {
  var lines: [(patient: String, text: String)] = []

  init(seed: UInt64, count: Int) {
    var random = SeededRandom(seed: seed)
    for number in 0..<count {
      let patient = "p\(random.integer(below: 200))"
      let kind = random.integer(below: 100)
      // A patient's times differ by the number, so that only repeats repeat.
      let minute = number / 60 % 60
      let time =
        "2026-03-0\(1 + number / 216_000)T\(Self.two(number / 3_600 % 24)):\(Self.two(minute)):\(Self.two(number % 60))Z"
      switch kind {
      case 0..<3: lines.append((patient, "{\"patient_id\":\"\(patient)\",\"event_time\":"))
      case 3..<6:
        lines.append((patient, "{\"patient_id\":\"\(patient)\",\"event_time\":\"\(time)\",\"pulse\":9999}"))
      case 6..<14 where !lines.isEmpty: lines.append(lines[random.integer(below: lines.count)])
      default:
        let pulse = 40 + random.integer(below: 120)
        lines.append((patient, "{\"patient_id\":\"\(patient)\",\"event_time\":\"\(time)\",\"pulse\":\(pulse)}"))
      }
    }
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// The records as NDJSON.
  func text(_ range: Range<Int>) -> String { lines[range].map { $0.text + "\n" }.joined() }
}
