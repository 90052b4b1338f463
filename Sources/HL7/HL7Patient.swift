import JSON

/// PID to a FHIR Patient.
enum HL7Patient {
  private static let birthPlace = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
  private static let core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"

  static func resource(_ pid: HL7Segment, id: String, _ time: HL7Time) -> JSONObject {
    var patient: JSONObject = ["resourceType": "Patient", "id": .string(id)]
    patient["identifier"] = .array(pid[3].compactMap(identifier) + social(pid))
    if let name = name(pid[5].first) { patient["name"] = .array([name]) }
    let sex = ["F": "female", "M": "male", "O": "other", "A": "other"][pid.text(8)?.uppercased() ?? ""]
    patient["gender"] = .string(sex ?? "unknown")
    if let birth = time.iso(pid.text(7)) { patient["birthDate"] = .string(String(birth.prefix(10))) }
    if let death = time.iso(pid.text(29)) {
      patient["deceasedDateTime"] = .string(death)
    } else if pid.text(30) == "Y" {
      patient["deceasedBoolean"] = .bool(true)
    }
    if let address = address(pid[11].first) { patient["address"] = .array([address]) }
    if let marital = pid[16].first, let concept = FHIRPart.concept(marital) { patient["maritalStatus"] = concept }
    var extensions: [JSONValue] = []
    if let race = pid.text(10) { extensions.append(category("race", race)) }
    if let group = pid.text(22).flatMap({ ["H": "2135-2", "N": "2186-5", "2135-2": "2135-2", "2186-5": "2186-5"][$0] })
    {
      extensions.append(category("ethnicity", group))
    }
    if let place = pid.text(23) {
      extensions.append(
        .object(["url": .string(birthPlace), "valueAddress": .object(["city": .string(place)])]))
    }
    if !extensions.isEmpty { patient["extension"] = .array(extensions) }
    return patient
  }

  private static func identifier(_ value: HL7Value) -> JSONValue? {
    guard let number = value[1] else { return nil }
    var identifier: JSONObject = [:]
    if let type = value[5] { identifier["type"] = .object(["coding": .array([.object(["code": .string(type)])])]) }
    if let authority = value[4] { identifier["system"] = .string("urn:hl7v2:\(authority)") }
    identifier["value"] = .string(number)
    return .object(identifier)
  }

  /// PID-19, where older versions keep the social security number.
  private static func social(_ pid: HL7Segment) -> [JSONValue] {
    guard let number = pid.text(19) else { return [] }
    let type = JSONValue.object(["coding": .array([.object(["code": "SS"])])])
    return [.object(["type": type, "value": .string(number)])]
  }

  private static func name(_ value: HL7Value?) -> JSONValue? {
    guard let value else { return nil }
    var name: JSONObject = ["use": "official"]
    if let family = value[1] { name["family"] = .string(family) }
    let given = [value[2], value[3]].compactMap { $0.map(JSONValue.string) }
    if !given.isEmpty { name["given"] = .array(given) }
    if let suffix = value[4] { name["suffix"] = .array([.string(suffix)]) }
    if let prefix = value[5] { name["prefix"] = .array([.string(prefix)]) }
    return name.members.count > 1 ? .object(name) : nil
  }

  private static func address(_ value: HL7Value?) -> JSONValue? {
    guard let value else { return nil }
    var address: JSONObject = [:]
    if let line = value[1] { address["line"] = .array([.string(line)]) }
    for (key, component) in [("city", 3), ("state", 4), ("postalCode", 5), ("country", 6), ("district", 9)] {
      if let text = value[component] { address[key] = .string(text) }
    }
    return address.members.isEmpty ? nil : .object(address)
  }

  private static func category(_ kind: String, _ code: String) -> JSONValue {
    .object([
      "url": .string(core + kind),
      "extension": .array([.object(["url": "ombCategory", "valueCoding": .object(["code": .string(code)])])]),
    ])
  }
}
