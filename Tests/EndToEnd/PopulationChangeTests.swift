import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Simulation
import Testing

/// What comes late flows from the imported tables through silver to gold, by the keys that it touches.
@Suite struct PopulationChangeTests {
  @Test("New patients, a corrected and a cancelled stay reach every view, which has the rows of a whole refresh")
  func changesFlowThrough() throws {
    let lake = try PopulationLake()
    _ = try PopulationGenerator(seed: 15, patients: 60).write(to: lake.csvFolder)
    try lake.refresh()
    let episodes = try lake.rows(
      "SELECT episode_id, los_days FROM quality_episodes WHERE stays = 1 ORDER BY episode_id LIMIT 2")
    try #require(episodes.count == 2)
    let (corrected, cancelled) = (episodes[0][0], episodes[1][0])

    // A later export of the first stay ends a day later; three people come besides; the second stay never was.
    let file = "\(lake.csvFolder)/encounters.csv"
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
    let stay = try #require(lines.first { $0.hasPrefix(corrected + ",") })
    var fields = stay.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let end = try Date(fields[2], strategy: .iso8601)
    fields[2] = end.addingTimeInterval(86_400).formatted(.iso8601)
    let later = lake.lake.directory.file("later")
    _ = try PopulationGenerator(seed: 16, patients: 3).write(to: later)
    let handle = try #require(FileHandle(forWritingAtPath: "\(later)/encounters.csv"))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data((fields.joined(separator: ",") + "\n").utf8))
    try handle.close()
    #expect(try lake.lake.run("import", later).succeeded)
    let connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'")
    _ = try DeltaEditor(connection: connection).delete(
      from: DeltaTable(at: lake.lake.location("synthea_encounters")), where: "id = '\(cancelled)'")

    let refreshed = try lake.lake.run("refresh", "--pipeline", "population")
    #expect(refreshed.succeeded, "\(refreshed.errors)")
    let byKeys = refreshed.output.split(separator: "\n").filter { $0.contains(/: [0-9,]+ keys?,/) }
    #expect(byKeys.contains { $0.hasPrefix("silver_encounters:") }, "\(refreshed.output)")
    #expect(byKeys.contains { $0.hasPrefix("quality_episodes:") }, "\(refreshed.output)")

    let before = try #require(Double(episodes[0][1]))
    let after = try lake.rows("SELECT los_days FROM quality_episodes WHERE episode_id = '\(corrected)'")
    #expect(abs((Double(after.first?.first ?? "") ?? 0) - before - 1) < 1e-6)
    #expect(try lake.rows("SELECT los_days FROM quality_episodes WHERE episode_id = '\(cancelled)'").isEmpty)
    let visits = "SELECT visit_source_value FROM omop_visit_occurrence WHERE visit_source_value = '\(cancelled)'"
    #expect(try lake.rows(visits).isEmpty)
    let verified = try lake.lake.run("verify", "population")
    #expect(verified.succeeded, "\(verified.output)")
  }
}
