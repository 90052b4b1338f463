import DuckDB
import Foundation
import Testing

@Suite struct RecordParserFunctionTests {
  typealias Field = RecordParserFunction.Field
  let connection: Connection

  /// One field of every type, its key the type's name; `s2` has a key that JSON writes with escapes.
  private static let fields =
    RecordParserFunction.FieldType.allCases.map { Field(column: "\($0)", key: "\($0)", type: $0) }
    + [Field(column: "s2", key: "a\"b\\ü", type: .string)]

  init() throws {
    connection = try Database(settings: ["threads": "2"]).connect()
    try connection.register(RecordParserFunction(name: "parse", fields: Self.fields))
    try connection.execute("SET TimeZone = 'UTC'")
  }

  private func parse(_ column: String, _ raw: String, encoding: Value = "utf-8") throws -> Value {
    try connection.query("SELECT s.\(column) FROM (SELECT parse(?, ?) AS s)", [.string(raw), encoding]).scalar()
  }

  private func reason(_ raw: String) throws -> Value { try parse("_reason", raw) }

  // MARK: JSON

  @Test(arguments: [
    "", " ", "{", "}", "{}}", "{} {}", "{}x", "[1", "[1]]", "{\"a\":{}", "{\"a\":[}", "{\"a\":1,}", "{,}", "{\"a\"}",
    "{\"a\":}", "{a:1}", "{'a':1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"double\":01}", "{\"double\":1.}",
    "{\"double\":.5}", "{\"double\":+1}", "{\"double\":-}", "{\"double\":1e}", "{\"double\":1e+}", "{\"double\":0x1}",
    "{\"double\":1_0}", "{\"double\":1 2}", "{\"a\":truE}", "{\"a\":nul}", "{\"a\":True}", "{\"a\":nan}",
    "{\"double\":tru}", "{\"boolean\":truth}", "{\"double\":nulll}", "{\"a\":Infinit}", "{\"a\":-Infinit}",
    "{\"a\":+Infinity}", "{\"a\":\"\u{1}\"}", "{\"a\":\"\t\"}", "{\"a\n\":1}", #"{"a":"\x"}"#, #"{"a":"\u12"}"#,
    #"{"a":"\u12g4"}"#, #"{"a":"\ud800"}"#, #"{"a":"\ud800\u0041"}"#, #"{"a":"\udc00"}"#, #"{"a":"\"}"#, #"{"a":"\"#,
    "{\"a\":\"x}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":{\"b\"}}", "{\"a\":{\"b\":1,}}", "{\"a\":{}}}",
    "{\"a\":[]]}", "{\"string\":\"x\"\"}", "{\"string\":\"x\"y}", "{\"string\" \"x\"}", "\u{FEFF}{}", "nan", "tru",
    "01", "\"a", "{\"a\":1}\u{0}", "{/**/}", "{\"a\":1,,\"b\":2}", "{\"a\"::1}", "{1:2}", "{null:1}", "[}", "{]",
  ])
  func refused(_ raw: String) throws { #expect(try reason(raw) == "not valid JSON") }

  @Test(arguments: [
    "{}", " {} ", "\r\n\t{ }\n", "{\"a\":{}}", "{\"a\":[]}", "{\"a\":[[],{},[{}]]}", "{\"a\" : 1 , \"b\" : [ 1 , 2 ] }",
    "{\"a\":-0}", "{\"a\":1E+5}", "{\"a\":NaN}", "{\"a\":[Infinity,-Infinity]}", "{\"\":1}", "{\"a\":null}",
    #"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#, "{\"a\":\"ü😀\u{7F}\"}", "{\"a\":{\"b\":{\"c\":\"}\"}}}",
  ])
  func accepted(_ raw: String) throws { #expect(try reason(raw) == .null) }

  @Test(arguments: ["[]", "[1]", "42", " -1e5 ", "null", "true", "\"{}\"", "NaN", "-Infinity", "[{}]"])
  func noObject(_ raw: String) throws { #expect(try reason(raw) == "not a JSON object") }

  @Test(arguments: [(511, true), (512, false), (100_000, false)])
  func depth(_ nested: Int, _ isGood: Bool) throws {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      let inner = open == "[" ? "" : "1"
      let value = String(repeating: open, count: nested) + inner + String(repeating: close, count: nested)
      #expect(try reason("{\"a\":\(value)}") == (isGood ? .null : "not valid JSON"))
    }
    let deeper = String(repeating: "[", count: nested + 1) + String(repeating: "]", count: nested + 1)
    #expect(try reason(deeper) == (isGood ? "not a JSON object" : "not valid JSON"))
  }

  @Test func theFirstOfEqualKeysCounts() throws {
    #expect(try parse("int", #"{"int":1,"int":2}"#) == .int(1))
    #expect(try parse("int", #"{"int":1,"int":"x"}"#) == .int(1))
    #expect(try parse("int", #"{"int":null,"int":2}"#) == .null)
    #expect(try reason(#"{"int":1,"int":}"#) == "not valid JSON")
  }

  @Test func keysAreComparedAsText() throws {
    #expect(try parse("s2", #"{"a\"b\\\u00fc":"x"}"#) == "x")
    #expect(try parse("s2", #"{"a\u0022b\u005Cü":"x"}"#) == "x")
    #expect(try parse("string", #"{"str\u0069ng" : "x"}"#) == "x")
    #expect(try parse("string", #"{"String":"x","string ":"y"}"#) == .null)
  }

  @Test func anyOrderOfKeys() throws {
    let members = [
      #""timestamp":"2026-01-05T08:00Z""#, #""double":1.5"#, #""string":"s""#, #""x":{"int":9}"#, #""int":7"#,
      #""boolean":true"#,
    ]
    try connection.execute("CREATE TABLE orders (raw VARCHAR)")
    for shift in 0..<600 {
      var rotated = members.indices.map { members[($0 + shift) % members.count] }
      if shift % 3 == 0 { rotated.reverse() }
      if shift % 7 == 0 { rotated.removeAll { $0.hasPrefix("\"double") } }
      let raw = SQL.quote(literal: "{" + rotated.joined(separator: shift % 2 == 0 ? "," : " , ") + "}")
      try connection.execute("INSERT INTO orders VALUES (\(raw))")
    }
    let sql = """
      SELECT count(*), count(s._reason), count(s.double), sum(s.double), sum(s.int), count(s.date),
        count(*) FILTER (s.boolean AND s.string = 's' AND s.timestamp = '2026-01-05 08:00:00Z')
      FROM (SELECT parse(raw, 'utf-8') AS s FROM orders)
      """
    let present: Int64 = 600 - 86
    let row = try connection.query(sql).rows()[0]
    #expect(row[0...2] == [.int(600), .int(0), .int(present)])
    #expect(row[3...] == [.double(Double(present) * 1.5), .hugeint(4200), .int(0), .int(600)])
  }

  // MARK: Values

  private static let timestamps: [(String, Int64?)] = [
    ("2026-01-05T08:00:00Z", 1_767_600_000_000_000), ("2026-01-05 08:00:00z", 1_767_600_000_000_000),
    ("2026-01-05T08:00Z", 1_767_600_000_000_000), ("2026-01-05T08:00", 1_767_600_000_000_000),
    ("2026-01-05T10:30:00+02:30", 1_767_600_000_000_000), ("2026-01-05T10:30:00+0230", 1_767_600_000_000_000),
    ("2026-01-05T05:00:00-03", 1_767_600_000_000_000), ("2026-01-05T08:00:00.123456Z", 1_767_600_000_123_456),
    ("2026-01-05T08:00:00.1", 1_767_600_000_100_000), ("2026-01-05T08:00:00.123456999Z", 1_767_600_000_123_456),
    ("2026-01-05T07:59:60Z", 1_767_600_000_000_000), ("2026-01-05T07:59:60.5Z", 1_767_600_000_000_000),
    ("1969-12-31T23:59:59.999999Z", -1), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999), ("2026-01-05", nil), ("2026-01-05T24:00:00Z", nil),
    ("2026-01-05T08:60:00Z", nil), ("2026-01-05T08:00:61Z", nil), ("2026-01-05T08:00:00.Z", nil),
    ("2026-01-05T08:00:00.1234567890Z", nil), ("2026-01-05T08:00:00+24", nil), ("2026-01-05T08:00:00+02:60", nil),
    ("2026-01-05T08:00:00+2", nil), ("2026-01-05T08:00:00+02:3", nil), ("2026-01-05T08:00:00+02-30", nil),
    ("2026-01-05T08:00:0Z", nil), ("2026-01-05T8:00:00Z", nil), (" 2026-01-05T08:00:00Z", nil),
    ("2026-01-05T08:00:00Z ", nil), ("2026-01-05T08:00:00ZZ", nil), ("2026-02-30T08:00:00Z", nil),
    ("2026-01-05t08:00:00Z", nil), ("2026-01-05T08:00:", nil), ("", nil), ("now", nil),
  ]

  @Test(arguments: timestamps) func timestamp(_ text: String, _ microseconds: Int64?) throws {
    let raw = "{\"timestamp\":\"\(text)\"}"
    #expect(try parse("timestamp", raw) == microseconds.map { .timestampTZ(microseconds: $0) } ?? .null)
    #expect(try reason(raw) == (microseconds == nil ? "timestamp: not a valid timestamp" : .null))
  }

  @Test(
    arguments: [
      ("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2024-02-29", 19_782), ("0001-01-01", -719_162),
      ("9999-12-31", 2_932_896), ("2023-02-29", nil), ("1900-02-29", nil), ("2023-04-31", nil), ("2023-00-10", nil),
      ("2023-13-10", nil), ("2023-01-00", nil), ("2023-1-10", nil), ("0000-01-01", nil), ("20230110", nil),
      ("2023-01-10T00:00:00Z", nil), ("2023/01/10", nil), (" 2023-01-10", nil), ("+023-01-10", nil),
    ] as [(String, Int32?)])
  func date(_ text: String, _ days: Int32?) throws {
    #expect(try parse("date", "{\"date\":\"\(text)\"}") == days.map { .date(days: $0) } ?? .null)
    #expect(try reason("{\"date\":\"\(text)\"}") == (days == nil ? "date: not a valid date" : .null))
  }

  @Test func everyDayOfManyYears() throws {
    let sql = """
      SELECT count(*) FROM (
        SELECT day, parse('{"date":"' || strftime(day, '%Y-%m-%d') || '"}', 'utf-8') AS s
        FROM (SELECT DATE '1580-01-01' + CAST(range AS INTEGER) AS day FROM range(300000)))
      WHERE s.date IS DISTINCT FROM day
      """
    #expect(try connection.query(sql).scalar() == .int(0))
  }

  @Test(
    arguments: [
      ("int", "3", .int(3)), ("int", "3.0", .int(3)), ("int", "30e-1", .int(3)), ("int", "-0", .int(0)),
      ("int", "2147483647", .int(2_147_483_647)), ("int", "-2147483648", .int(-2_147_483_648)),
      ("int", "2147483648", nil), ("int", "0.7", nil), ("int", "1e12", nil), ("int", "\" +007 \"", .int(7)),
      ("int", "\"3.5\"", nil), ("int", "\"many\"", nil), ("int", "\"\"", nil), ("int", "true", nil),
      ("int", "[1]", nil),
      ("int", "\"1\\u0030\"", .int(10)), ("int", "\"1\\u0000\"", nil), ("int", "1e99999999999999999999", nil),
      ("bigint", "9223372036854775807", .int(.max)), ("bigint", "-9223372036854775808", .int(.min)),
      ("bigint", "9223372036854775808", nil), ("bigint", "-9223372036854775809", nil),
      ("bigint", "9007199254740993.000000000000000000000", .int(9_007_199_254_740_993)),
      ("bigint", "1e18", .int(1_000_000_000_000_000_000)),
      ("bigint", "1e19", nil), ("bigint", "0.0000000000000000000001e22", .int(1)), ("bigint", "0e999999", .int(0)),
      ("bigint", "100000000000000000000e-20", .int(1)), ("bigint", "100000000000000000001e-20", nil),
      ("bigint", "\"9007199254740993\"", .int(9_007_199_254_740_993)), ("bigint", "false", nil),
      ("double", "1.5", .double(1.5)), ("double", "\"1.5\"", .double(1.5)), ("double", "\".5\"", .double(0.5)),
      ("double", "\"5.\"", .double(5)), ("double", "\" 1e2\\n\"", .double(100)), ("double", "\"1 2\"", nil),
      ("double", "\".\"", nil), ("double", "\"NaN\"", nil), ("double", "\"inf\"", nil), ("double", "\"0x10\"", nil),
      ("double", "NaN", nil), ("double", "Infinity", nil), ("double", "-Infinity", nil), ("double", "1e999", nil),
      ("double", "-1e999", nil), ("double", "1e-999", .double(0)), ("double", "true", nil), ("double", "{}", nil),
      ("boolean", "true", .bool(true)), ("boolean", "false", .bool(false)), ("boolean", "\"true\"", nil),
      ("boolean", "1", nil), ("boolean", "NaN", nil),
      ("string", "\"\"", .string("")), ("string", "\"a\\u00fc\\ud83d\\ude00\\n\\/\"", .string("aü😀\n/")),
      ("string", "\"a longer text with ü and 😀\"", .string("a longer text with ü and 😀")), ("string", "1", nil),
      ("string", "true", nil), ("string", "{}", nil), ("string", "NaN", nil),
      ("uuid", "\"6F9619FF-8B86-D011-B42D-00C04FC964FF\"", .string("6f9619ff-8b86-d011-b42d-00c04fc964ff")),
      ("uuid", "\"6f9619ff-8b86-d011-b42d-00c04fc964f\"", nil), ("uuid", "\"6f9619ff8b86d011b42d00c04fc964ff\"", nil),
      ("uuid", "\"{6f9619ff-8b86-d011-b42d-00c04fc964f}\"", nil),
      ("uuid", "\"6f9619ff-8b86-d011-b42d-00c04fc964fg\"", nil),
      ("uuid", "\"6f9619ff-8b86-d011-b42d-00c04fc96-ff\"", nil),
      ("uuid", "7", nil), ("date", "20230110", nil), ("timestamp", "1", nil),
    ] as [(String, String, Value?)])
  func value(_ type: String, _ json: String, _ expected: Value?) throws {
    let raw = "{\"\(type)\":\(json)}"
    #expect(try parse("\"\(type)\"", raw) == expected ?? .null)
    #expect(try reason(raw) == (expected == nil ? .string("\(type): not a valid \(type)") : .null))
  }

  @Test func doublesAreThoseOfTheCLibrary() throws {
    var random = SplitMix(state: 7)
    var texts = [
      "2.2250738585072011e-308", "4.9e-324", "2.4703282292062327e-324", "1.7976931348623157e308", "9007199254740993",
      "9007199254740992.9999999999999999999999999", "1e23", "8.5e22", "5e-28", "1.00000000000000011102230246251565404",
      "0.1", "123456789012345678e27", "1234567890123456789e-27", "18446744073709551615e0", "-0.0",
    ]
    for _ in 0..<60_000 {
      let value = Double(bitPattern: random.next())
      if value.isFinite { texts.append("\(value)") }
      let digits = String(random.next()).prefix(Int(random.next() % 20) + 1)
      let point = Int(random.next() % UInt64(digits.count))
      let number = point == 0 ? String(digits) : "\(digits.prefix(point)).\(digits.dropFirst(point))"
      texts.append(random.next() % 2 == 0 ? number : "\(number)e\(Int(random.next() % 80) - 40)")
    }
    try load(texts)
    let rows = try connection.query("SELECT t, parse('{\"double\":\"' || t || '\"}', 'utf-8').double FROM n").rows()
    #expect(rows.count == texts.count)
    var different = 0
    for row in rows {
      guard case .string(let text) = row[0] else { continue }
      let expected = strtod(text, nil)
      if case .double(let value) = row[1], value.bitPattern == expected.bitPattern { continue }
      if row[1] == .null, !expected.isFinite { continue }
      different += 1
    }
    #expect(different == 0)
  }

  private func load(_ texts: [String]) throws {
    try connection.execute("CREATE TABLE n (t VARCHAR)")
    for start in stride(from: 0, to: texts.count, by: 10_000) {
      let part = texts[start..<min(start + 10_000, texts.count)].map { SQL.quote(literal: $0) }.joined(separator: ", ")
      try connection.execute("INSERT INTO n SELECT unnest([\(part)])")
    }
  }

  // MARK: The function

  @Test(arguments: [
    ("base64", "not valid UTF-8"), ("missing", "the source removed these bytes before they were read"),
    ("oversize", "longer than the largest record allowed"),
    ("oversize-base64", "longer than the largest record allowed"), ("latin-1", "unknown encoding of the record"),
  ])
  func encodings(_ encoding: String, _ reason: String) throws {
    #expect(try parse("_reason", "{}", encoding: .string(encoding)) == .string(reason))
  }

  @Test func nullArguments() throws {
    let rows = try connection.query(
      """
      SELECT s._reason, s IS NULL FROM (SELECT parse(r, e) AS s
      FROM (VALUES (NULL, 'utf-8'), ('{}', NULL), (NULL, 'missing'), ('{}', 'utf-8')) v(r, e))
      """
    ).rows()
    let missing: Value = "the source removed these bytes before they were read"
    #expect(rows.map { $0[0] } == [missing, missing, missing, .null])
    #expect(rows.allSatisfy { $0[1] == .bool(false) })
  }

  @Test func aRejectedRecordHasNoValues() throws {
    let raw = #"{"int":1,"string":"a text that is longer than twelve bytes","double":NaN,"boolean":1}"#
    #expect(try reason(raw) == "double: not a valid double; boolean: not a valid boolean")
    #expect(try parse("\"int\"", raw) == .null)
    #expect(try parse("string", raw) == .null)
  }

  @Test(arguments: ["", " WHERE s._reason IS NULL", " WHERE s.int > 3 AND s.double < 7 ORDER BY s.int LIMIT 10"])
  func eachRecordIsParsedOnce(_ condition: String) throws {
    try connection.execute("CREATE TABLE r AS SELECT '{\"int\":' || range || '}' AS raw FROM range(10)")
    let select = "SELECT s.int, s.double, s._reason FROM (SELECT parse(raw, 'utf-8') FROM r) AS v(s)\(condition)"
    let plan = try connection.query("EXPLAIN \(select)").rows().map { "\($0)" }.joined()
    #expect(plan.components(separatedBy: "parse(").count == 2, "\(plan)")
  }

  @Test func manyRowsOnSeveralThreads() throws {
    try connection.execute(
      """
      CREATE TABLE many AS SELECT range AS i, CASE range % 5
        WHEN 0 THEN '{"string":"a rather long text ' || range || '","int":' || range || '}'
        WHEN 1 THEN '{"int":"' || range || '","string":"line\\n' || range || '"}'
        WHEN 2 THEN '{"string":null,"int":' || range || '.0}'
        WHEN 3 THEN '{"string":"x","int":' || range || ''
        ELSE '{"extra":[1,{"a":"b"}],"int":' || range || ',"double":x}' END AS raw
      FROM range(500000)
      """)
    let sql = """
      SELECT count(*) FILTER (s.int = i), count(*) FILTER (s._reason = 'not valid JSON'), count(s.string),
        count(*) FILTER (s.string = CASE i % 5 WHEN 0 THEN 'a rather long text ' || i ELSE 'line' || chr(10) || i END)
      FROM (SELECT i, parse(raw, 'utf-8') AS s FROM many)
      """
    #expect(try connection.query(sql).rows()[0] == [.int(300_000), .int(200_000), .int(200_000), .int(200_000)])
  }

  @Test func whatCannotBeRegistered() throws {
    #expect(throws: DuckDBError.self) { try connection.register(RecordParserFunction(name: "f", fields: [])) }
    let taken = RecordParserFunction(name: "parse", fields: [Field(column: "a", key: "a", type: .int)])
    #expect(throws: DuckDBError.self) { try connection.register(taken) }
    for (second, key) in [("A", "b"), ("b", "a"), ("_reason", "b")] {
      let fields = [Field(column: "a", key: "a", type: .int), Field(column: second, key: key, type: .int)]
      #expect(throws: DuckDBError.self) { try connection.register(RecordParserFunction(name: "f", fields: fields)) }
    }
  }

  // MARK: Mutated records

  /// Where the rules agree, DuckDB's own reader must give the same verdict. It also takes a comma after the last member,
  /// other spellings of NaN and of the infinities, and any depth; the mutations make only the first of these.
  @Test func verdictsAgreeWithDuckDBOnMutatedRecords() throws {
    var random = SplitMix(state: 2026)
    let seeds = [
      #"{"string":"a\n\u00fc\ud83d\ude00","uuid":"6f9619ff-8b86-d011-b42d-00c04fc964ff","int":3,"x":[1,{"y":[]}]}"#,
      #" { "double" : -1.5e-3 , "boolean":true,"date":"2024-02-29", "z":{"a":{"b":[null,false]}} } "#,
      #"{"timestamp":"2026-01-05T08:00:00Z","double":"1.5","k":"\\\"/\b","e":{},"bigint":123456789012}"#,
    ]
    let pieces = ["\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "null", " ", "\u{1}", "\\u00", "1"]
    var texts: [String] = []
    for index in 0..<60_000 {
      var bytes = Array(seeds[index % seeds.count].utf8)
      for _ in 0..<(random.next() % 3 + 1) where !bytes.isEmpty {
        let at = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes.remove(at: at)
        case 1: bytes[at] = Array(pieces[Int(random.next() % UInt64(pieces.count))].utf8)[0]
        case 2: bytes.insert(contentsOf: pieces[Int(random.next() % UInt64(pieces.count))].utf8, at: at)
        default: bytes.removeSubrange(at..<min(bytes.count, at + Int(random.next() % 12)))
        }
      }
      if let text = String(validating: bytes, as: UTF8.self), !text.contains("\0") { texts.append(text) }
    }
    try load(texts)
    let sql = """
      SELECT count(*), count(*) FILTER (valid), count(*) FILTER (differs), min(t) FILTER (differs)
      FROM (
        SELECT t, s._reason IS NULL OR s._reason <> 'not valid JSON' AS valid,
          valid <> json_valid(t) AND NOT regexp_matches(t, ',\\s*[}\\]]') AS differs
        FROM (SELECT t, parse(t, 'utf-8') AS s FROM n))
      """
    let row = try connection.query(sql).rows()[0]
    #expect(row[0] == .int(Int64(texts.count)))
    #expect(row[2] == .int(0), "\(row)")
  }
}

/// A small generator, so that the same records are made every time.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Keys that no field reads.
@Suite struct UnknownKeyTests {
  @Test func plainNamesAreGivenOnce() throws {
    let connection = try Database().connect()
    let function = RecordParserFunction(name: "parse", fields: [.init(column: "a", key: "a", type: .int)])
    try connection.register(function)
    #expect(try connection.takeUnknownKeys(of: function) == [])
    let long = String(repeating: "k", count: 65)
    let records = [
      #"{"a":1,"b":2,"b":3,"c":"x","d":{"inner":1},"e":null,"f":true}"#, #"{"b":"later","a":1,"a":2}"#,
      #"{"":1,"1st":1,"Jane Doe":1,"\u0062b":1,"\#(long)":1}"#, "{\"g\":1",
    ]
    for record in records {
      let sql = "SELECT parse(\(SQL.quote(literal: record)), 'utf-8')"
      _ = try connection.query(sql).rows()
    }
    #expect(
      try Set(connection.takeUnknownKeys(of: function)) == [
        UnknownKey(name: "b", kind: .number), UnknownKey(name: "c", kind: .text),
        UnknownKey(name: "d", kind: .container), UnknownKey(name: "e", kind: .null),
        UnknownKey(name: "f", kind: .boolean),
      ])
    #expect(try connection.takeUnknownKeys(of: function) == [])
  }

  @Test func thereAreSixteenAtMost() throws {
    let connection = try Database().connect()
    let function = RecordParserFunction(name: "parse", fields: [.init(column: "a", key: "a", type: .int)])
    try connection.register(function)
    _ = try connection.query(
      "SELECT count(s) FROM (SELECT parse('{\"k' || i || '\":1}', 'utf-8') AS s FROM range(100000) AS r(i))"
    ).rows()
    #expect(try connection.takeUnknownKeys(of: function).count == 16)
  }
}
