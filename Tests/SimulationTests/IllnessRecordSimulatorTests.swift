import Clinical
import Foundation
import Testing

@testable import Simulation

@Suite struct IllnessRecordSimulatorTests {
  static let start: Int64 = 1_767_225_600_000_000

  static func records(_ count: Int, seed: UInt64 = 7, patients: Int = 100, faults: FaultRates? = nil)
    -> (bytes: [UInt8], truth: IllnessTruth)
  {
    var simulator = IllnessRecordSimulator(seed: seed, patients: patients, faults: faults)
    var bytes: [UInt8] = []
    simulator.append(count: count, startingAt: start, to: &bytes)
    return (bytes, simulator.truth)
  }

  @Test func theSameSeedGivesTheSameBytes() {
    #expect(Self.records(500, faults: .mixed).bytes == Self.records(500, faults: .mixed).bytes)
    #expect(Self.records(500).bytes != Self.records(500, seed: 8).bytes)
  }

  @Test func oneCallOrManyGiveTheSameBytes() {
    var simulator = IllnessRecordSimulator(seed: 7, patients: 100)
    var bytes: [UInt8] = []
    for part in 0..<5 {
      simulator.append(count: 100, startingAt: Self.start + Int64(part) * 100_000, to: &bytes)
    }
    #expect(bytes == Self.records(500).bytes)
  }

  @Test func everyGoodRecordHasTheFieldsWithinLimits() throws {
    let fields: [(String, ClosedRange<Double>)] = [
      ("gender", 0...1), ("body_mass_index", 7...120), ("body_temperature", 25...45), ("heart_rate", 10...300),
      ("systolic_blood_pressure", 30...300), ("creatinine", 0.05...60),
      ("alanine_aminotransferase_[enzymatic_activity/volume]_in_serum_or_plasma", 0...15_000),
      ("glucose", 10...2_000), ("hemoglobin_[mass/volume]_in_blood", 1...25),
      ("leukocytes_[#/volume]_in_blood_by_automated_count", 0...1_000),
      ("oxygen_saturation_in_arterial_blood", 30...100),
    ]
    let (bytes, truth) = Self.records(2_000)
    var keys: Set<String> = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
      #expect(object.count == 14)
      let patient = try #require((object["patient_id"] as? String).flatMap { UUID(uuidString: $0) })
      let timestamp = try #require(object["timestamp"] as? String)
      #expect(timestamp.hasPrefix("2026-01-01T00:00:0") && timestamp.hasSuffix("Z"))
      #expect((object["birthday"] as? String)?.count == 10)
      keys.insert("\(patient) \(timestamp)")
      for (name, range) in fields {
        if object[name] is NSNull { continue }
        #expect(range.contains(try #require(object[name] as? Double)), "\(name)")
      }
    }
    #expect(keys.count == 2_000)
    #expect(truth.records == 2_000 && truth.accepted == 2_000 && truth.bytes == bytes.count)
    #expect((500...1_300).contains(truth.ill))
  }

  @Test func theTruthCountsWhatAParserFinds() {
    let (bytes, truth) = Self.records(20_000, faults: FaultRates(total: 0.2))
    var seen: Set<ArraySlice<UInt8>> = []
    var unreadable = 0
    var copies = 0
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      if !seen.insert(line).inserted, line.first == UInt8(ascii: "{") { copies += 1 }
      if (try? JSONSerialization.jsonObject(with: Data(line))) == nil { unreadable += 1 }
    }
    for fault in RecordFault.allCases {
      #expect((300...600).contains(truth[fault]), "\(fault)")
    }
    #expect(copies == truth[.duplicate])
    #expect(unreadable == truth[.brokenJSON] + truth[.notANumber] + truth[.invalidUTF8])
    #expect(truth.accepted + truth.quarantined + truth[.duplicate] == truth.records)
  }

  @Test func timeNeverGoesBack() {
    var simulator = IllnessRecordSimulator(seed: 1, patients: 3)
    var bytes: [UInt8] = []
    simulator.append(count: 10, startingAt: Self.start + 2, step: 2, to: &bytes)
    simulator.append(count: 10, startingAt: Self.start, step: 2, to: &bytes)
    let times = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
      String(line.split(separator: "\"")[7])
    }
    #expect(Set(times).count == 20)
    #expect(times == times.sorted())
  }

  @Test func aLandingFileAppearsWholeOrGrows() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/landing-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let lines = Array("{\"a\":1}\n".utf8)
    let whole = try LandingWriter(folder: folder, maximumFileBytes: 10)
    try whole.write(lines)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["records-000001.ndjson.tmp"])
    try whole.write(lines)
    try whole.write(lines)
    try whole.close()
    #expect(whole.files == ["records-000001.ndjson", "records-000002.ndjson"])
    #expect(FileManager.default.contents(atPath: folder + "/records-000001.ndjson")?.count == 16)

    let growing = try LandingWriter(folder: folder, delivery: .growing)
    try growing.write(lines)
    #expect(FileManager.default.contents(atPath: folder + "/records-000003.ndjson")?.count == 8)
  }

  @Test func aFolderThatCannotBeMadeIsAClearError() {
    #expect(throws: SimulationError.self) { try LandingWriter(folder: "/dev/null/landing") }
  }
}
