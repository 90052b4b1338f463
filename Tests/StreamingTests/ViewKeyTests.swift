import DeltaLake
import DuckDB
import LakewardTesting
import Pipelines
import Simulation
import Testing

@testable import Streaming

/// Views whose rows hang together by a key, which no partition tells, are brought up to date by the keys that changed.
@Suite struct ViewKeyTests {
  /// A stay belongs to a ward as a record belongs to a patient.
  private static let sql = """
    CREATE MATERIALIZED VIEW facts PARTITIONED BY (date) CLUSTER BY (ward) AS
    SELECT DISTINCT id, ward, started, days, CAST(started AS DATE) AS date FROM stays;
    CREATE MATERIALIZED VIEW newest TBLPROPERTIES ('lakeward.key' = 'id') AS
    SELECT id, started, days FROM (
      SELECT *, row_number() OVER (PARTITION BY id ORDER BY started DESC, days, ward) AS place FROM stays) AS n
    WHERE place = 1;
    CREATE MATERIALIZED VIEW totals CLUSTER BY (ward) AS
    SELECT ward, count(*) AS stays, sum(days) AS days FROM facts GROUP BY ward;
    CREATE MATERIALIZED VIEW gaps CLUSTER BY (ward) AS
    SELECT f.ward, f.id, t.days AS of_days,
      datediff(f.date, lag(f.date) OVER (PARTITION BY f.ward ORDER BY f.started, f.id)) AS gap
    FROM facts AS f LEFT JOIN totals AS t ON t.ward = f.ward;
    CREATE MATERIALIZED VIEW everything AS SELECT count(*) AS stays, max(days) AS days FROM totals;
    """

  private static func stay(_ id: Int, _ random: inout SeededRandom) -> (id: Int, ward: String?, at: String) {
    let day = 1 + random.integer(below: 28)
    let ward: String? = random.integer(below: 12) == 0 ? nil : "W\(random.integer(below: 40))"
    return (id, ward, "2026-02-\(day < 10 ? "0" : "")\(day)T0\(random.integer(below: 9)):00:00Z")
  }

  @Test func aNewKeyCostsItsOwnRows() throws {
    let lake = try ViewLake(sql: Self.sql)
    var random = SeededRandom(seed: 5)
    try lake.add((0..<400).map { Self.stay($0, &random) })
    try lake.refresh()
    // A ward that is new, on many days: each partition gets a file, no file leaves.
    try lake.add((1...12).map { (1_000 + $0, "W1 new", "2026-02-\($0 + 10)T03:00:00Z") })
    let reports = try lake.refresh()
    #expect(reports["facts"]?.outcome == .keys(12))
    #expect(reports["facts"]?.rows == 12)
    #expect(reports["newest"]?.outcome == .keys(12))
    #expect(reports["totals"]?.outcome == .keys(1))
    #expect(reports["totals"]?.rows == 1)
    #expect(reports["gaps"]?.outcome == .keys(1))
    #expect(reports["gaps"]?.rows == 12)
    try lake.expectFresh("a new ward")
  }

  @Test func aCorrectionTouchesItsKeysAlone() throws {
    let lake = try ViewLake(sql: Self.sql)
    var random = SeededRandom(seed: 6)
    try lake.add((0..<400).map { Self.stay($0, &random) })
    try lake.refresh()
    // The whole file of the table is written anew, and yet one stay of one ward went and another came.
    _ = try DeltaEditor(connection: lake.connection).update(lake.stays, set: ["days": "days + 100"], where: "id = 17")
    let reports = try lake.refresh()
    #expect(reports["newest"]?.outcome == .keys(1))
    #expect(reports["totals"]?.outcome == .keys(1))
    try lake.expectFresh("a correction")
    _ = try DeltaEditor(connection: lake.connection).delete(from: lake.stays, where: "id = 17")
    #expect(try lake.refresh()["newest"]?.outcome == .keys(1))
    try lake.expectFresh("a cancellation")
  }

  @Test(arguments: [2, 3, 8] as [UInt64])
  func incrementalIsFull(seed: UInt64) throws {
    let lake = try ViewLake(sql: Self.sql)
    var random = SeededRandom(seed: seed)
    let editor = DeltaEditor(connection: lake.connection)
    try lake.add((0..<300).map { Self.stay($0, &random) })
    try lake.refresh()
    var next = 300
    var byKeys = 0
    for round in 0..<8 {
      switch random.integer(below: 9) {
      case 0...3:
        try lake.add(
          (0..<(1 + random.integer(below: 12))).map { _ in
            // At times a stay that is there already, said anew.
            let id = random.integer(below: 3) == 0 ? random.integer(below: next) : next
            next = max(next, id + 1)
            return Self.stay(id, &random)
          })
      case 4: _ = try editor.delete(from: lake.stays, where: "id % 37 = \(random.integer(below: 37))")
      case 5:
        _ = try editor.update(
          lake.stays, set: ["ward": "'W\(random.integer(below: 45))'", "days": "days + 1"],
          where: "id % 41 = \(random.integer(below: 41))")
      case 6: _ = try editor.optimize(lake.stays)
      case 7: try lake.refresher().tidy()
      default: _ = try editor.update(lake.stays, set: ["ward": "NULL"], where: "id = \(random.integer(below: next))")
      }
      guard round % 3 != 0 else { continue }
      for report in try lake.refresh().values {
        if case .keys = report.outcome { byKeys += 1 }
      }
      try lake.expectFresh("seed \(seed), round \(round)")
    }
    try lake.refresh()
    let incremental = try lake.pipeline.materializedViews.map { try lake.rows($0.name) }
    try lake.refresh(.full)
    #expect(try lake.pipeline.materializedViews.map { try lake.rows($0.name) } == incremental)
    #expect(byKeys >= 4, "the refreshes must go by keys, else this shows nothing")
  }

  @Test func smallFilesAreJoined() throws {
    let lake = try ViewLake(sql: Self.sql)
    var random = SeededRandom(seed: 9)
    try lake.add((0..<60).map { Self.stay($0, &random) })
    for number in 0..<30 {
      try lake.add([(2_000 + number, "X\(number)", "2026-02-03T05:00:00Z")])
      try lake.refresh()
    }
    let table = try lake.lake.table(named: "totals")
    let before = try table.snapshot().files.count
    let rows = try lake.rows("totals")
    try lake.refresher().tidy()
    #expect(before > 24)
    #expect(try lake.lake.table(named: "totals").snapshot().files.count < before / 2)
    #expect(try lake.rows("totals") == rows)
    #expect(try lake.refresh().values.allSatisfy { $0.outcome == .unchanged })
  }
}
