import Clinical
import Foundation
import LakewardTesting
import Testing

@Suite struct VocabularyTests {
  @Test func everyCodeBelongsToOneParameter() {
    let codes = ClinicalParameter.allCases.flatMap(\.loincCodes)
    #expect(Set(codes).count == codes.count)
    #expect(ClinicalParameter(loinc: "38483-4") == .creatinine)
    #expect(ClinicalParameter(loinc: "2339-0") == .glucose)
    #expect(ClinicalParameter(loinc: "72166-2") == nil)
  }

  @Test(
    arguments: [
      (98.6, nil, 37.0, false), (100.6, "[degF]", 38.111, false), (104.5, "Cel", 40.278, true),
      (36.9, "[degF]", 36.9, true), (36.9, "Deg. F", 36.9, true), (36.9, "Cel", 36.9, false),
      (36.9, "null", 36.9, false),
    ] as [(Double, String?, Double, Bool)])
  func temperatures(value: Double, unit: String?, celsius: Double, isMismatch: Bool) throws {
    let temperature = BodyTemperature(value, unit: unit)
    #expect(abs(try #require(temperature.degreesCelsius) - celsius) < 0.001)
    if case .unitMismatch = temperature { #expect(isMismatch) } else { #expect(!isMismatch) }
  }

  @Test(arguments: [60, 212, 0, -17.8, 45.1, .nan])
  func noTemperature(value: Double) {
    #expect(BodyTemperature(value) == .rejected)
    #expect(BodyTemperature(value, unit: "Cel") == .rejected)
    #expect(BodyTemperature(value, unit: "[degF]") == .rejected)
  }

  @Test(arguments: [
    ("bpm", "/min"), ("BPM", "/min"), ("insp/min", "/min"), ("mmHg", "mm[Hg]"), ("?F", "[degF]"), ("°F", "[degF]"),
    ("IU/L", "U/L"), ("K/uL", "10*3/uL"), ("x10E3/uL", "10*3/uL"), ("mEq/L", "mmol/L"), ("lpm", "L/min"),
  ])
  func unitAliases(alias: String, unit: String) {
    #expect(Units.normalized(alias) == unit)
    #expect(Units.normalized(unit) == unit)
  }

  @Test func unitsAreConverted() throws {
    #expect(Units.normalized("null") == nil)
    #expect(abs(try #require(Units.convert(5, from: "mmol/L", to: .glucose)) - 90.08) < 0.001)
    #expect(abs(try #require(Units.convert(88.42, from: "umol/L", to: .creatinine)) - 1) < 1e-9)
    #expect(Units.convert(140, from: "g/L", to: .hemoglobin) == 14)
    #expect(Units.convert(4.1, from: "mEq/L", to: .potassium) == 4.1)
    #expect(Units.convert(4.1, from: "mg/dL", to: .potassium) == nil)
  }

  @Test func laboratoryTexts() {
    #expect(LaboratoryResult("4.5").map { $0.comparator == .equal && $0.value == 4.5 } == true)
    #expect(LaboratoryResult("<5").map { $0.comparator == .less && $0.value == 5 } == true)
    #expect(LaboratoryResult(" LESS THAN 0.4 ").map { $0.comparator == .less && $0.value == 0.4 } == true)
    #expect(LaboratoryResult("GREATER THAN 500").map { $0.comparator == .greater && $0.value == 500 } == true)
    for text in ["", "UNABLE TO REPORT", "DONE", "nan", "inf", "<", "5 mg", "0x10"] {
      #expect(LaboratoryResult(text) == nil, "\(text)")
    }
  }

  @Test func assessments() {
    #expect(ClinicalParameter.heartRate.assess(0) == .rejected(.noSignal))
    #expect(ClinicalParameter.alanineAminotransferase.assess(0) == .measured(.normal, isSuspect: false))
    #expect(ClinicalParameter.systolicPressure.assess(11_647) == .rejected(.tooHigh))
    #expect(ClinicalParameter.meanPressure.assess(-8) == .rejected(.tooLow))
    #expect(ClinicalParameter.heartRate.assess(8_388_607) == .rejected(.sentinel))
    #expect(ClinicalParameter.heartRate.assess(.nan) == .rejected(.notANumber))
    #expect(ClinicalParameter.heartRate.assess(225) == .measured(.criticalHigh, isSuspect: true))
    #expect(ClinicalParameter.bodyTemperature.assess(38.1) == .measured(.alertHigh, isSuspect: false))
    #expect(ClinicalParameter.oxygenSaturation.assess(91) == .measured(.criticalLow, isSuspect: false))
    #expect(ClinicalParameter.hemoglobin.assess(12.5, isMale: true) == .measured(.alertLow, isSuspect: false))
    #expect(ClinicalParameter.hemoglobin.assess(12.5, isMale: false) == .measured(.normal, isSuspect: false))
    #expect(ClinicalParameter.meanPressure.assess(65) == .measured(.alertLow, isSuspect: false))
  }

  /// What the hard limits reject of real charted values is on record in the clinical reference (section 3.3).
  @Test func hardLimitsOnRealData() throws {
    guard let path = Places.shared("data/vitals/mimic3demo_vitals.csv.gz") else { return }
    let text = try ChildProcess.run("/bin/gzip", ["-dc", path]).output
    var counts: [ClinicalParameter: (n: Int, low: Int, high: Int)] = [:]
    for line in text.split(separator: "\n").dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard let parameter = ClinicalParameter(loinc: String(fields[7])), var value = Double(fields[8]) else { continue }
      if parameter == .bodyTemperature {
        value = BodyTemperature(value, unit: String(fields[9])).degreesCelsius ?? .infinity
      }
      counts[parameter, default: (0, 0, 0)].n += 1
      switch parameter.assess(value) {
      case .rejected(.noSignal), .rejected(.tooLow): counts[parameter]?.low += 1
      case .rejected: counts[parameter]?.high += 1
      case .measured: break
      }
    }
    let expected: [ClinicalParameter: (Int, Int, Int)] = [
      .heartRate: (15_485, 15, 0), .respiratoryRate: (16_584, 87, 2), .oxygenSaturation: (15_300, 22, 0),
      .systolicPressure: (15_613, 37, 1), .diastolicPressure: (15_605, 33, 0), .meanPressure: (15_575, 20, 8),
      .bodyTemperature: (7_342, 0, 0),
    ]
    for (parameter, count) in expected {
      let found = try #require(counts[parameter])
      #expect((found.n, found.low, found.high) == count, "\(parameter)")
    }
  }
}
