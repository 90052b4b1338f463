import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// CSV, Parquet and gzip in a landing directory, batches that end within a file, and files that are replaced.
@Suite("Landing directory: formats") struct LandingFormatTests {
  private let folder: TemporaryDirectory
  private static let fields = [
    RecordField(name: "patient_id", type: .string, isRequired: true),
    RecordField(name: "pulse", field: "heart_rate", type: .int),
    RecordField(name: "oxygen", type: .boolean),
  ]

  init() throws { folder = try TemporaryDirectory("formats") }

  private func source(splitBytes: Int64 = 32 << 20, now: Int64? = nil) throws -> LandingSource {
    var rules = SplitPlanner.Rules()
    rules.splitBytes = splitBytes
    rules.settle = .milliseconds(200)
    var options = LandingSource.Options(rules: rules, pollInterval: .milliseconds(5))
    options.fields = Self.fields
    return try LandingSource(
      directory: folder.file("landing"), splits: folder.file("splits"), options: options,
      clock: { now ?? LandingSource.systemClock() })
  }

  private func read(_ source: LandingSource, from positions: [Int32: Int64] = [:], records: Int = 1_000) throws
    -> Reading
  {
    let reading = try Reading.read(source, from: positions, limit: BatchLimit(records: records))
    #expect(reading.broken == [])
    return reading
  }

  private func append(_ text: String, to name: String) throws {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.file("landing/" + name)))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(text.utf8))
    try handle.close()
  }

  @Test("CSV: columns by header, quotes, empty values, booleans; rows that do not fit stay whole")
  func csv() throws {
    try folder.write(
      """
      Patient_ID;HEART_RATE;Oxygen;note
      p1;71;TRUE;"a ""quoted""; note
      over two lines"
      p2;;false;
      p3;70
      p4;"80"x;true;stray

      p5;60;no;tab\there\r
      p6;1;true;"

      """, to: "landing/a.csv")
    let records = try read(source()).records
    #expect(
      records.map(\.raw) == [
        #"{"patient_id":"p1","heart_rate":"71","oxygen":true,"note":"a \"quoted\"; note\nover two lines"}"#,
        #"{"patient_id":"p2","oxygen":false}"#, "p3;70", #"p4;"80"x;true;stray"#,
        #"{"patient_id":"p5","heart_rate":"60","oxygen":"no","note":"tab\there"}"#, #"p6;1;true;""#,
      ])
    #expect(records.map(\.encoding) == [.utf8, .utf8, .badRow, .badRow, .utf8, .badRow])
    // The last row's quote is never closed, so it is taken when the file rests.
    #expect(records.map(\.offset) == [1, 2, 3, 4, 6, 1 << 32])
  }

  @Test("CSV that grows and is cut into splits: each row once, the header counts for all")
  func growingCSV() throws {
    var expected: [String] = []
    func rows(_ range: Range<Int>) -> String {
      range.map { row in
        expected.append("{\"patient_id\":\"p\(row)\",\"heart_rate\":\"\(row)\"}")
        return "p\(row),\(row)\n"
      }.joined()
    }
    try folder.write("patient_id,heart_rate\n" + rows(0..<100), to: "landing/a.csv")
    let first = try read(source(splitBytes: 100), records: 7)
    try append(rows(100..<150) + "\"open\nquote", to: "a.csv")
    let second = try read(source(splitBytes: 100), from: first.positions.last ?? [:], records: 7)
    #expect((first.texts + second.texts).prefix(150) == expected[...])
    // The quote is never closed: its lines are bad rows once the file rests.
    #expect(second.texts.dropFirst(50) == ["\"open", "quote"])
  }

  @Test("Parquet: columns by name, times and decimals as text, a record per row")
  func parquet() throws {
    try folder.folder("landing")
    let connection = try Database().connect()
    try connection.execute(
      """
      COPY (SELECT 'p' || i AS patient_id, i::SMALLINT AS heart_rate, i % 2 = 0 AS oxygen,
        TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL 1 SECOND AS time, (i / 2)::DECIMAL(9,2) AS temperature,
        NULL::VARCHAR AS empty FROM range(5000) AS r(i)) TO '\(folder.file("landing/a.parquet"))' (FORMAT parquet)
      """)
    let all = try read(source(), records: 999)
    #expect(all.records.count == 5_000)
    #expect(all.batches.allSatisfy { $0.count <= 999 })
    #expect(
      all.records[3].raw?.contains(
        #""patient_id":"p3","heart_rate":3,"oxygen":false,"time":"2026-01-01T00:00:03.000000Z","temperature":"1.50""#)
        == true)
    #expect(all.records.map(\.offset) == (0..<5_000).map(Int64.init))
    let rest = try read(source(), from: [0: 4_321])
    #expect(rest.records == Array(all.records[4_321...]))
    try folder.write("PAR1 this is none PAR1", to: "landing/b.parquet")
    let broken = try read(source(), from: [0: 1 << 32]).records
    #expect(broken.map(\.encoding) == [.unreadable] && broken.map(\.offset) == [1 << 32])
  }

  @Test("gzip: NDJSON and CSV, any position, damaged files")
  func gzip() throws {
    let lines = (0..<3_000).map { "{\"patient_id\":\"p\($0)\"}" }
    try folder.write(lines.joined(separator: "\n\n") + "\n", to: "landing/a.ndjson")
    try folder.write("patient_id\n" + (0..<500).map { "q\($0)\n" }.joined(), to: "landing/b.csv")
    let outcome = try ChildProcess.run("/usr/bin/gzip", ["-r", folder.file("landing")])
    #expect(outcome.succeeded)
    let all = try read(source(), records: 700)
    #expect(all.records.count == 3_500)
    #expect(Set(all.texts).isSuperset(of: lines))
    let ndjson = all.records.filter { $0.source == "a.ndjson.gz" }
    #expect(ndjson[1_000].offset & 0xffff_ffff == 2_000)
    let rest = try read(source(), from: [0: ndjson[1_000].offset])
    #expect(rest.records.first == ndjson[1_000])
    var bytes = try Array(Data(contentsOf: URL(fileURLWithPath: folder.file("landing/a.ndjson.gz"))))
    bytes.removeLast(bytes.count / 2)
    try folder.write(bytes, to: "landing/c.ndjson.gz")
    let broken = try read(source(), from: all.positions.last ?? [:]).records
    #expect(broken.last?.encoding == .unreadable && broken.dropLast().allSatisfy { $0.encoding == .utf8 })
  }

  @Test("a batch that ends with a file's last row, but not with the file, is continued where it ended")
  func blankRest() throws {
    for (name, text) in [("a.csv", "patient_id\np0\np1\n"), ("a.ndjson", "{}\n{}\n\n\n")] {
      try folder.write(text, to: "\(name)/landing/\(name)")
      var options = LandingSource.Options(pollInterval: .milliseconds(5))
      options.fields = Self.fields
      func source() throws -> LandingSource {
        try LandingSource(
          directory: folder.file("\(name)/landing"), splits: folder.file("\(name)/splits"), options: options)
      }
      let first = try Reading.read(source(), from: [:], limit: BatchLimit(records: 2))
      #expect(first.records.count == 2 && first.broken == [])
      try folder.write(text, to: "\(name)/landing/b-\(name)")
      // Also when the process is another one.
      let second = try Reading.read(source(), from: first.positions.last ?? [:], limit: BatchLimit(records: 2))
      #expect(second.records.count == 2 && second.broken == [])
    }
  }

  @Test("a small limit holds within a large file, and a position within it too")
  func smallBatches() throws {
    let lines = (0..<2_000).map { "{\"patient_id\":\"p\($0)\"}" }
    try folder.write(lines.joined(separator: "\n") + "\n", to: "landing/a.ndjson")
    let reading = try read(source(), records: 150)
    #expect(reading.texts == lines)
    #expect(reading.batches.map(\.count).max() == 150)
    let rest = try read(source(), from: reading.positions[3], records: 150)
    #expect(rest.texts == Array(lines[600...]))
  }

  @Test("a file that is overwritten by one of the same or a larger size is told and read as new")
  func overwritten() throws {
    try folder.write("{\"a\":1}\n{\"a\":2}\n", to: "landing/a.ndjson")
    let source = try source()
    var position = try read(source).positions.last ?? [:]
    #expect(source.takeNotices() == [])
    for (text, isNew) in [
      ("{\"a\":3}\n{\"a\":4}\n", true), ("{\"a\":3}\n{\"a\":4}\n", false), ("{\"a\":5}\n{\"a\":6}\n{\"a\":7}\n", true),
    ] {
      try folder.write(text, to: "landing/a.ndjson")
      let reading = try read(source, from: position)
      #expect(reading.texts == (isNew ? text.split(separator: "\n").map(String.init) : []))
      position = reading.positions.last ?? position
      #expect(source.takeNotices().count == (isNew ? 1 : 0))
    }
    // Growing is not overwriting, also when the whole file is written anew with a longer text.
    try folder.write("{\"a\":5}\n{\"a\":6}\n{\"a\":7}\n{\"a\":8}\n", to: "landing/a.ndjson")
    #expect(try read(source, from: position).texts == ["{\"a\":8}"])
    #expect(source.takeNotices() == [])
  }

  @Test("what was registered and replaced before it was read is told as missing, and the new file is read")
  func replacedBeforeRead() throws {
    try folder.write("{\"a\":1}\n", to: "landing/a.ndjson")
    _ = try read(source())
    try folder.write("{\"b\":1}\n", to: "landing/a.ndjson")
    let records = try read(source()).records
    #expect(records.map(\.encoding) == [.missing, .utf8])
    #expect(records.map(\.raw) == [nil, "{\"b\":1}"])
  }
}
