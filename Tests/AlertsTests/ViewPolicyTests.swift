import DeltaLake
import DuckDB
import LakewardTesting
import Observability
import Streaming
import Testing

@testable import Alerts

/// Policies on a materialized view: each version is judged as a whole.
@Suite struct ViewPolicyTests {
  private struct Place {
    let directory: TemporaryDirectory
    let lake: Lake
    let clock = TestClock()
    let connection: Connection
    let table: DeltaTable
    let policy: AlertPolicy

    init() throws {
      directory = try TemporaryDirectory("views")
      lake = Lake(root: directory.file("lake"))
      try lake.prepare()
      connection = try QueryEngine(lake: lake, threads: 1).connect()
      table = try DeltaTable.create(
        at: lake.location(ofTable: "daily"),
        schema: Schema([
          StructField("patient_id", .string), StructField("ward", .string), StructField("worst", .long),
        ]))
      var policy = AlertPolicy(
        name: "worst_day", pipeline: "vitals", table: "daily", severity: .medium, title: "A bad day", message: "",
        trigger: .condition("worst >= 7", threshold: nil))
      policy.ward = "ward"
      policy.show = ["worst"]
      self.policy = policy
    }

    func refresh(_ rows: String) throws {
      _ = try DeltaEditor(connection: connection).overwrite(
        table, with: "SELECT * FROM (VALUES \(rows)) AS v(patient_id, ward, worst)")
    }

    func desk() throws -> AlertDesk { try AlertDesk(lake: lake, policies: [policy], clock: clock.read) }

    func stage(_ desk: AlertDesk) throws -> ViewStage {
      try #require(ViewStage([policy], views: ["daily"], lake: lake, desk: desk))
    }
  }

  @Test func alertsFollowTheVersionsOfAView() throws {
    let place = try Place()
    let desk = try place.desk()
    let stage = try place.stage(desk)
    #expect(try stage.round().isEmpty)
    try place.refresh("('p1', 'A', 9), ('p2', 'A', 3), ('p3', 'B', 8)")
    #expect(try stage.round().map(\.kind) == [.opened, .opened])
    #expect(try stage.round().isEmpty)
    #expect(try desk.list().first?.facts == "{\"worst\":\(try desk.list()[0].patient == "p1" ? 9 : 8)}")
    // Another process, and this one after a restart, raise nothing again.
    #expect(try place.stage(try place.desk()).round().isEmpty)
    // One gets better, one has left the view, a third gets worse.
    try place.refresh("('p1', 'A', 2), ('p2', 'A', 7)")
    let events = try stage.round()
    #expect(events.map(\.kind).filter { $0 == .opened }.count == 1)
    #expect(Set(events.filter { $0.kind == .ended }.compactMap(\.patient)) == ["p1", "p3"])
    #expect(try desk.list().map(\.patient) == ["p2"])
    #expect(try place.stage(try place.desk()).round().isEmpty)
    // Whoever comes back raises a new one.
    try place.refresh("('p2', 'A', 7), ('p3', 'B', 8)")
    #expect(try stage.round().map(\.kind) == [.opened])
  }

  @Test func aViewThatCannotBeJudgedDoesNotStopTheRest() throws {
    let place = try Place()
    var wrong = place.policy
    wrong.trigger = .condition("no_such_column > 1", threshold: nil)
    let desk = try AlertDesk(lake: place.lake, policies: [wrong, Sample.policy], clock: place.clock.read)
    try place.refresh("('p1', 'A', 9)")
    let service = try AlertService(
      lake: place.lake, desk: desk, settings: AlertSettings(), log: .silent, views: ["daily"])
    try Sample.take(Sample.begins(at: "2026-01-05T08:00:00Z"), desk)
    place.clock.advance(seconds: 121)
    service.round()
    #expect(try desk.list().first?.level == 1)
  }
}
