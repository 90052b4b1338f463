import DuckDB
import DeltaLake
import Foundation
import LakewardTesting
import Simulation
import Testing

/// The population views beside other computations of the same: pandas from the same files, and another engine.
@Suite(.enabled(if: PopulationPeers.isReady)) struct PopulationPeerTests {
  @Test(
    "Every measure is what pandas makes of the public runs", .enabled(if: Places.shared("data/synthea-a") != nil),
    arguments: ["synthea-a", "synthea-b"])
  func pandas(_ run: String) throws {
    let lake = try PopulationLake()
    try lake.copy(try #require(Places.shared("data/\(run)")))
    try lake.refresh()
    try compareWithPandas(lake)
  }

  @Test("Every measure is what pandas makes of a generated population") func pandasOnGenerated() throws {
    let lake = try PopulationLake()
    _ = try PopulationGenerator(seed: 11, patients: 60).write(to: lake.csvFolder)
    try lake.refresh()
    try compareWithPandas(lake)
  }

  private func compareWithPandas(_ lake: PopulationLake) throws {
    let views = try lake.lake.directory.folder("views")
    let script = try String(
      contentsOfFile: "\(Places.packageRoot())/Tests/LakewardTesting/peers/population_peer.py", encoding: .utf8)
    // OMOP tables are named by what follows the prefix there.
    for view in try PopulationLake.views()
    where script.contains("\"\(view)\"") || script.contains("\"\(view.replacing("omop_", with: ""))\"") {
      let written = try lake.lake.run(
        "query", "SELECT * FROM \(view)", "--format", "csv", "--output", "\(views)/\(view).csv")
      #expect(written.succeeded, "\(view): \(written.errors)")
    }
    let outcome = try PopulationPeers.run("check", lake.csvFolder, views)
    Places.note("pandas: " + outcome.output.split(separator: "\n").joined(separator: "; "))
  }

  /// Sail computes by the same SQL; its rows come back as Delta tables of the other lake.
  @Test("Every view has the same rows from Sail") func sail() throws {
    let here = try PopulationLake()
    _ = try PopulationGenerator(seed: 12, patients: 40).write(to: here.csvFolder)
    try here.refresh()
    let there = try PopulationLake()
    try there.copy(here.csvFolder)
    let (server, uri) = try PopulationPeers.startSail()
    defer { server.signal(SIGKILL) }
    try there.completeFiles()
    #expect(try there.lake.run("import", there.csvFolder).succeeded)
    let driver = "LAKEWARD_SPARK_DRIVER='\(try PopulationPeers.driver())'"
    let refreshed = try there.lake.shell("\(driver) lakeward refresh --pipeline population --engine \(uri)")
    #expect(refreshed.succeeded, "\(refreshed.errors)")
    let connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'")
    var compared = 0
    for view in try PopulationLake.views() {
      let differences = try Self.differences(here.lake.location(view), there.lake.location(view), connection)
      #expect(differences == 0, "\(view): \(differences) rows differ")
      compared += 1
    }
    #expect(compared >= 45)
    // Nothing changed, so the server is not asked again; an address where nobody listens is one clear line.
    let again = try there.lake.shell("\(driver) lakeward refresh --pipeline population --engine \(uri)")
    #expect(again.output.split(separator: "\n").allSatisfy { $0.hasSuffix(": unchanged") }, "\(again.output)")
    server.signal(SIGKILL)
    let gone = try there.lake.shell("\(driver) lakeward refresh gold_age_pyramid --full --engine \(uri)")
    #expect(gone.status == 1)
    #expect(gone.errors.contains("no Spark Connect server answers at \(uri)"), "\(gone.errors)")
  }

  /// Rows that only one of two tables holds; numbers to nine digits.
  private static func differences(_ left: String, _ right: String, _ connection: Connection) throws -> Int64 {
    let one = try DeltaReader.scanSQL(DeltaTable(at: left).snapshot())
    let other = try DeltaReader.scanSQL(DeltaTable(at: right).snapshot())
    let columns = try connection.columns(of: "SELECT * FROM \(one)")
    #expect(try connection.columns(of: "SELECT * FROM \(other)") == columns, "\(left)")
    let list = columns.map { column in
      let name = SQL.quote(identifier: column.name)
      // Sums of doubles depend on the order of the rows in their last digits.
      return column.type == .double ? "round(\(name), 9 - CAST(floor(log10(greatest(abs(\(name)), 1))) AS INT))" : name
    }.joined(separator: ", ")
    let value = try connection.query(
      """
      WITH a AS MATERIALIZED (SELECT \(list) FROM \(one)), b AS MATERIALIZED (SELECT \(list) FROM \(other))
      SELECT (SELECT count(*) FROM (FROM a EXCEPT ALL FROM b)) + (SELECT count(*) FROM (FROM b EXCEPT ALL FROM a))
      """
    ).scalar()
    guard case .int(let count) = value else { return -1 }
    return count
  }

  /// Rows of the feature store do not change when everything that happened after their date is taken away.
  @Test("No feature knows the future") func pointInTime() throws {
    let whole = try PopulationLake()
    _ = try PopulationGenerator(seed: 13, patients: 80).write(to: whole.csvFolder)
    try whole.refresh("patient_feature_store")
    let dates = try whole.rows("SELECT DISTINCT as_of FROM patient_feature_store ORDER BY as_of").map { $0[0] }
    // A year before the newest date is a date of both.
    let newest = try #require(dates.last)
    let cut = "\((Int(newest.prefix(4)) ?? 0) - 1)\(newest.dropFirst(4))"
    #expect(dates.contains(cut))
    let past = try PopulationLake()
    try PopulationPeers.run("until", cut, whole.csvFolder, past.csvFolder)
    // The cut-off day ends the data, whether or not somebody was seen on it.
    let encounters = "\(past.csvFolder)/encounters.csv"
    let text = try String(contentsOfFile: encounters, encoding: .utf8)
    let width = text.prefix { $0 != "\n" }.filter { $0 == "," }.count
    let line = "last,\(cut)T09:00:00Z,\(cut)T09:15:00Z,nobody" + String(repeating: ",", count: width - 3)
    try (text + line + "\n").write(toFile: encounters, atomically: true, encoding: .utf8)
    try past.refresh("patient_feature_store")
    let select = "SELECT * FROM patient_feature_store WHERE as_of <= DATE '\(cut)' ORDER BY as_of, patient_id"
    let before = try past.rows(select)
    let common = Set(before.map { $0[1] })
    let after = try whole.rows(select).filter { common.contains($0[1]) }
    #expect(common.contains(cut))
    #expect(common.count >= 2)
    #expect(before.filter { dates.contains($0[1]) } == after)
    #expect(after.count > 100)
  }
}
