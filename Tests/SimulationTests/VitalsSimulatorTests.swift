import Clinical
import Foundation
import LakewardTesting
import Testing

@testable import Simulation

@Suite struct VitalsSimulatorTests {
  static let start: Int64 = 1_767_225_600_000_000

  private func stream(_ count: Int, seed: UInt64 = 3, faults: VitalsFaultRates? = nil, step: Int64 = 100_000)
    -> (bytes: [UInt8], truth: VitalsTruth)
  {
    var simulator = VitalsSimulator(seed: seed, beds: 20, speed: 60, faults: faults)
    var bytes: [UInt8] = []
    simulator.append(count: count, startingAt: Self.start, step: step, to: &bytes)
    return (bytes, simulator.truth)
  }

  @Test func theSameSeedGivesTheSameBytes() {
    let once = stream(3_000, faults: .mixed)
    let twice = stream(3_000, faults: .mixed)
    #expect(once.bytes == twice.bytes && once.truth == twice.truth)
    #expect(once.bytes != stream(3_000, seed: 4, faults: .mixed).bytes)
  }

  @Test func oneCallOrManyGiveTheSameBytes() {
    var simulator = VitalsSimulator(seed: 3, beds: 20, speed: 60)
    var bytes: [UInt8] = []
    for part in 0..<4 {
      simulator.append(count: 250, startingAt: Self.start + Int64(part) * 25_000_000, step: 100_000, to: &bytes)
    }
    #expect(bytes == stream(1_000).bytes)
  }

  @Test func readingsAreWholeAndWithinLimits() throws {
    let (bytes, truth) = stream(4_000)
    var keys: Set<String> = []
    var joined = 0
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
      let patient = try #require((object["patient_id"] as? String).flatMap { UUID(uuidString: $0) })
      keys.insert("\(patient) \(try #require(object["timestamp"] as? String))")
      var pressures = [object["systolic"] as? Double, object["diastolic"] as? Double]
      if let text = object["blood_pressure"] as? String {
        joined += 1
        pressures = text.split(separator: "/").map { Double($0) }
      }
      let values: [(ClinicalParameter, Double?)] = [
        (.heartRate, object["heart_rate"] as? Double), (.bodyTemperature, object["temperature"] as? Double),
        (.oxygenSaturation, object["spo2"] as? Double), (.respiratoryRate, object["respiration_rate"] as? Double),
        (.systolicPressure, pressures[0]), (.diastolicPressure, pressures[1]),
      ]
      for (parameter, value) in values {
        if case .rejected(let reason) = parameter.assess(try #require(value)) {
          Issue.record("\(parameter): \(reason.rawValue)")
        }
      }
      #expect(try #require(pressures[1]) < #require(pressures[0]))
    }
    #expect(keys.count == 4_000)
    #expect(joined > 0 && joined < 4_000)
    #expect(truth.records == 4_000 && truth.bytes == bytes.count && truth.accepted == 4_000)
  }

  @Test func theTruthCountsTheFaults() {
    let (bytes, truth) = stream(12_000, faults: VitalsFaultRates(total: 0.3))
    var unreadable = 0
    var seen: Set<ArraySlice<UInt8>> = []
    var copies = 0
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      if (try? JSONSerialization.jsonObject(with: Data(line))) == nil {
        unreadable += 1
      } else if !seen.insert(line).inserted {
        copies += 1
      }
    }
    for fault in VitalsFault.allCases { #expect((450...750).contains(truth[fault]), "\(fault)") }
    #expect(unreadable == truth[.corrupt])
    #expect(copies == truth[.duplicate])
    #expect(truth.accepted + truth.quarantined + truth[.duplicate] == truth.records)
  }

  @Test func aDeteriorationShowsInTheScore() throws {
    var simulator = VitalsSimulator(seed: 11, beds: 60, speed: 60)
    var scores: (well: [Int], ill: [Int]) = ([], [])
    try simulator.forEachRecord(count: 60_000, startingAt: Self.start, step: 50_000) { record in
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(record.bytes)) as? [String: Any])
      let score = NEWS2.score(
        NEWS2.Observations(
          respiratoryRate: object["respiration_rate"] as? Double, oxygenSaturation: object["spo2"] as? Double,
          onOxygen: object["supplemental_oxygen"] as? Bool, pulse: object["heart_rate"] as? Double,
          consciousness: (object["consciousness"] as? String).flatMap(NEWS2.Consciousness.init),
          temperature: object["temperature"] as? Double))
      if record.severity > 0.7 {
        scores.ill.append(score.minimumTotal)
      } else if record.severity == 0 {
        scores.well.append(score.minimumTotal)
      }
    }
    let mean = { (values: [Int]) in Double(values.reduce(0, +)) / Double(max(1, values.count)) }
    #expect(scores.well.count > 20_000 && scores.ill.count > 1_000)
    #expect(mean(scores.well) < 2.5)
    #expect(mean(scores.ill) > mean(scores.well) + 2)
    #expect(Set(simulator.truth.episodes.map(\.kind)) == Set(DeteriorationKind.allCases))
  }

  @Test func movementsAndEpisodesAreConsistent() throws {
    var simulator = VitalsSimulator(seed: 5, beds: 10, speed: 600)
    var bytes: [UInt8] = []
    simulator.append(count: 20_000, startingAt: Self.start, step: 200_000, to: &bytes)
    let truth = simulator.truth
    var present: [String: String] = [:]
    for movement in truth.movements {
      switch movement.kind {
      case .admission:
        #expect(present[movement.patient] == nil)
        present[movement.patient] = movement.ward
      case .transfer:
        #expect(present[movement.patient] != nil && present[movement.patient] != movement.ward)
        present[movement.patient] = movement.ward
      case .discharge:
        #expect(present.removeValue(forKey: movement.patient) == movement.ward)
      }
    }
    #expect(present.count == 10)
    #expect(Set(truth.movements.map(\.kind)).count == 3)
    for episode in truth.episodes {
      #expect(episode.onset < episode.peak && episode.peak < episode.turn && episode.turn < episode.end)
      #expect(episode.severity(at: episode.onset) == 0 && episode.severity(at: episode.end) == 0)
      #expect(episode.severity(at: episode.peak) == episode.severity)
    }
    let directory = try TemporaryDirectory("truth")
    try truth.write(to: directory.path)
    #expect(directory.listing() == ["_episodes.csv", "_movements.csv"])
    let rows = try String(contentsOfFile: directory.file("_episodes.csv"), encoding: .utf8).split(separator: "\n")
    #expect(rows.count == truth.episodes.count + 1)
    #expect(rows.allSatisfy { $0.split(separator: ",").count == 9 })
  }
}
