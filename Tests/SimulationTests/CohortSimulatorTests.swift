import Foundation
import Testing

@testable import Simulation

@Suite struct CohortSimulatorTests {
  static let start: Int64 = 1_767_225_600_000_000

  static func records<Kind: Cohort>(
    _: Kind.Type, _ count: Int, seed: UInt64 = 7, patients: Int = 200, faults: FaultRates? = nil
  ) -> (lines: [ArraySlice<UInt8>], truth: OutcomeTruth) {
    var simulator = CohortSimulator<Kind>(seed: seed, patients: patients, faults: faults)
    var bytes: [UInt8] = []
    simulator.append(count: count, startingAt: start, to: &bytes)
    return (bytes.split(separator: UInt8(ascii: "\n")), simulator.truth)
  }

  @Test func theSameSeedGivesTheSameBytes() {
    #expect(
      Self.records(RiskCohort.self, 500, faults: .mixed).lines
        == Self.records(RiskCohort.self, 500, faults: .mixed).lines)
    #expect(Self.records(RiskCohort.self, 500).lines != Self.records(RiskCohort.self, 500, seed: 8).lines)
    #expect(
      RiskSimulator.labelledRows(50, patients: 5, seed: 1) == RiskSimulator.labelledRows(50, patients: 5, seed: 1))
  }

  @Test func everyGoodRecordHasItsFieldsAndOneOutcome() throws {
    try check(RiskCohort.self)
    try check(DiabetesCohort.self)
  }

  private func check<Kind: Cohort>(_ kind: Kind.Type) throws {
    let (lines, truth) = Self.records(kind, 3_000)
    var keys: Set<String> = []
    for line in lines {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
      #expect(object.count == Kind.fields.count + 2)
      keys.insert("\(object["patient_id"] ?? "") \(object["timestamp"] ?? "")")
      for field in Kind.fields { #expect(object[field.name] is Double || object[field.name] is NSNull) }
    }
    #expect(keys.count == 3_000 && truth.accepted == 3_000)
    #expect(truth.byOutcome.reduce(0, +) == 3_000 && truth.byOutcome.allSatisfy { $0 > 100 })
  }

  @Test func theTruthCountsWhatAParserFinds() {
    let (lines, truth) = Self.records(RiskCohort.self, 20_000, faults: FaultRates(total: 0.2))
    var seen: Set<ArraySlice<UInt8>> = []
    var unreadable = 0
    var copies = 0
    for line in lines {
      if !seen.insert(line).inserted, line.first == UInt8(ascii: "{") { copies += 1 }
      if (try? JSONSerialization.jsonObject(with: Data(line))) == nil { unreadable += 1 }
    }
    for fault in RecordFault.allCases { #expect((300...600).contains(truth[fault]), "\(fault)") }
    #expect(copies == truth[.duplicate])
    #expect(unreadable == truth[.brokenJSON] + truth[.notANumber] + truth[.invalidUTF8])
    #expect(truth.byOutcome.reduce(0, +) == truth.accepted)
  }

  /// Severity moves vitals and outcome, but people with like vitals fare differently: no rule over the inputs is the
  /// label.
  @Test func theOutcomeIsLearnableButNoFunctionOfTheRecord() throws {
    let rows = RiskSimulator.labelledRows(20_000, patients: 500, seed: 3).split(separator: "\n").dropFirst()
    var byCell: [String: Set<Substring>] = [:]
    var high = (sick: 0, sickHigh: 0, well: 0, wellHigh: 0)
    for row in rows {
      let cells = row.split(separator: ",", omittingEmptySubsequences: false)
      let rate = try #require(Double(cells[1]))
      let saturation = try #require(Double(cells[4]))
      byCell["\(Int(rate / 8)) \(Int(saturation / 2))", default: []].insert(cells[7])
      if rate > 105 && saturation < 93 {
        high.sick += 1
        high.sickHigh += cells[7] == "High" ? 1 : 0
      } else if rate < 90 && saturation > 95 {
        high.well += 1
        high.wellHigh += cells[7] == "High" ? 1 : 0
      }
    }
    #expect(Double(high.sickHigh) / Double(high.sick) > 0.4)
    #expect(Double(high.wellHigh) / Double(high.well) < 0.02)
    #expect(byCell.values.count { $0.count == 3 } > 20)
  }

  @Test func outcomesAreWrittenBeside() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/outcomes-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let truth = Self.records(RiskCohort.self, 1_000, faults: .mixed).truth
    try truth.write(to: folder)
    let lines = try String(contentsOfFile: folder + "/_outcomes.csv", encoding: .utf8).split(separator: "\n")
    #expect(lines.count == truth.accepted + 1)
    for line in lines.dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      #expect(cells.count == 4 && (cells[2] == "High") == !cells[3].isEmpty)
    }
  }
}
