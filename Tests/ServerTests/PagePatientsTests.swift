import Foundation
import JSON
import LakewardTesting
import Server
import Testing

/// A page may have panels with single patients beside panels that everybody may see.
@Suite("Panels that show patients") struct PagePatientsTests {
  @Test func aViewerGetsThePageWithoutThem() throws {
    let harness = try ServerHarness(hasTokens: true)
    let folder = try harness.directory.folder("dashboards")
    try """
    title: Readings
    parameters: [{ name: patient, title: Patient }]
    panels:
      - { title: Count, chart: stat, sql: SELECT count(*) FROM silver_readings }
      - title: Who
        chart: table
        shows_patients: true
        sql: SELECT DISTINCT patient_id FROM silver_readings WHERE patient_id = getvariable('patient')
    """.write(toFile: folder + "/readings.yml", atomically: true, encoding: .utf8)
    let tokens = try #require(harness.tokens)
    let viewer = try tokens.create(name: "looks", role: .viewer)
    let nurse = try tokens.create(name: "nurse", role: .clinician)
    let admin = try tokens.create(name: "chief", role: .admin)
    Thread.sleep(forTimeInterval: 0.3)

    func panels(_ token: String) throws -> [String] {
      let page = try harness.send("GET", "/dashboards/readings", token: token)
      #expect(page.status == 200)
      return page["panels"]?.array?.compactMap { $0.object?["id"]?.string } ?? []
    }
    #expect(try panels(viewer) == ["count"])
    #expect(try panels(nurse) == ["count", "who"])
    let address = "/dashboards/readings/panels/who?choices=patient%3Dp1"
    #expect(try harness.send("GET", "/dashboards/readings/panels/count", token: viewer).status == 200)
    let refused = try harness.send("GET", address, token: viewer)
    #expect(refused.status == 404 && !refused.text.contains("p1"))
    let list = try harness.send("GET", address, token: nurse)
    #expect(list["rows"] == .array([.array([.string("p1")])]))

    let log = try harness.query("SELECT principal, detail FROM audit_log", token: admin)
    let entries = log["rows"]?.array?.compactMap { $0.array } ?? []
    #expect(entries.contains { $0[0].string == "nurse" && $0[1].string == "readings/who patient=p1" })
    #expect(!entries.contains { $0[0].string == "looks" && $0[1].string?.contains("who") ?? false })
  }

  @Test func aClickSetsAParameterThatIsThere() throws {
    let harness = try ServerHarness()
    let folder = try harness.directory.folder("dashboards")
    try """
    title: Readings
    panels:
      - { title: Count, chart: bar, x: a, y: [b], choose: patient, sql: SELECT 1 AS a, 2 AS b }
    """.write(toFile: folder + "/readings.yml", atomically: true, encoding: .utf8)
    let page = try harness.send("GET", "/dashboards/readings")
    #expect(page.status == 500 && page.text.contains("'patient', which is no parameter of the page"))
  }
}
