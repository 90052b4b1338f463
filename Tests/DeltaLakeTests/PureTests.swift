import JSON
import Testing

@testable import DeltaLake

@Suite struct PureTests {
  @Test func jsonIsReadStrictly() throws {
    #expect(
      JSONValue(parsing: #"{"a":[1,-2.5,"\u00e9\ud83d\ude00\n",null,true]}"#)?.object?["a"]?.array?[2].string == "é😀\n")
    let bads = [
      "", "{", "{\"a\"}", "[1,]", "[1 2]", "\"\\x\"", "nul", "01x", "{\"a\":1}}", "\"\\u12\"", "[", "-", "1.", "01",
      "-00", "1e",
      "1e+", "1.e1", ".5", "\"\u{1}\"", "\"a\nb\"",
    ]
    for bad in bads {
      #expect(JSONValue(parsing: bad) == nil, "\(bad)")
    }
    #expect(JSONValue(parsing: String(repeating: "[", count: 100_000)) == nil)
    #expect(JSONValue(parsing: "9223372036854775807") == .int(.max))
    #expect(JSONValue(parsing: "-9223372036854775808") == .int(.min))
    #expect(JSONValue(parsing: "9223372036854775808") == .double(9.223372036854775808e18))
  }

  @Test func jsonComesBack() throws {
    let text = #"{"a":{"b":[1,2.5,"x\"\\\u0001\n"],"c":null},"d":false}"#
    #expect(JSONValue(parsing: text)?.text == text)
  }

  @Test func aTornCommitNamesItsLine() throws {
    let text = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n{\"add\":{\"path\":\"a\",\"si"
    let error = #expect(throws: DeltaError.self) {
      try ActionDecoder.decode(Array(text.utf8), file: "_delta_log/00000000000000000001.json") { _ in }
    }
    #expect(error?.code == .corruptLog)
    #expect(error?.message.contains("00000000000000000001.json, line 2") == true)
  }

  @Test(arguments: ["a b/c%d.parquet", "ü=é/x#?.parquet", "p=a%2Fb/f.parquet", "plain/part-1.parquet", "quote\"<>.x"])
  func pathsComeBack(_ path: String) {
    let encoded = FilePath.encode(path)
    #expect(FilePath.decode(encoded) == path)
    #expect(encoded.utf8.allSatisfy { $0 < 0x80 && $0 > 0x20 })
  }

  @Test func bitmapsComeBack() throws {
    let cases: [[Int64]] = [
      [], [0], [3, 4, 7, 11, 18, 29], Array(0..<10_000), stride(from: 0, to: 400_000, by: 3).map { Int64($0) },
      [1, 65_535, 65_536, 1 << 32, (1 << 33) + 5],
    ]
    for rows in cases { #expect(try DeletionVector.decode(DeletionVector.encode(rows)) == rows) }
    let (bytes, offsets) = DeletionVector.file(cases.map(DeletionVector.encode))
    for (index, offset) in offsets.enumerated() {
      let size = DeletionVector.encode(cases[index]).count
      let data = try DeletionVector.entry(of: Array(bytes[Int(offset)...]), sizeInBytes: size)
      #expect(try DeletionVector.decode(data) == cases[index])
    }
  }

  @Test func z85FollowsItsRFC() {
    #expect(Z85.encode([0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]) == "HelloWorld")
    #expect(Z85.decode("HelloWorld") == [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B])
    #expect(Z85.decode("#####") == nil)
    #expect(CRC32.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
  }

  @Test func logNamesAreToldApart() {
    for path: LogPath in [
      .commit(7), .classicCheckpoint(10), .multiPartCheckpoint(10, part: 1, of: 2), .compaction(from: 1, to: 3),
      .checksum(4),
      .uuidCheckpoint(3, uuid: "80a083e8-7026-4e79-81be-64bd76c43a11", isJSON: true),
    ] { #expect(LogPath(name: path.name) == path) }
    for name in ["7.json", "_last_checkpoint", ".tmp-1", "00000000000000000007.json.tmp", "0000000000000000000x.json"] {
      #expect(LogPath(name: name) == nil)
    }
  }

  @Test func boundsAreCutAsTheProtocolSays() {
    let long = String(repeating: "ä", count: 40)
    #expect(FileStatistics.truncated(long, isMaximum: false) == String(repeating: "ä", count: 32))
    #expect(FileStatistics.truncated(long, isMaximum: true) == String(repeating: "ä", count: 32) + "\u{10FFFF}")
    #expect(FileStatistics.truncated("short", isMaximum: true) == "short")
    #expect(
      FileStatistics.bound("2020-01-01 10:00:00.123999+02", .timestamp, isMaximum: true)
        == "\"2020-01-01T08:00:00.123Z\"")
    #expect(
      FileStatistics.bound("1969-12-31 23:59:59.9999", .timestampNTZ, isMaximum: true) == "\"1969-12-31T23:59:59.999\"")
    #expect(FileStatistics.bound("infinity", .timestamp, isMaximum: true) == nil)
    #expect(FileStatistics.bound("inf", .double, isMaximum: true) == nil)
  }

  @Test func listsOfColumnsForStatistics() {
    #expect(StatisticsScope.names("id, person.name") == [["id"], ["person", "name"]])
    #expect(StatisticsScope.names("`a,b`.`c``d` ,\"x.\"\"y\" , z z") == [["a,b", "c`d"], ["x.\"y"], ["z z"]])
    #expect(StatisticsScope.names(" ,, ").isEmpty)
    let fields = [
      StructField("Id", .long),
      StructField("person", .structure([StructField("name", .string), StructField("age", .long)])),
    ]
    func scope(_ configuration: [String: String]) -> StatisticsScope { StatisticsScope(configuration, fields, .none) }
    #expect(scope([:]) == .first(32))
    #expect(scope(["delta.dataSkippingNumIndexedCols": "-1"]) == .first(.max))
    let list = "delta.dataSkippingStatsColumns"
    #expect(
      scope([list: "id,person.age,gone", "delta.dataSkippingNumIndexedCols": "9"])
        == .columns([["Id"], ["person", "age"]]))
    #expect(scope([list: ""]) == .columns([]))
    #expect(scope([list: "person"]).contains(["person", "name"], index: 1))
    #expect(!scope([list: "person.age"]).contains(["person", "name"], index: 1))
    #expect(!scope([list: "person.age"]).contains(["Id"], index: 0))
  }

  @Test func datesAgreeWithTheCalendar() {
    #expect(CalendarTime.parseDate("1970-01-01") == 0)
    #expect(CalendarTime.parseDate("2000-02-29") == 11_016)
    #expect(CalendarTime.parseDate("1900-02-29") == nil)
    for days in stride(from: -700_000, to: 2_900_000, by: 997) {
      let civil = CalendarTime.civil(days: days)
      #expect(CalendarTime.days(year: civil.year, month: civil.month, day: civil.day) == days)
    }
  }

  @Test func typesComeBackFromSQL() throws {
    let type = DataType.structure([
      StructField("a b", .array(.decimal(precision: 9, scale: 2), containsNull: true)),
      StructField("c\"d", .map(.string, .timestamp, valueContainsNull: true)), StructField("e", .timestampNTZ),
    ])
    #expect(try DataType(sqlType: type.sqlType) == type)
    #expect(
      try Schema(json: Schema([StructField("x", type, nullable: false)]).json)
        == Schema([StructField("x", type, nullable: false)]))
    #expect(throws: DeltaError.self) { try DataType(sqlType: "UNION(a INTEGER)") }
  }

  @Test func binsStayWithinTheirPartition() {
    func file(_ name: String, _ part: String, _ size: Int64) -> AddFile {
      AddFile(path: name, partitionValues: ["p": part], size: size, modificationTime: 0)
    }
    let files = (0..<10).map { file("f\($0)", "\($0 % 2)", 30) } + [file("big", "0", 200), file("alone", "3", 10)]
    let bins = BinPacking.bins(files, target: 100)
    #expect(bins.allSatisfy { Set($0.map(\.partitionValues)).count == 1 && $0.reduce(0) { $0 + $1.size } <= 100 })
    #expect(!bins.flatMap { $0 }.contains { $0.path == "big" || $0.path == "alone" })
  }

  @Test func intervalsAreRead() {
    #expect(Interval.milliseconds("interval 1 week") == 604_800_000)
    #expect(Interval.milliseconds("interval 2 days 3 hours") == 183_600_000)
    #expect(Interval.milliseconds("soon") == nil)
  }
}
