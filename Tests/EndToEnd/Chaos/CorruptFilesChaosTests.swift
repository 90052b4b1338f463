import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Simulation
import Testing

/// Damaged files: what comes in is put aside with a reason, and damage of a table is named, never read as other rows.
@Suite(.serialized) struct CorruptFilesChaosTests {
  /// Files that are cut off, overwritten in places, or are something else than their names say, beside sound ones.
  @Test func landingFiles() throws {
    let began = Date()
    let rounds = ReliabilityLog.rounds(4)
    let records = BedRecords(seed: 41, count: 1_000)
    let (calm, disturbed) = (try BedsLake(maxRecords: 20_000), try BedsLake(maxRecords: 500))
    var random = SeededRandom(seed: 41)
    for lake in [calm, disturbed] { try lake.land(records.text(0..<500), as: "100.ndjson", round: 0) }
    let sound = try Self.samples(disturbed)
    for round in 0..<rounds {
      for (ending, bytes) in sound {
        try disturbed.land(Self.damaged(bytes, &random), as: "2\(round).\(ending)", round: 1)
      }
    }
    for lake in [calm, disturbed] { try lake.land(records.text(500..<1_000), as: "300.ndjson", round: 2) }
    for lake in [calm, disturbed] { try lake.run("run", "beds", "--once") }
    // What a damaged file still gives is of patients and of a month of its own: no changed bit turns it into the sound ones'.
    let connection = try Database().connect()
    let missing = try connection.query(
      """
      SELECT count(*) FROM (SELECT patient_id, event_time, pulse FROM \(calm.scan("silver_beds"))
        EXCEPT ALL SELECT patient_id, event_time, pulse FROM \(disturbed.scan("silver_beds")))
      """
    ).scalar()
    let wrong = try connection.query(
      """
      SELECT count(*) FROM (SELECT patient_id, event_time, pulse FROM \(disturbed.scan("silver_beds"))
        WHERE starts_with(patient_id, 'p') AND event_time < '2026-04-01' AND event_time >= '2026-03-01'
        EXCEPT ALL SELECT patient_id, event_time, pulse FROM \(calm.scan("silver_beds")))
      """
    ).scalar()
    #expect(missing == .int(0) && wrong == .int(0))
    #expect(disturbed.rows("quarantine_beds") > calm.rows("quarantine_beds"), "damage leaves a trace")
    try disturbed.run("verify", "beds")
    ReliabilityLog.add(
      "damaged landing files (NDJSON, CSV, gzip, Parquet)",
      [
        "records": 1_000, "faults": Int64(rounds * sound.count), "lost": Int64(missing.intValue ?? -1),
        "wrong": Int64(wrong.intValue ?? -1),
      ], since: began)
  }

  /// Sound files of every format, of patients whose names begin with another letter.
  private static func samples(_ lake: BedsLake) throws -> [(ending: String, bytes: [UInt8])] {
    let connection = try Database().connect()
    let rows = """
      SELECT 'x' || i AS patient_id, strftime(TIMESTAMP '2026-04-01' + to_seconds(i), '%Y-%m-%dT%H:%M:%SZ') AS event_time,
        (50 + i % 90)::VARCHAR AS pulse FROM range(400) AS r(i)
      """
    return try [
      ("ndjson", "json", ""), ("csv", "csv", ""), ("parquet", "parquet", ""),
      ("ndjson.gz", "json", ", COMPRESSION gzip"),
      ("csv.gz", "csv", ", COMPRESSION gzip"),
    ].map { ending, format, more in
      let path = lake.directory.file("sample.\(ending)")
      try connection.execute("COPY (\(rows)) TO '\(path)' (FORMAT \(format)\(more))")
      return (ending, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
    }
  }

  /// Cut off, with some bytes replaced, or with a part that is zero, as a file system may leave it.
  static func damaged(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var damaged = bytes
    switch random.integer(below: 3) {
    case 0: damaged.removeLast(1 + random.integer(below: max(1, bytes.count - 1)))
    case 1:
      for _ in 0...random.integer(below: 8) where !damaged.isEmpty {
        damaged[random.integer(below: damaged.count)] ^= 1 << UInt8(random.integer(below: 8))
      }
    default:
      let start = random.integer(below: bytes.count)
      for place in start..<min(bytes.count, start + 512) { damaged[place] = 0 }
    }
    return damaged
  }

  /// One file of a table (data, commit, checkpoint) is damaged: `verify` names it or the table, or every row is what it was.
  @Test func tableFiles() throws {
    let began = Date()
    let rounds = ReliabilityLog.rounds(6)
    let records = BedRecords(seed: 42, count: 1_200)
    let calm = try BedsLake(maxRecords: 100)
    for part in 0..<12 {
      try calm.land(records.text((100 * part)..<(100 * (part + 1))), as: "\(100 + part).ndjson", round: part)
    }
    try calm.run("run", "beds", "--once")
    for table in BedsLake.tables { try DeltaTable(at: calm.directory.file("lake/tables/\(table)")).checkpoint() }
    let files = calm.directory.listing().filter { $0.hasPrefix("lake/tables/") && !$0.hasSuffix(".crc") }
    var random = SeededRandom(seed: 42)
    var (named, harmless, silent): (Int64, Int64, Int64) = (0, 0, 0)
    for round in 0..<rounds {
      // Each kind of file in turn.
      let kinds: [(String) -> Bool] = [
        { $0.hasSuffix(".parquet") && !$0.contains("_delta_log") }, { $0.hasSuffix(".json") },
        { $0.contains("checkpoint") },
      ]
      let candidates = files.filter(kinds[round % kinds.count])
      let file = try #require(candidates.isEmpty ? nil : candidates[random.integer(below: candidates.count)])
      let place = calm.directory.file(file)
      let whole = try Data(contentsOf: URL(fileURLWithPath: place))
      let reference = try BedsLake.rowsOf(calm)
      try Data(Self.damaged([UInt8](whole), &random)).write(to: URL(fileURLWithPath: place))
      let outcome = try calm.start(["verify", "beds"]).wait(seconds: 120)
      if outcome.status == 0 {
        let same = (try? BedsLake.rowsOf(calm)) == reference
        if same { harmless += 1 } else { silent += 1 }
        #expect(same, "\(file): verify says clean, and the rows are others")
      } else {
        #expect([1, 2, 3].contains(outcome.status), "\(file): status \(outcome.status): \(outcome.errors)")
        let words = outcome.output + outcome.errors
        let table = file.split(separator: "/")[2]
        #expect(words.contains(table) || words.contains(file.split(separator: "/").last ?? ""), "\(file): \(words)")
        named += 1
      }
      try whole.write(to: URL(fileURLWithPath: place))
    }
    try calm.run("verify", "beds")
    ReliabilityLog.add(
      "damaged files of tables (data, commits, checkpoints)",
      ["records": 1_200, "faults": Int64(rounds), "named": named, "harmless": harmless, "wrong": silent],
      since: began)
  }
}
