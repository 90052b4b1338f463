import Pipelines
import Testing

@Suite struct ColumnCatalogueTests {
  @Test func whatIsSaidOfOneTableWins() throws {
    let pipeline = try Pipeline(
      folder: "ward",
      files: [
        Pipeline.File(
          name: "pipeline.yml",
          text: """
            pipeline: ward
            reads: [wards]
            columns: { bed: { phi: record_id }, Floor: { phi: none } }
            tables: { beds: { columns: { BED: { phi: patient_id } } } }
            """),
        Pipeline.File(name: "a.sql", text: "CREATE MATERIALIZED VIEW beds AS SELECT bed, floor, name FROM wards;"),
      ])
    let catalogue = pipeline.catalogue
    #expect(catalogue.phi(ofColumn: "bed", table: "beds") == .patient)
    #expect(catalogue.phi(ofColumn: "Bed", table: "wards") == .record)
    #expect(catalogue.phi(ofColumn: "floor", table: "Beds") == PHIClass.none)
    #expect(catalogue.phi(ofColumn: "name", table: "beds") == nil)
  }

  @Test func everyKindButTwoIsProtected() {
    #expect(PHIClass.allCases.filter { !$0.isIdentifier } == [.none, .demographic])
  }
}
