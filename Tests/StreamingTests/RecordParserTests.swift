import DuckDB
import Pipelines
import Testing

@testable import Streaming

@Suite struct RecordParserTests {
  private static let fields = [
    RecordField(name: "id", type: .uuid, isRequired: true), RecordField(name: "at", type: .timestamp, isRequired: true),
    RecordField(name: "n", type: .int), RecordField(name: "x", field: "x [mg/dL]", type: .double),
    RecordField(name: "born", type: .date),
  ]
  private static let good = #""id":"6F9619FF-8B86-D011-B42D-00C04FC964FF","at":"2026-01-05T08:00:00Z""#

  private func parse(_ raw: String, encoding: String = "utf-8") throws -> [String: Value] {
    let connection = try QueryEngine(lake: Lake(root: "/nonexistent")).connect()
    let bronze = """
      (SELECT \(SQL.quote(literal: raw)) AS raw, '\(encoding)' AS raw_encoding, 's' AS "source", 0 AS "partition",
        0 AS "offset", now() AS ingest_time)
      """
    let parser = RecordParser(fields: Self.fields)
    try parser.register(on: connection)
    let result = try connection.query(parser.select(from: bronze))
    let names = result.columns.map(\.name)
    return Dictionary(uniqueKeysWithValues: zip(names, try result.rows()[0]))
  }

  @Test func aGoodRecordIsTyped() throws {
    let row = try parse("{\(Self.good),\"n\":3,\"x [mg/dL]\":\"1.5\",\"born\":\"1980-02-29\",\"extra\":[1]}")
    #expect(row["_reason"] == .null)
    #expect(row["id"] == .string("6f9619ff-8b86-d011-b42d-00c04fc964ff"))
    #expect(row["at"] == .timestampTZ(microseconds: 1_767_600_000_000_000))
    #expect(row["n"] == .int(3))
    #expect(row["x"] == .double(1.5))
    #expect(row["born"] == .date(days: 3711))
  }

  @Test func missingOptionalFieldsAreNull() throws {
    let row = try parse("{\(Self.good),\"n\":null}")
    #expect(row["_reason"] == .null)
    #expect(row["n"] == .null)
  }

  @Test(arguments: [
    ("{", "not valid JSON"), ("", "not valid JSON"), ("[1]", "not a JSON object"), ("42", "not a JSON object"),
    ("null", "not a JSON object"), (" {\"at\":1}", "id: missing; at: not a valid timestamp"),
    (#"{"id":"x","at":"2026-01-05T08:00:00Z"}"#, "id: not a valid uuid"),
    ("{\(good),\"n\":0.7}", "n: not a valid int"), ("{\(good),\"n\":1e12}", "n: not a valid int"),
    ("{\(good),\"n\":\"many\"}", "n: not a valid int"), ("{\(good),\"x [mg/dL]\":NaN}", "x: not a valid double"),
    ("{\(good),\"x [mg/dL]\":1e999}", "x: not a valid double"),
    ("{\(good),\"x [mg/dL]\":{\"v\":1}}", "x: not a valid double"),
    ("{\(good),\"born\":\"2023-02-29\"}", "born: not a valid date"),
  ])
  func badRecordsSayWhy(raw: String, reason: String) throws {
    #expect(try parse(raw)["_reason"] == .string(reason))
  }

  @Test(arguments: [
    ("base64", "not valid UTF-8"), ("missing", "the source removed these bytes before they were read"),
    ("oversize", "longer than the largest record allowed"),
  ])
  func recordsThatAreNoTextSayWhy(encoding: String, reason: String) throws {
    #expect(try parse("{}", encoding: encoding)["_reason"] == .string(reason))
  }
}
