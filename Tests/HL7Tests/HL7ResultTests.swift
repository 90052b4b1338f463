import Foundation
import JSON
import Testing

@testable import HL7

@Suite struct HL7ResultTests {
  /// A monitor's and a laboratory's results with what makes them difficult.
  static let results = """
    MSH|^~\\&|MON|W7|LAKE|HOSP|20260105094500+0100||ORU^R01|R1|P|2.5.1|||||||UNICODE UTF-8\r\
    PID|1||42^^^HOSP^MR||DOE^J||195803|F\r\
    PV1|1|I|W7^3^1||||||||||||||||V7^^^HOSP^VN\r\
    OBR|1||F1^MON|85353-1^Vital signs^LN|||202601050930\r\
    OBX|1|NM|8867-4^Heart rate^LN||118|/min^/min^UCUM|51-90|H|||F|||20260105093000+0100||||MON-17\r\
    OBX|2|NM|149530^MDC_PULS_OXIM_PULS_RATE^MDC|1.3.1|117|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R\r\
    OBX|3|NM|150344^MDC_TEMP^MDC|1.2.2|-99.9|268192^MDC_DIM_DEGC^MDC|||||R\r\
    OBX|4|NM|8310-5^Body temperature^LN||101.3|[degF]^^UCUM|||||C\r\
    OBX|5|SN|2160-0^Creatinine^LN||>^25|mg/dL^mg/dL^UCUM|0.6-1.1|HH|||F\r\
    OBX|6|SN|5048-4^ANA^LN||^1^:^128||||||F\r\
    OBX|7|NM|1742-6^ALT^LN|||U/L|||||X\r\
    OBX|8|CWE|ACVPU^Consciousness^L||V^Voice^L||||||F\r\
    OBX|9|NM|3151-8^Oxygen flow^LN||2|L/min^^UCUM|||||F\r\
    OBX|10|NM|9279-1^Respiratory rate^LN||24|/min^^UCUM|||||D\r\
    OBX|11|NM|718-7^Hemoglobin^LN||+08.50|g/dL|||||F\r
    """

  private func resources(_ text: String) throws -> [JSONObject] {
    try HL7Resources(zone: .gmt).resources(try HL7Message(Array(text.utf8))).map(\.json)
  }

  private func value(_ resource: JSONObject, _ path: String...) -> JSONValue? {
    path.reduce(JSONValue?.some(.object(resource))) { value, key in
      Int(key).flatMap { value?.array?[$0] } ?? value?.object?[key]
    }
  }

  @Test func admissionsBecomePatientAndEncounter() throws {
    let found = try resources(HL7MessageTests.admission)
    #expect(found.map { $0["resourceType"]?.string } == ["Patient", "Encounter"])
    let id = NamedUUID.make("hl7:patient:HOSP|42")
    #expect(found[0]["id"]?.string == id)
    #expect(value(found[0], "name", "0", "family")?.string == "GROß")
    #expect(value(found[0], "gender")?.string == "female" && value(found[0], "birthDate")?.string == "1960-01-02")
    #expect(value(found[0], "address", "0", "postalCode")?.string == "1010")
    #expect(value(found[0], "meta", "lastUpdated")?.string == "2026-01-05T08:15:03+01:00")
    #expect(value(found[1], "class", "code")?.string == "IMP" && value(found[1], "status")?.string == "in-progress")
    #expect(value(found[1], "period", "start")?.string == "2026-01-05T08:00:00+01:00")
    #expect(value(found[1], "subject", "reference")?.string == "Patient/\(id)")
  }

  @Test(arguments: [("A03", "finished"), ("A11", "entered-in-error"), ("A13", "in-progress"), ("A05", "planned")])
  func eventsDecideTheStatus(_ event: String, _ status: String) throws {
    let found = try resources(HL7MessageTests.admission.replacing("ADT^A01^ADT_A01", with: "ADT^\(event)"))
    #expect(found[1]["status"]?.string == status)
    #expect((value(found[1], "period", "end") != nil) == (event == "A03"))
  }

  @Test func resultsBecomeObservations() throws {
    let found = try resources(Self.results)
    #expect(found.count == 12)
    // A patient that is only mentioned gives way to every message about it.
    #expect(value(found[0], "meta", "lastUpdated")?.string == "1970-01-01T00:00:00Z")
    let observations = Array(found.dropFirst())
    #expect(value(observations[0], "valueQuantity", "value")?.int == 118)
    #expect(value(observations[0], "effectiveDateTime")?.string == "2026-01-05T09:30:00+01:00")
    // Without a time of its own: the order's, in the message's zone.
    #expect(value(observations[1], "effectiveDateTime")?.string == "2026-01-05T09:30:00+01:00")
    #expect(value(observations[1], "code", "coding", "0", "code")?.string == "8889-8")
    #expect(value(observations[1], "valueQuantity", "code")?.string == "/min")
    #expect(value(observations[1], "status")?.string == "preliminary")
    #expect(observations[2]["valueQuantity"] == nil && observations[2]["valueString"] == nil)
    #expect(value(observations[3], "status")?.string == "corrected")
    #expect(value(observations[4], "valueQuantity", "comparator")?.string == ">")
    #expect(value(observations[5], "valueRatio", "denominator", "value")?.int == 128)
    #expect(value(observations[6], "status")?.string == "cancelled")
    #expect(value(observations[9], "status")?.string == "entered-in-error" && observations[9]["valueQuantity"] == nil)
    #expect(value(observations[10], "valueQuantity", "value")?.number == 8.5)
  }

  @Test func aCorrectionHasTheIdOfWhatItCorrects() throws {
    let first = try resources(Self.results).compactMap { $0["id"]?.string }
    let later = try resources(
      Self.results.replacing("|118|/min", with: "|88|/min").replacing("|R1|P|", with: "|R2|P|")
        .replacing("MSH|^~\\&|MON|W7|LAKE|HOSP|20260105094500", with: "MSH|^~\\&|MON|W7|LAKE|HOSP|20260105104500"))
    #expect(later.compactMap { $0["id"]?.string } == first)
    #expect(Set(first).count == first.count)
  }

  @Test func vitalSignsBecomeReadings() throws {
    let message = try HL7Message(Array(Self.results.utf8))
    let readings = HL7Vitals.records(message, zone: .gmt)
    #expect(readings.count == 1)
    let reading = try #require(readings.first)
    #expect(reading["patient_id"]?.string == NamedUUID.make("hl7:patient:HOSP|42"))
    #expect(reading["heart_rate"]?.number == 118, "the ECG's, not the oximeter's")
    #expect(reading["temperature"]?.number == 101.3 && reading["temperature_unit"]?.string == "[degF]")
    #expect(reading["respiration_rate"] == nil, "it was deleted")
    #expect(reading["consciousness"]?.string == "V" && reading["supplemental_oxygen"]?.bool == true)
    #expect(reading["ward"]?.string == "W7" && reading["device_id"]?.string == "MON-17")
  }

  @Test func testMessagesAndOtherTypesHoldNoFacts() throws {
    #expect(try resources(Self.results.replacing("|R1|P|", with: "|R1|T|")).isEmpty)
    #expect(try resources(Self.results.replacing("ORU^R01", with: "MDM^T02")).isEmpty)
    #expect(throws: HL7Error.self) { try resources(Self.results.replacing("42^^^HOSP^MR", with: "999^^^USA^SS")) }
  }
}
