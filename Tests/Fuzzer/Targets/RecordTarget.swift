import DuckDB
import JSON
import Simulation
import Streaming
import Pipelines

/// Records of a stream: each becomes one row, with typed columns or a reason, and what is JSON is not called broken.
final class RecordTarget: FuzzTarget {
  let batch = 500
  let seeds: [[UInt8]]
  let words = [
    "null", "true", "\"2026-02-29\"", "\"2026-01-05T08:00:60Z\"", "\"9999-12-31T23:59:59.999999+23:59\"", "{}", "[]",
    "\"+1\"", "\" 07 \"", "3.0", "NaN", "Infinity",
  ]
  private let connection: Connection
  private let scan: RecordBatchScan
  private let parser: RecordParser

  init() throws {
    connection = try QueryEngine(lake: Lake(root: "/nonexistent")).connect()
    scan = try connection.registerRecordBatch(name: "batch")
    parser = RecordParser(
      fields: FieldType.allCases.map { RecordField(name: $0.rawValue, type: $0, isRequired: $0 == .string) })
    try parser.register(on: connection)
    seeds = [
      """
      {"string":"p1","uuid":"6f9619ff-8b86-4011-b42d-00c04fc964ff","int":7,"bigint":-9007199254740993,"double":36.6,
      "boolean":true,"date":"2026-02-28","timestamp":"2026-01-05T08:00:00.123456+01:00"}
      """,
      #"{"string":"p\u00e9\\","int":"12","double":"1e3","extra":{"a":[1,{"b":null}]},"timestamp":"2026-01-05 08:00"}"#,
      #"{"string":"","date":null,"boolean":false,"double":-0.0,"int":3e0}"#,
    ].map { Array($0.utf8) }
  }

  func read(_ inputs: [[UInt8]]) throws -> Int {
    scan.clear()
    let records = RecordBatch()
    let source = try records.source("fuzz")
    for (number, input) in inputs.enumerated() {
      try records.append(input, source: source, partition: 0, offset: Int64(number))
    }
    scan.bind(records)
    let rows = try connection.query(
      "SELECT _offset, _reason FROM (\(parser.select(from: "(SELECT *, now() AS ingest_time FROM batch())"))) ORDER BY 1"
    ).rows()
    let offsets = rows.map { row in row[0] }
    let expected = inputs.indices.map { number in Value.int(Int64(number)) }
    guard offsets == expected else {
      throw Violation("\(inputs.count) records became \(rows.count) rows")
    }
    for (input, row) in zip(inputs, rows) {
      guard let reason = row[1].stringValue, reason.hasPrefix("not ") else { continue }
      guard reason != "not valid UTF-8", String(validating: input, as: UTF8.self) != nil,
        case .object? = try? JSONTarget.value(of: input)
      else { continue }
      throw Violation(
        "a JSON object is called '\(reason)': \(String(decoding: input, as: UTF8.self).prefix(400).debugDescription)")
    }
    return rows.filter { row in row[1] != .null }.count
  }
}
