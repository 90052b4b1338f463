import DeltaLake
import Foundation
import JSON
import LakewardTesting
import Testing

/// What the pipelines say about tables and columns, in the tables' own metadata and from the command line.
@Suite struct CatalogueTests {
  private static func columns(_ lake: TestLake, _ table: String) throws -> [String: JSONObject] {
    let shown = try lake.run("table", "show", table, "--format", "json").output
    let columns = try #require(JSONValue(parsing: shown)?.object?["columns"]?.array)
    return Dictionary(columns.compactMap { $0.object }.map { ($0["name"]?.string ?? "", $0) }) { first, _ in first }
  }

  @Test func tablesCarryWhatThePipelineSays() throws {
    let lake = try TestLake()
    try lake.run("simulate", "risk", "--count", "60")
    try lake.run("run", "risk", "--once")
    let table = try DeltaTable(at: lake.location("gold_risk"))
    let first = try table.snapshot()
    // Said of the stream's column, and taken through two tables.
    let glucose = try #require(first.schema["glucose"])
    #expect(glucose.comment == "Glucose in blood (mg/dL)")
    #expect(glucose.metadata["lakeward.unit"] == .string("mg/dL"))
    #expect(first.schema["patient_id"]?.metadata["lakeward.phi"] == .string("patient_id"))
    #expect(first.metadata.configuration["lakeward.owner"] == "Clinical data science")
    let shown = try Self.columns(lake, "gold_risk")
    #expect(
      shown["glucose"]?["unit"]?.string == "mg/dL" && shown["glucose"]?["description"]?.string == "Glucose in blood")
    #expect(shown["event_time"]?["phi"]?.string == "date")
    #expect(try lake.run("table", "show", "gold_risk").output.contains("owner           Clinical data science"))

    // Nothing changed, nothing is written; another word is one commit, and no row is touched.
    try lake.run("run", "risk", "--once")
    #expect(try table.snapshot().version == first.version)
    let definition = lake.directory.file("pipelines/risk/pipeline.yml")
    let text = try String(contentsOfFile: definition, encoding: .utf8)
    try text.replacing("description: Glucose in blood", with: "description: Blood sugar")
      .write(toFile: definition, atomically: true, encoding: .utf8)
    try lake.run("run", "risk", "--once")
    let second = try table.snapshot()
    #expect(second.version == first.version + 1 && second.files.count == first.files.count)
    #expect(second.schema["glucose"]?.comment == "Blood sugar (mg/dL)")
    guard PeerPython.isReady else { return }
    let compared = try DeltaPeer.compare(lake.location("gold_risk"))
    #expect(compared.agree, "\(compared.difference ?? "")")
  }

  @Test func lineageIsDrawn() throws {
    let lake = try TestLake()
    let table = try lake.run("lineage", "gold_risk").output
    for part in [
      "silver_raw_patient  streaming table", "risk  model", "risk_labelled  external table", "topic raw-patient",
    ] {
      #expect(table.contains(part), "\(part) in \(table)")
    }
    let column = try lake.run("lineage", "gold_risk.glucose").output
    #expect(
      column == """
        gold_risk.glucose  mg/dL
        └─ silver_raw_patient.glucose  as it is, mg/dL
           └─ raw_patient.glucose  as it is, mg/dL
              └─ bronze_raw_patient.raw  computed, phi free_text

        """)
    let wrong = try lake.start("lineage", "gold_risk.glucos").wait(seconds: 60)
    #expect(wrong.status == 1 && wrong.errors.contains("did you mean glucose?"))
    #expect(try lake.start("lineage", "gold_rsk").wait(seconds: 60).errors.contains("did you mean gold_risk?"))
  }
}
