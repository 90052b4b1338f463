import DeltaLake
import JSON
import Testing

@testable import BigQuery

/// What is loaded, and as which types.
@Suite struct LoadPlanTests {
  private static func file(_ path: String, _ day: String?) -> AddFile {
    AddFile(path: path, partitionValues: ["day": day], size: 1, modificationTime: 0)
  }

  @Test func plansFollowWhatHappened() {
    let (one, two) = (Self.file("a", "2026-01-02"), Self.file("b", "2026-01-01"))
    #expect(LoadPlan.make(loaded: nil, appended: [one], changed: [], column: "day") == .whole)
    #expect(LoadPlan.make(loaded: 3, appended: [], changed: [], column: nil) == .nothing)
    #expect(LoadPlan.make(loaded: 3, appended: [one], changed: [], column: nil) == .append([one]))
    #expect(
      LoadPlan.make(loaded: 3, appended: nil, changed: [one, two, one], column: "day")
        == .days(["2026-01-01", "2026-01-02"]))
    #expect(LoadPlan.make(loaded: 3, appended: nil, changed: [one], column: nil) == .whole)
    #expect(LoadPlan.make(loaded: 3, appended: nil, changed: nil, column: "day") == .whole)
    #expect(LoadPlan.make(loaded: 3, appended: nil, changed: [Self.file("c", nil)], column: "day") == .whole)
    let many = (0...LoadPlan.mostDays).map { Self.file("f\($0)", "day \($0)") }
    #expect(LoadPlan.make(loaded: 3, appended: nil, changed: many, column: "day") == .whole)
  }

  @Test func typesAreBigQuerys() {
    let schema = BigQuerySchema(
      DeltaLake.Schema([
        StructField("a", .integer, metadata: ["comment": .string("said")]), StructField("b", .timestamp),
        StructField("c", .timestampNTZ), StructField("d", .decimal(precision: 12, scale: 2)),
        StructField("e", .decimal(precision: 38, scale: 12)), StructField("f", .array(.double, containsNull: true)),
        StructField("g", .structure([StructField("x", .byte)])),
        StructField("h", .map(.string, .long, valueContainsNull: true)), StructField("i", .void),
      ]))
    let types = schema.fields.map { $0.object?["type"]?.string ?? "" }
    #expect(types == ["INTEGER", "TIMESTAMP", "DATETIME", "NUMERIC", "BIGNUMERIC", "FLOAT", "RECORD", "STRING"])
    #expect(schema.fields[0].object?["description"] == .string("said"))
    #expect(schema.fields[5].object?["mode"] == .string("REPEATED"))
    #expect(schema.columns.count == 8 && schema.columns[7].hasPrefix("CAST(to_json"))
  }
}
