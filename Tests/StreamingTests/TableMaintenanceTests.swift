import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Pipelines
import Testing

@testable import Streaming

/// A pipeline that is fed many tiny micro-batches while its tables are looked after.
@Suite struct TableMaintenanceTests {
  private static let definition = """
    pipeline: pulse
    source:
      stream: beats
      landing: { path: landing/beats }
      bronze: bronze_beats
      quarantine: quarantine_beats
      record:
        - { name: animal, type: string, required: true }
        - { name: beat, type: bigint, required: true }
    """
  private static let sql = """
    CREATE STREAMING TABLE silver_beats AS
    SELECT animal, beat, _partition AS "partition", _offset AS "offset" FROM STREAM(beats);
    """
  private static let tables = ["bronze_beats", "silver_beats"]

  private static func pipeline() throws -> Pipeline {
    var pipeline = try Pipeline(
      folder: "pulse",
      files: [.init(name: Pipeline.definitionFile, text: definition), .init(name: "tables.sql", text: sql)])
    pipeline.trigger = Trigger(intervalSeconds: 0, maxRecords: 3)
    return pipeline
  }

  private static func schedule() -> TableMaintenance.Schedule {
    var schedule = TableMaintenance.Schedule()
    schedule.policy.minimumAge = 100
    schedule.logSeconds = 0.5
    schedule.keptVersions = 200
    return schedule
  }

  /// 700 micro-batches as fast as they go. Whoever reads the tables meanwhile always finds them whole.
  @Test(.timeLimit(.minutes(3))) func aFastStreamStaysSmall() throws {
    let directory = try TemporaryDirectory("maintenance")
    let lake = Lake(root: directory.file("lake"))
    let pipeline = try Self.pipeline()
    let batches = ProcessInfo.processInfo.environment["LAKEWARD_SOAK_BATCHES"].flatMap { Int($0) } ?? 700
    let records = (0..<(batches * 3)).map { "{\"animal\":\"a\($0 % 7)\",\"beat\":\($0)}" }
    let runner = try PipelineRunner(
      pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake), source: MemorySource([0: records]),
      registry: nil, maintenance: Self.schedule())
    var committed = 0
    var mostFiles = 0
    var appends: [Int64] = []
    try runner.run(.once, stop: StopSignal()) { event, _ in
      switch event {
      case .committed(let report):
        committed += 1
        appends.append(report.versions["silver_beats"] ?? -1)
        if committed % 50 == 0 {
          let table = try? lake.table(named: "silver_beats")
          mostFiles = max(mostFiles, (try? table?.snapshot().files.count) ?? .max)
          if committed % 200 == 0 {
            for check in (try? Self.verify(pipeline, lake)) ?? [] { #expect(check.holds, "\(check)") }
          }
        }
      case .started: break
      default: Issue.record("\(event)")
      }
    }
    #expect(committed == batches)
    #expect(mostFiles < 300, "\(mostFiles)")
    #expect(runner.maintenance.commits > 4)
    for name in Self.tables {
      let table = try lake.table(named: name)
      let snapshot = try table.snapshot()
      #expect(snapshot.files.count < 150, "\(name): \(snapshot.files.count) files")
      #expect(try snapshot.rowCount() == Int64(records.count))
      let log = try FileManager.default.contentsOfDirectory(atPath: "\(table.location)/_delta_log")
      #expect(log.count < 500, "\(name): \(log.count) files in the log")
      if PeerPython.isReady {
        let comparison = try DeltaPeer.compare(table.location)
        #expect(comparison.agree, "\(comparison.difference ?? "")")
        #expect(comparison.rows == Int64(records.count))
      }
    }
    for check in try Self.verify(pipeline, lake) { #expect(check.holds, "\(check)") }
    Places.note(
      "maintenance: \(committed) micro-batches, \(runner.maintenance.commits) joins, at most \(mostFiles) files")
  }

  /// A second run goes on from tables that were joined; what is joined is not read or written twice.
  @Test func aRunAfterJoiningGoesOn() throws {
    let directory = try TemporaryDirectory("maintenance")
    let lake = Lake(root: directory.file("lake"))
    let pipeline = try Self.pipeline()
    let records = (0..<300).map { "{\"animal\":\"a\",\"beat\":\($0)}" }
    for end in [150, 300, 300] {
      let runner = try PipelineRunner(
        pipeline: pipeline, lake: lake, engine: QueryEngine(lake: lake),
        source: MemorySource([0: Array(records[..<end])]), registry: nil, maintenance: Self.schedule())
      try runner.run(.once, stop: StopSignal()) { _, _ in }
    }
    for name in Self.tables { #expect(try lake.table(named: name).snapshot().rowCount() == 300) }
    for check in try Self.verify(pipeline, lake) { #expect(check.holds, "\(check)") }
  }

  /// Files that were written anew for a table that has changed since are thrown away.
  @Test func aRewriteThatCameTooLateIsDropped() throws {
    let directory = try TemporaryDirectory("maintenance")
    let connection = try Database().connect()
    let table = try DeltaTable.create(at: directory.file("t"), schema: Schema([StructField("id", .long)]))
    for id in 0..<4 {
      _ = try table.append(DeltaWriter(connection: connection).write("SELECT \(id)::BIGINT AS id", into: table))
    }
    let editor = DeltaEditor(connection: connection)
    let snapshot = try table.snapshot()
    let rewrite = try editor.rewrite([Array(snapshot.files)], of: snapshot, in: table)
    #expect(rewrite.rows == 4 && rewrite.added.count == 1)
    _ = try editor.delete(from: table, where: "id = 2")
    let before = try table.snapshot().version
    #expect(try table.commit(rewrite) == nil)
    #expect(try table.snapshot().version == before)
    #expect(!FileManager.default.fileExists(atPath: "\(table.location)/\(rewrite.added[0].decodedPath)"))
    let again = try editor.rewrite([Array(table.snapshot().files)], of: table.snapshot(), in: table)
    // An append in between is no hindrance.
    _ = try table.append(DeltaWriter(connection: connection).write("SELECT 9::BIGINT AS id", into: table))
    #expect(try table.commit(again) == before + 2)
    #expect(try table.snapshot().files.count == 2 && table.snapshot().rowCount() == 4)
  }

  private static func verify(_ pipeline: Pipeline, _ lake: Lake) throws -> [Verification.Check] {
    try Verification(pipeline: pipeline, lake: lake, connection: QueryEngine(lake: lake).connect()).run()
  }
}
