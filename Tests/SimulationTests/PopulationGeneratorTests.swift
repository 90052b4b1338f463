import Clinical
import Foundation
import Testing

@testable import Simulation

@Suite struct PopulationGeneratorTests {
  /// Writes a population into a fresh folder and gives its files by name, as rows of fields.
  private func population(
    _ generator: PopulationGenerator, _ body: ([String: [[Substring]]], PopulationSummary) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/population-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let summary = try generator.write(to: folder)
    var tables: [String: [[Substring]]] = [:]
    for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".csv") {
      let text = try String(contentsOfFile: folder + "/" + file, encoding: .utf8)
      #expect(text.hasSuffix("\n") && !text.contains("\""))
      tables[String(file.dropLast(4))] = text.split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false)
      }
    }
    try body(tables, summary)
  }

  private func column(_ name: String, of table: [[Substring]]?) throws -> [Substring] {
    let table = try #require(table)
    let position = try #require(table[0].firstIndex { $0 == name })
    return table.dropFirst().map { $0[position] }
  }

  @Test func rowsHaveTheHeadersColumnsAndKeysJoin() throws {
    try population(PopulationGenerator(seed: 3, patients: 120)) { tables, summary in
      #expect(tables.count == 18)
      for (name, rows) in tables {
        #expect(rows.allSatisfy { $0.count == rows[0].count }, "\(name)")
      }
      let patients = Set(try column("Id", of: tables["patients"]))
      let encounters = Set(try column("Id", of: tables["encounters"]))
      #expect(patients.count == 120 && summary.patients == 120)
      #expect(encounters.count == summary.encounters)
      let byPatient = [
        "encounters", "conditions", "observations", "medications", "procedures", "immunizations", "allergies",
        "careplans", "devices", "imaging_studies", "supplies", "payer_transitions",
      ]
      for name in byPatient {
        #expect(patients.isSuperset(of: try column("PATIENT", of: tables[name])), "\(name)")
      }
      for name in byPatient where !["encounters", "observations", "payer_transitions"].contains(name) {
        #expect(encounters.isSuperset(of: try column("ENCOUNTER", of: tables[name])), "\(name)")
      }
      #expect(encounters.union([""]).isSuperset(of: try column("ENCOUNTER", of: tables["observations"])))
      let organizations = Set(try column("Id", of: tables["organizations"]))
      let providers = Set(try column("Id", of: tables["providers"]))
      #expect(organizations.isSuperset(of: try column("ORGANIZATION", of: tables["encounters"])))
      #expect(organizations.isSuperset(of: try column("ORGANIZATION", of: tables["providers"])))
      #expect(providers.isSuperset(of: try column("PROVIDER", of: tables["encounters"])))
      #expect(Set(try column("Id", of: tables["payers"])).isSuperset(of: try column("PAYER", of: tables["encounters"])))
      #expect(encounters.isSuperset(of: try column("APPOINTMENTID", of: tables["claims"])))
      let claims = Set(try column("Id", of: tables["claims"]))
      #expect(claims.count == summary.encounters + summary.medications)
      #expect(claims == Set(try column("CLAIMID", of: tables["claims_transactions"])))
      for (name, rows) in tables { #expect(summary.rows[name] == rows.count - 1, "\(name)") }
      #expect(tables["observations"]?.count == summary.observations + 1)
      #expect(tables["conditions"]?.count == summary.conditions + 1)
      #expect(tables["medications"]?.count == summary.medications + 1)
    }
  }

  @Test func conditionsHaveActiveWindows() throws {
    try population(PopulationGenerator(seed: 3, patients: 120)) { tables, summary in
      let starts = try column("START", of: tables["conditions"])
      let stops = try column("STOP", of: tables["conditions"])
      #expect(zip(starts, stops).allSatisfy { $1.isEmpty || $0 <= $1 })
      #expect(stops.contains("") && stops.contains { !$0.isEmpty })
      let descriptions = try column("DESCRIPTION", of: tables["conditions"])
      #expect(descriptions.contains("Full-time employment (finding)"))
      let share = Double(summary.encountersWithDisease) / Double(summary.encounters)
      #expect((0.25...0.55).contains(share))
    }
  }

  @Test func aClaimIsPaidToTheCent() throws {
    try population(PopulationGenerator(seed: 9, patients: 60)) { tables, _ in
      let transactions = tables["claims_transactions"]
      let types = try column("TYPE", of: transactions)
      let amounts = try column("AMOUNT", of: transactions)
      let payments = try column("PAYMENTS", of: transactions)
      var owed: [Substring: Int] = [:]
      for (row, claim) in try column("CLAIMID", of: transactions).enumerated() {
        func cents(_ text: Substring) -> Int { Int(text.replacing(".", with: "")) ?? 0 }
        if types[row] == "CHARGE" { owed[claim, default: 0] += cents(amounts[row]) }
        if types[row] == "PAYMENT" { owed[claim, default: 0] -= cents(payments[row]) }
      }
      #expect(owed.count > 100 && owed.values.allSatisfy { $0 == 0 })
      let transfers = types.filter { $0 == "TRANSFERIN" }.count
      #expect(transfers > 0 && transfers == types.filter { $0 == "TRANSFEROUT" }.count)
    }
  }

  @Test func theSameSeedGivesTheSamePeople() throws {
    let generator = PopulationGenerator(seed: 5, patients: 20)
    try population(generator) { once, _ in
      try population(generator) { twice, _ in #expect(once == twice) }
      try population(PopulationGenerator(seed: 5, patients: 40)) { more, _ in
        #expect(more["patients"]?.prefix(21) == once["patients"]?[...])
      }
      try population(PopulationGenerator(seed: 6, patients: 20)) { other, _ in #expect(once != other) }
      // The stream of this seed is about living people of this population.
      var simulator = IllnessRecordSimulator(seed: 5, patients: 15)
      var keys: Set<String> = []
      simulator.forEachRecord(count: 15, startingAt: 0) { keys.insert(String(decoding: $0.key, as: UTF8.self)) }
      #expect(keys.count == 15)
      #expect(Set(try column("Id", of: once["patients"]).map(String.init)).isSuperset(of: keys))
    }
  }

  @Test func aPopulationIsNotMixedIntoAnother() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/population-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let generator = PopulationGenerator(seed: 1, patients: 1)
    _ = try generator.write(to: folder)
    #expect(throws: SimulationError.notEmpty(path: folder)) { try generator.write(to: folder) }
  }
}
