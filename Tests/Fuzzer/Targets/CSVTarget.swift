import DuckDB

@testable import Streaming

/// CSV files: every row becomes a JSON object or is kept as it is, and it does not matter in which pieces the bytes come.
final class CSVTarget: FuzzTarget {
  let seeds = [
    "patient_id,event_time,pulse\np1,2026-01-05T08:00:00Z,70\np2,,\n",
    "\u{FEFF}a;\"b;c\";d\r\n1;\"two \"\"quoted\"\" words\";true\r\n;\"line\nbreak\";FALSE\r\n",
    "x\ty\n1\t2\n\n3\t4", "one\n\"\"\n", "a|b\n\"1\"|\"2\"\n3|4|5\n",
  ].map { Array($0.utf8) }
  let words = ["\"\"", "\r\n", "\n\"", "\",\"", ",", ";", "true", "\u{FEFF}"]
  private let connection: Connection
  private let scan: RecordBatchScan

  init() throws {
    connection = try Database(settings: ["threads": "1"]).connect()
    scan = try connection.registerRecordBatch(name: "batch")
  }

  func read(_ inputs: [[UInt8]]) throws -> Int {
    try inputs.reduce(0) { try $0 + (read($1) ? 0 : 1) }
  }

  /// Whether the file has a header.
  private func read(_ input: [UInt8]) throws -> Bool {
    let header = input.withUnsafeBytes { CSVHeader($0, isWhole: true, fields: []) }
    guard let header else { return false }
    guard header.byteCount <= input.count else { throw Violation("the header is longer than the file") }
    let rows = Array(input[header.byteCount...])
    let whole = try records(of: rows, header.columns, cut: rows.count)
    guard try records(of: rows, header.columns, cut: rows.count / 2) == whole else {
      throw Violation("rows depend on the pieces in which a file is read")
    }
    return true
  }

  /// The records of rows, read in two pieces, as (offset, encoding, text).
  private func records(of rows: [UInt8], _ columns: CSVColumns, cut: Int) throws -> [[Value]] {
    scan.clear()
    let batch = RecordBatch()
    let source = try batch.source("fuzz")
    func append(_ part: ArraySlice<UInt8>, _ first: Int64, rest: Bool) throws -> RecordBatch.LineSplit {
      try Array(part).withUnsafeBytes {
        try batch.appendRows(in: $0, columns: columns, source: source, firstOffset: first, takeRest: rest)
      }
    }
    let first = try append(rows[..<cut], 0, rest: false)
    let second = try append(rows[first.consumedBytes...], Int64(first.lines), rest: true)
    guard first.consumedBytes + second.consumedBytes == rows.count else {
      throw Violation("bytes of rows are left over")
    }
    scan.bind(batch)
    let found = try connection.query(
      "SELECT \"offset\", raw_encoding, raw, raw_encoding = 'utf-8' AND NOT json_valid(raw) FROM batch() ORDER BY 1"
    ).rows()
    guard found.count == first.records + second.records else { throw Violation("a row is lost") }
    guard !found.contains(where: { $0[3] == .bool(true) }) else { throw Violation("a row is not JSON") }
    return found
  }
}
