import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// CLUSTER BY of a streaming table: joined files hold their rows in that order.
@Suite struct ClusteringTests {
  @Test(arguments: [["animal"], ["animal", "minute"]])
  func joinedFilesAreInOrder(columns: [String]) throws {
    let directory = try TemporaryDirectory("clustering")
    let lake = Lake(root: directory.file("lake"))
    var pipeline = try Pipeline(
      folder: "herd",
      files: [
        .init(
          name: Pipeline.definitionFile,
          text: """
            pipeline: herd
            source:
              stream: seen
              landing: { path: landing/herd }
              bronze: bronze_herd
              quarantine: quarantine_herd
              record: [{ name: animal, type: int }, { name: minute, type: int }]
            """),
        .init(
          name: "t.sql",
          text: """
            CREATE STREAMING TABLE herd CLUSTER BY (\(columns.joined(separator: ", "))) AS
            SELECT animal, minute FROM STREAM(seen)
            """),
      ])
    pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: 128)
    let records = (0..<1_024).map { "{\"animal\":\($0 * 37 % 1_024),\"minute\":\($0 * 53 % 1_024)}" }
    let engine = try QueryEngine(lake: lake)
    try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: engine, source: MemorySource([0: records]), registry: nil
    ).run(.once, stop: StopSignal()) { _, _ in }
    let table = try lake.table(named: "herd")
    #expect(try table.snapshot().clusterColumns == columns)
    let connection = try engine.connect()
    _ = try DeltaEditor(connection: connection).optimize(table)
    let files = Array(try table.snapshot().files)
    #expect(files.count == 1)
    let path = "\(lake.location(ofTable: "herd"))/\(files[0].decodedPath)"
    let rows = try connection.query(
      "SELECT animal, minute FROM read_parquet('\(path)', file_row_number = true) ORDER BY file_row_number"
    ).rows().map { row in row.compactMap(\.intValue) }
    #expect(rows.count == 1_024)
    if columns.count == 1 {
      #expect(rows.map { $0[0] } == Array(0..<1_024))
    } else {
      // Along the Z curve: the bits of both values, one of each in turn, never fall.
      let places = rows.map { row in
        (0..<10).reduce(0) { $0 | (row[0] >> $1 & 1) << (2 * $1) | (row[1] >> $1 & 1) << (2 * $1 + 1) }
      }
      #expect(places == places.sorted())
    }
    // A definition without an order takes it away again.
    pipeline.tables[0].clusteredBy = []
    _ = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: engine, source: MemorySource([0: records]), registry: nil)
    #expect(try table.snapshot().clusterColumns == [])
  }
}
