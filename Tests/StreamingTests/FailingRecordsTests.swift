import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// SQL that raises an error on some records: they go to quarantine, the others go on.
@Suite struct FailingRecordsTests {
  private static let definition = """
    pipeline: codes
    source:
      stream: codes
      landing: { path: landing/codes }
      bronze: bronze_codes
      quarantine: quarantine_codes
      record:
        - { name: code, type: string, required: true }
    """

  private func run(_ sql: String, codes: [String]) throws -> (lake: Lake, pipeline: Pipeline, keep: TemporaryDirectory)
  {
    let directory = try TemporaryDirectory("failing")
    let pipeline = try Pipeline(
      folder: "codes",
      files: [.init(name: Pipeline.definitionFile, text: Self.definition), .init(name: "tables.sql", text: sql)])
    let lake = Lake(root: directory.file("lake"))
    let records: [Int32: [String]] = [0: codes.map { "{\"code\":\"\($0)\"}" } + ["{"]]
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake), source: MemorySource(records), registry: nil)
    try runner.run(.once, stop: StopSignal()) { _, _ in }
    return (lake, pipeline, directory)
  }

  private func rows(_ sql: String, _ table: String, _ lake: Lake) throws -> [[Value]] {
    let scan = try DeltaReader.scanSQL(lake.table(named: table).snapshot())
    return try QueryEngine(lake: lake).connect().query("\(sql) FROM \(scan) ORDER BY 1").rows()
  }

  private static let sql = """
    CREATE STREAMING TABLE silver_codes AS
    SELECT CAST(code AS INT) AS number, _partition AS "partition", _offset AS "offset" FROM STREAM(codes);
    """

  @Test func recordsThatTheSQLFailsOnAreQuarantined() throws {
    let codes = (0..<100).map { [13, 14, 77].contains($0) ? "x\($0)" : String($0) }
    let (lake, pipeline, _keep) = try run(Self.sql, codes: codes)
    #expect(
      try rows("SELECT count(*), sum(number)::BIGINT", "silver_codes", lake) == [[.int(97), .int(4950 - 13 - 14 - 77)]])
    #expect(
      try rows("SELECT \"offset\", reason", "quarantine_codes", lake) == [
        [.int(13), .string("silver_codes: the SQL fails on this record")],
        [.int(14), .string("silver_codes: the SQL fails on this record")],
        [.int(77), .string("silver_codes: the SQL fails on this record")], [.int(100), .string("not valid JSON")],
      ])
    let connection = try QueryEngine(lake: lake).connect()
    for check in try Verification(pipeline: pipeline, lake: lake, connection: connection).run() {
      #expect(check.holds, "\(check)")
    }
    _ = _keep
  }

  @Test func sqlThatFailsOnNearlyEverythingStopsThePipeline() throws {
    #expect(throws: DuckDBError.self) { try run(Self.sql, codes: (0..<400).map { "x\($0)" }) }
  }

  @Test func aTableWithoutCoordinatesMayReadTheSource() throws {
    let (lake, _, _keep) = try run(
      "CREATE STREAMING TABLE leaf_codes AS SELECT code FROM STREAM(codes);", codes: ["a", "b"])
    #expect(try rows("SELECT code", "leaf_codes", lake) == [[.string("a")], [.string("b")]])
    #expect(try rows("SELECT reason", "quarantine_codes", lake) == [[.string("not valid JSON")]])
    _ = _keep
  }
}
