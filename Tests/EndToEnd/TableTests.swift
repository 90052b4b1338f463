import JSON
import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

/// What `lakeward table` says about tables.
@Suite struct TableTests {
  private static func lake() throws -> SampleLake {
    let lake = try SampleLake()
    try lake.table(
      "vitals", partitionedBy: ["ward"], transactions: [AppTransaction(appId: "vitals/patient_data/0", version: 42)],
      "SELECT 'patient-one' AS patient_id, [61.5::DOUBLE] AS heart_rates, 'x' AS ward UNION ALL SELECT 'patient-two', NULL, NULL"
    )
    try lake.table("empty", "SELECT 1.5::DECIMAL(9,2) AS amount WHERE false")
    return lake
  }

  @Test func list() throws {
    let lake = try Self.lake()
    let lines = try lake.run("table", "list", "--format", "csv").output.split(separator: "\n")
    try #require(lines.count == 3)
    #expect(lines[0] == "table,version,rows,files,bytes,last commit")
    #expect(lines[1].hasPrefix("empty,1,0,0,0,20"))
    #expect(lines[2].hasPrefix("vitals,1,2,2,"))
    #expect(try lake.run("table", "list").output.contains("(2 rows, lake lake)"))
    let none = try lake.run("table", "list", "--lake", "none")
    #expect(none.succeeded && none.errors.contains("none holds no tables yet"))
  }

  @Test func show() throws {
    let lake = try Self.lake()
    let text = try lake.run("table", "show", "vitals").output
    for part in [
      "version         1, of 20", "rows            2\n", "partitioned by  ward", "vitals/patient_data/0 at 42",
      "a table of a test", "array<double>", "protocol        reader ",
    ] { #expect(text.contains(part), "\(part) in \(text)") }
    let json = try #require(
      JSONValue(parsing: try lake.run("table", "show", "vitals", "--format", "json").output)?.object)
    #expect(json["version"]?.int == 1)
    #expect(json["transactions"]?.object?["vitals/patient_data/0"]?.int == 42)
    #expect(json["partition_columns"]?.array?.map(\.string) == ["ward"])
    #expect(json["columns"]?.array?.count == 3)
    let old = try lake.run("table", "show", lake.location("vitals"), "--version", "0", "--format", "json")
    #expect(JSONValue(parsing: old.output)?.object?["rows"]?.int == 0)
    #expect(
      try lake.run("table", "show", "empty", "--timestamp", "2999-01-01", "--format", "csv").output
        == "column,type,nullable,partition,unit,phi,description\namount,\"decimal(9,2)\",yes,\"\",\"\",\"\",\"\"\n")
  }

  @Test func history() throws {
    let lake = try Self.lake()
    let lines = try lake.run("table", "history", "vitals", "--format", "ndjson").output.split(separator: "\n")
    try #require(lines.count == 2)
    let newest = try #require(JSONValue(parsing: String(lines[0]))?.object)
    #expect(newest["version"]?.int == 1)
    #expect(newest["operation"]?.string == "TEST")
    #expect(newest["metrics"]?.object?["numOutputRows"]?.string == "some")
    #expect(try lake.run("table", "history", "vitals", "--limit", "1").output.contains("(1 row)"))
  }

  /// Bounds are values of patients: they show only when asked for.
  @Test func files() throws {
    let lake = try Self.lake()
    for format in ["table", "csv", "json", "ndjson"] {
      let plain = try lake.run("table", "files", "vitals", "--format", format).output
      #expect(plain.contains("ward=x") && plain.contains("version 1") == (format == "table"), "\(plain)")
      #expect(!plain.contains("patient-"), "\(plain)")
      #expect(try lake.run("table", "files", "vitals", "--stats", "--format", format).output.contains("patient-one"))
    }
    let lines = try lake.run("table", "files", "vitals", "--format", "ndjson").output.split(separator: "\n")
    let files = try lines.map { try #require(JSONValue(parsing: String($0))?.object) }
    #expect(Set(files.map { $0["partition"]?.object?["ward"]?.string }) == ["x", nil])
    #expect(files.allSatisfy { $0["rows"]?.int == 1 && ($0["bytes"]?.int ?? 0) > 0 })
    #expect(
      try lake.run("table", "files", "vitals", "--version", "0", "--format", "csv").output.split(separator: "\n").count
        == 1)
  }

  @Test func wrongWords() throws {
    let lake = try Self.lake()
    #expect(try lake.failure("table", status: 2).contains("list, show, history, files"))
    #expect(try lake.failure("table", "histroy", "vitals", status: 2).contains("did you mean history?"))
    #expect(try lake.failure("table", "show", status: 2).contains("TABLE is missing"))
    #expect(try lake.failure("table", "list", "vitals", status: 2).contains("vitals is too much"))
    #expect(try lake.failure("table", "show", "vital").contains("did you mean vitals?"))
    #expect(try lake.failure("table", "show", "vitals", "--version", "7").contains("has no version 7"))
    #expect(try lake.failure("table", "show", "vitals", "--version", "x", status: 2).contains("whole number"))
    #expect(try lake.failure("table", "show", "vitals", "--timestamp", "1999-01-01").contains("no version as old"))
    #expect(try lake.failure("table", "list", "--format", "parquet", status: 2).contains("--format parquet"))
    #expect(
      try lake.failure("table", "show", "vitals", "--version", "1", "--timestamp", "2999-01-01", status: 2).contains(
        "not both"))
  }
}
