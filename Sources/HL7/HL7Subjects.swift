/// Who and what a message is about: the names under which its facts are kept.
///
/// A sender's numbers are unique within their assigning authority only, so a patient's id is a UUID named by authority and
/// number (version 5 of RFC 9562), the same in every message and table. A number that is a UUID already is taken as it is,
/// which joins HL7 patients with those of FHIR and CSV.
struct HL7Subjects {
  let patientId: String?
  /// The visit's id, if the message names a visit.
  let encounterId: String?
  let identification: HL7Segment?
  let visit: HL7Segment?

  init(_ message: HL7Message) {
    identification = message.segments.first { $0.name == "PID" }
    visit = message.segments.first { $0.name == "PV1" }
    let facility = message.header.text(4) ?? ""
    // PID-3 repeats: medical record numbers first, then internal ones, then what has no type; never an SSN.
    let numbers = identification?[3] ?? []
    let number = ["MR", "PI", "PT", nil].lazy.compactMap { type in numbers.first { $0[5] == type } }.first
    patientId =
      Self.id("patient", number, facility: facility) ?? Self.id("patient", identification?[2].first, facility: facility)
    encounterId = Self.id("encounter", visit?[19].first, facility: facility)
  }

  private static func id(_ kind: String, _ number: HL7Value?, facility: String) -> String? {
    guard let number, let text = number[1] else { return nil }
    if NamedUUID.isUUID(text) { return text.lowercased() }
    return NamedUUID.make("hl7:\(kind):\(number[4] ?? facility)|\(text)")
  }
}
