@testable import DuckDB
import Testing

@Suite struct RecordBatchTests {
  let connection: Connection
  let scan: RecordBatchScan

  init() throws {
    connection = try Database(settings: ["threads": "2"]).connect()
    scan = try connection.registerRecordBatch(name: "batch")
  }

  private func lines(_ text: String, takeRest: Bool = false, from offset: Int64 = 0) throws -> (
    RecordBatch, RecordBatch.LineSplit
  ) {
    let batch = RecordBatch()
    let source = try batch.source("a.ndjson")
    let split = try batch.appendLines(
      in: Array(text.utf8), source: source, partition: 3, firstOffset: offset, takeRest: takeRest)
    return (batch, split)
  }

  @Test func linesKeepTheirNumbers() throws {
    let (batch, split) = try lines("{\"a\":1}\r\n\n  \t\r\n{\"a\":2}\nrest", from: 100)
    #expect(split == .init(consumedBytes: 23, lines: 4, records: 2))
    #expect(batch[0] == .init(raw: "{\"a\":1}", encoding: .utf8, source: "a.ndjson", partition: 3, offset: 100))
    #expect(batch[1] == .init(raw: "{\"a\":2}", encoding: .utf8, source: "a.ndjson", partition: 3, offset: 103))
  }

  static let splits: [(String, Bool, Int, Int, [String])] = [
    ("", false, 0, 0, []), ("", true, 0, 0, []), ("\n", false, 1, 1, []), ("a", false, 0, 0, []),
    ("a", true, 1, 1, ["a"]), ("a\n", true, 2, 1, ["a"]), ("a\n\nb", true, 4, 3, ["a", "b"]),
    ("a\r", true, 2, 1, ["a"]), ("\r\n\r\n", false, 4, 2, []), ("a b\n", false, 4, 1, ["a b"]),
    (" a\n", false, 3, 1, [" a"]), ("a\rb\n", false, 4, 1, ["a\rb"]),
  ]

  @Test(arguments: splits) func splitting(
    _ text: String, _ takeRest: Bool, _ consumed: Int, _ lines: Int, _ records: [String]
  ) throws {
    let (batch, split) = try self.lines(text, takeRest: takeRest)
    #expect(split == .init(consumedBytes: consumed, lines: lines, records: records.count))
    #expect((0..<batch.count).map { batch[$0].raw } == records)
  }

  @Test func readingInPlaceGivesTheSame() throws {
    let text = Array("{\"a\":1}\nüber\n\nrest".utf8)
    let batch = RecordBatch()
    let source = try batch.source("a.ndjson")
    let split = try batch.appendLines(reading: 1 << 20, source: source, firstOffset: 0) { buffer in
      buffer.copyBytes(from: text)
      return text.count
    }
    #expect(split == .init(consumedBytes: text.count - 4, lines: 3, records: 2))
    _ = try batch.appendLines(in: text, source: source, firstOffset: 3)
    #expect((0..<4).map { batch[$0].raw } == ["{\"a\":1}", "über", "{\"a\":1}", "über"])
    #expect((0..<4).map { batch[$0].offset } == [0, 1, 3, 4])
  }

  @Test func sqlSeesEveryColumn() throws {
    let batch = RecordBatch()
    let topic = try batch.source("patient_data")
    let file = try batch.source("landing/a-rather-long-folder/file-0001.ndjson")
    #expect(try batch.source("patient_data") == topic)
    try batch.append(Array("{}".utf8), source: topic, partition: 1, offset: 7)
    try batch.append([0xFF, 0xFE, 0x00], source: file, partition: 0, offset: 1 << 40)
    try batch.appendMissing(source: file, partition: 0, offset: 2)
    try batch.append(Array("a long line of text".utf8), source: file, partition: 0, offset: 3, maxRecordBytes: 18)
    try batch.append([0x80, 0x81], source: file, partition: 0, offset: 4, maxRecordBytes: 1)
    try batch.append([], source: file, partition: 0, offset: 5)
    scan.bind(batch)
    let result = try connection.query("SELECT * FROM batch()")
    #expect(result.columns.map(\.name) == ["raw", "raw_encoding", "source", "partition", "offset"])
    #expect(result.columns.map(\.type) == [.varchar, .varchar, .varchar, .integer, .bigint])
    let long: Value = "landing/a-rather-long-folder/file-0001.ndjson"
    #expect(
      try result.rows() == [
        ["{}", "utf-8", "patient_data", 1, 7],
        ["//4A", "base64", long, 0, .int(1 << 40)],
        [.null, "missing", long, 0, 2],
        ["a long line of text", "oversize", long, 0, 3],
        ["gIE=", "oversize-base64", long, 0, 4],
        ["", "utf-8", long, 0, 5],
      ])
    #expect(try connection.query("SELECT count(*) FROM batch()").scalar() == 6)
    #expect(try connection.query("SELECT sum(\"offset\") FROM batch() WHERE raw IS NULL").scalar() == .hugeint(2))
    let decoded = try connection.query("SELECT from_base64(raw) FROM batch() WHERE raw_encoding = 'base64'")
    #expect(try decoded.scalar() == .blob([0xFF, 0xFE, 0x00]))
  }

  @Test func nothingBoundIsNoRows() throws {
    #expect(try connection.query("FROM batch()").rows().isEmpty)
    let (batch, _) = try lines("a\nb\n")
    scan.bind(batch)
    #expect(try connection.query("SELECT raw FROM batch()").column() == ["a", "b"])
    scan.clear()
    #expect(try connection.query("SELECT raw FROM batch()").column().isEmpty)
    scan.bind(RecordBatch())
    #expect(try connection.query("SELECT count(*) FROM batch()").scalar() == 0)
  }

  @Test func viewsAndPreparedPlansReadTheBatchOfTheirExecution() throws {
    try connection.execute("CREATE VIEW v AS SELECT raw FROM batch(); PREPARE p AS SELECT count(*) FROM batch()")
    scan.bind(try lines("a\n").0)
    #expect(try connection.query("EXECUTE p").scalar() == 1)
    scan.bind(try lines("a\nb\nc\n").0)
    #expect(try connection.query("EXECUTE p").scalar() == 3)
    #expect(try connection.query("FROM v").rows().count == 3)
  }

  @Test func manyPiecesOnSeveralThreads() throws {
    let batch = RecordBatch()
    let source = try batch.source("s")
    var text: [UInt8] = []
    for number in 0..<100_000 { text.append(contentsOf: "{\"n\":\(number),\"pad\":\"0123456789\"}\n".utf8) }
    _ = try batch.appendLines(in: text, source: source, firstOffset: 5)
    scan.bind(batch)
    let sql = """
      SELECT count(*), count(DISTINCT "offset"), sum("offset"), sum((raw->>'n')::BIGINT), bool_and((raw->>'n')::BIGINT + 5 = "offset")
      FROM batch()
      """
    let row = try connection.query(sql).rows()[0]
    let sum = Int128(100_000) * 99_999 / 2
    #expect(row == [100_000, 100_000, .hugeint(sum + 500_000), .hugeint(sum), true])
    try connection.execute("SET preserve_insertion_order = false; CREATE TABLE t AS FROM batch()")
    scan.clear()
    #expect(try connection.query("SELECT bool_and((raw->>'n')::BIGINT + 5 = \"offset\") FROM t").scalar() == true)
  }

  @Test func boundBatchesAreReadOnlyAndReusableAfterwards() throws {
    let (batch, _) = try lines("a\n")
    scan.bind(batch)
    #expect(throws: DuckDBError.self) { try batch.append([65], source: 0, partition: 0, offset: 1) }
    #expect(throws: DuckDBError.self) { try batch.removeAll() }
    scan.clear()
    try batch.removeAll()
    #expect(batch.isEmpty && batch.byteCount == 0)
    try batch.append([66], source: try batch.source("again"), partition: 0, offset: 1)
    #expect(batch[0].raw == "B" && batch[0].source == "again")
  }

  @Test func batchOutlivesItsHandleWhileBound() throws {
    do { scan.bind(try lines(String(repeating: "a line that is longer than twelve bytes\n", count: 5000)).0) }
    var result = try connection.stream("SELECT raw FROM batch()")
    let chunk = try #require(try result.nextChunk())
    scan.clear()
    var seen = chunk.rowCount
    while let chunk = try result.nextChunk() {
      try chunk.column(0).forEachString { _, bytes in #expect(bytes?.count == 39) }
      seen += chunk.rowCount
    }
    #expect(seen == 5000)
  }

  static let utf8: [([UInt8], Bool)] = [
    ([], true), ([0x00], true), ([0x7F], true), ([0x80], false), ([0xC2, 0x80], true), ([0xC1, 0xBF], false),
    ([0xC2], false), ([0xE0, 0xA0, 0x80], true), ([0xE0, 0x9F, 0xBF], false), ([0xED, 0x9F, 0xBF], true),
    ([0xED, 0xA0, 0x80], false), ([0xEF, 0xBF, 0xBF], true), ([0xF0, 0x90, 0x80, 0x80], true),
    ([0xF0, 0x8F, 0xBF, 0xBF], false), ([0xF4, 0x8F, 0xBF, 0xBF], true), ([0xF4, 0x90, 0x80, 0x80], false),
    ([0xF5, 0x80, 0x80, 0x80], false), ([0xFF], false), ([0xE2, 0x82], false), ([0xE2, 0x82, 0x41], false),
  ]

  /// At every place relative to the 8- and 64-byte strides of the check.
  @Test(arguments: utf8) func wellFormedUTF8(_ bytes: [UInt8], _ valid: Bool) throws {
    for before in [0, 1, 6, 7, 8, 9, 61, 62, 63, 64, 65, 130] {
      for after in [0, 1, 7, 8, 70] {
        let text = Array(repeating: UInt8(ascii: "x"), count: before) + bytes + Array(repeating: 0x79, count: after)
        #expect((String(validating: text, as: UTF8.self) != nil) == valid)
        let batch = RecordBatch()
        try batch.append(text, source: 0, partition: 0, offset: 0)
        #expect(batch[0].encoding == (valid ? .utf8 : .base64), "\(before) before, \(after) after")
      }
    }
  }
}
