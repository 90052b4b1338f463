import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// Records that gain fields or change types, and tables whose SQL gains or loses columns, while the stream goes on.
@Suite struct EvolutionTests {
  private struct Ward {
    let directory: TemporaryDirectory
    let lake: Lake

    init() throws {
      directory = try TemporaryDirectory("evolution")
      lake = Lake(root: directory.file("lake"))
    }

    func pipeline(fields: String, columns: String, gold: String = "ward") throws -> Pipeline {
      let definition = """
        pipeline: beds
        source:
          stream: beds
          landing: { path: landing/beds }
          bronze: bronze_beds
          quarantine: quarantine_beds
          record:
            - { name: ward, type: string, required: true }
        \(fields)
        """
      let sql = """
        CREATE STREAMING TABLE silver_beds AS
        SELECT ward, \(columns) _partition AS "partition", _offset AS "offset" FROM STREAM(beds);
        CREATE STREAMING TABLE gold_beds AS SELECT \(gold) FROM STREAM(silver_beds);
        """
      return try Pipeline(
        folder: "beds",
        files: [.init(name: Pipeline.definitionFile, text: definition), .init(name: "tables.sql", text: sql)])
    }

    func run(_ pipeline: Pipeline, _ records: [String], maxRecords: Int = 2) throws -> [Notice] {
      var pipeline = pipeline
      pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: maxRecords)
      var notices: [Notice] = []
      let runner = try PipelineRunner(
        pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake), source: MemorySource([0: records]),
        registry: nil)
      try runner.run(.once, stop: StopSignal()) { event, _ in
        if case .noticed(let notice) = event { notices.append(notice) }
      }
      return notices
    }

    func rows(_ sql: String, _ table: String) throws -> [[Value]] {
      let scan = try DeltaReader.scanSQL(lake.table(named: table).snapshot())
      return try QueryEngine(lake: lake).connect().query("\(sql) FROM \(scan) ORDER BY ALL").rows()
    }

    func verify(_ pipeline: Pipeline) throws {
      let connection = try QueryEngine(lake: lake).connect()
      for check in try Verification(pipeline: pipeline, lake: lake, connection: connection).run() {
        #expect(check.holds, "\(check)")
      }
    }
  }

  @Test func aNewFieldIsReportedThenUsed() throws {
    let ward = try Ward()
    var records = [#"{"ward":"a"}"#, #"{"ward":"b","beds":3}"#, #"{"ward":"c","beds":4,"note":"x"}"#]
    let before = try ward.pipeline(fields: "", columns: "")
    let notices = try ward.run(before, records, maxRecords: 10)
    #expect(
      Set(notices) == [
        .unknownField(stream: "beds", UnknownField(key: "beds", kind: .number)),
        .unknownField(stream: "beds", UnknownField(key: "note", kind: .text)),
      ])
    #expect(notices.contains { $0.description.hasSuffix("- { name: beds, type: double }") })
    let connection = try QueryEngine(lake: ward.lake).connect()
    let sample = try NewestRecords.unknownFields(of: before, lake: ward.lake, connection: connection)
    #expect(Set(sample.map(\.key)) == ["beds", "note"])

    records += [#"{"ward":"d","beds":5}"#, #"{"ward":"e","beds":"many"}"#, #"{"ward":"f","beds":6}"#]
    let after = try ward.pipeline(
      fields: "    - { name: beds, type: double }", columns: "beds,", gold: "ward, beds * 2 AS places")
    #expect(
      try ward.run(after, records).filter { if case .unknownField = $0 { false } else { true } } == [
        .columnsAdded(table: "silver_beds", columns: ["beds"]),
        .columnsAdded(table: "gold_beds", columns: ["places"]),
      ])
    #expect(
      try ward.rows("SELECT ward, beds", "silver_beds") == [
        [.string("a"), .null], [.string("b"), .null], [.string("c"), .null], [.string("d"), .double(5)],
        [.string("f"), .double(6)],
      ])
    #expect(try ward.rows("SELECT reason", "quarantine_beds") == [[.string("beds: not a valid double")]])
    #expect(try ward.rows("SELECT count(places)", "gold_beds") == [[.int(2)]])
    try ward.verify(after)
    #expect(try ward.run(after, records).isEmpty)
  }

  @Test func aColumnThatTheSQLLosesIsNull() throws {
    let ward = try Ward()
    let field = "    - { name: beds, type: double }"
    var records = [#"{"ward":"a","beds":1}"#]
    #expect(try ward.run(ward.pipeline(fields: field, columns: "beds,"), records).isEmpty)
    records.append(#"{"ward":"b","beds":2}"#)
    let renamed = try ward.pipeline(fields: field, columns: "beds AS places,")
    let notices = try ward.run(renamed, records)
    #expect(
      notices == [
        .columnsMissing(table: "silver_beds", columns: ["beds"]),
        .columnsAdded(table: "silver_beds", columns: ["places"]),
      ])
    #expect(notices.first?.description.contains("give it its old name again") ?? false)
    #expect(
      try ward.rows("SELECT ward, beds, places", "silver_beds") == [
        [.string("a"), .double(1), .null], [.string("b"), .null, .double(2)],
      ])
    try ward.verify(renamed)
  }

  @Test func aColumnOfAnotherTypeStopsWithItsName() throws {
    let ward = try Ward()
    let records = [#"{"ward":"a","beds":1}"#, #"{"ward":"b","beds":2}"#]
    _ = try ward.run(
      ward.pipeline(fields: "    - { name: beds, type: double }", columns: "beds,"), [records[0]])
    let error = #expect(throws: DeltaError.self) {
      try ward.run(ward.pipeline(fields: "    - { name: beds, type: string }", columns: "beds,"), records)
    }
    #expect(error?.code == .schemaMismatch && error?.message.contains("column beds is DOUBLE") ?? false)
    #expect(error.map(Outage.mayPass) == false)
  }

  @Test(arguments: [
    (DeltaError(.storage, ""), true), (DeltaError(.diskFull, ""), true), (DeltaError(.conflict, ""), true),
    (DeltaError(.schemaMismatch, ""), false), (DeltaError(.engine, ""), false), (DeltaError(.corruptLog, ""), false),
  ])
  func onlyOutagesAreWaitedFor(error: DeltaError, passes: Bool) {
    #expect(Outage.mayPass(error) == passes)
    #expect(Outage.mayPass(StreamingError.fileSystem(path: "", operation: "", reason: "")))
    #expect(!Outage.mayPass(StreamingError.noSource(pipeline: "")))
  }
}
