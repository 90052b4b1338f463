import JSON

/// PV1 to a FHIR Encounter.
enum HL7Encounter {
  static func resource(
    _ message: HL7Message, _ visit: HL7Segment, id: String, patient: String, _ time: HL7Time
  ) -> JSONObject {
    let event = message.type.event ?? ""
    let end = event == "A13" ? nil : time.iso(visit.text(45)) ?? (event == "A03" ? occurred(message, time) : nil)
    var encounter: JSONObject = ["resourceType": "Encounter", "id": .string(id)]
    encounter["status"] = .string(status(event, hasEnded: end != nil))
    let kind = visit.text(2)?.uppercased() ?? ""
    let code = ["I": "IMP", "E": "EMER", "O": "AMB", "R": "AMB", "P": "PRENC", "B": "IMP"][kind] ?? "AMB"
    encounter["class"] = .object([
      "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": .string(code),
    ])
    // PV2-3 or DG1-3 say why; PV1-10 the service.
    let reason =
      message.segments.first { $0.name == "PV2" }?[3].first ?? message.segments.first { $0.name == "DG1" }?[3].first
    if let concept = FHIRPart.concept(reason) { encounter["reasonCode"] = .array([concept]) }
    if let service = visit.text(10) { encounter["type"] = .array([.object(["text": .string(service)])]) }
    encounter["subject"] = FHIRPart.reference("Patient", patient)
    var period: JSONObject = [:]
    let begins = ["A01", "A04", "A05", "A06", "A07"].contains(event)
    if let start = time.iso(visit.text(44)) ?? (begins ? occurred(message, time) : nil) {
      period["start"] = .string(start)
    }
    if let end { period["end"] = .string(end) }
    encounter["period"] = .object(period)
    if let doctor = visit.text(7) {
      encounter["participant"] = .array([.object(["individual": FHIRPart.reference("Practitioner", doctor)])])
    }
    if let facility = visit[3].first?[4] ?? message.header.text(4) {
      encounter["serviceProvider"] = FHIRPart.reference("Organization", facility)
    }
    if let ward = visit.text(3) {
      encounter["location"] = .array([.object(["location": .object(["display": .string(ward)])])])
    }
    return encounter
  }

  /// Admissions that were cancelled (A11) or deleted (A23) never were.
  private static func status(_ event: String, hasEnded: Bool) -> String {
    switch event {
    case "A11", "A23": "entered-in-error"
    case "A05", "A14", "A27", "A38": "planned"
    default: hasEnded ? "finished" : "in-progress"
    }
  }

  /// When the event happened, else when it was recorded, else when the message was sent.
  private static func occurred(_ message: HL7Message, _ time: HL7Time) -> String? {
    let event = message.segments.first { $0.name == "EVN" }
    return time.iso(event?.text(6)) ?? time.iso(event?.text(2)) ?? time.iso(message.header.text(7))
  }
}
