import JSON

/// OBX to FHIR Observations.
enum HL7Observation {
  private static let vitalSigns: Set<String> = [
    "8867-4", "8889-8", "9279-1", "59408-5", "2708-6", "8480-6", "8462-4", "8478-0", "8310-5", "3151-8", "3150-6",
    "8302-2", "29463-7", "39156-5", "9843-4",
  ]

  static func resources(
    _ message: HL7Message, patient: String, encounter: String?, _ time: HL7Time
  ) -> [JSONObject] {
    HL7Result.all(message, time).map { order, result in
      var resource: JSONObject = ["resourceType": "Observation"]
      resource["id"] = .string(id(order, result, patient: patient))
      resource["status"] = .string(result.status)
      let loinc = result.loinc
      resource["category"] = .array([
        .object([
          "coding": .array([.object(["code": loinc.map(vitalSigns.contains) == true ? "vital-signs" : "laboratory"])])
        ])
      ])
      let equal = result.equal.map { FHIRPart.coding($0.code, $0.display, system: "http://loinc.org") }
      if let concept = FHIRPart.concept(result.segment[3].first, adding: equal.map { [$0] } ?? []) {
        resource["code"] = concept
      }
      resource["subject"] = FHIRPart.reference("Patient", patient)
      if let encounter { resource["encounter"] = FHIRPart.reference("Encounter", encounter) }
      if let time = result.time { resource["effectiveDateTime"] = .string(time) }
      if result.isUsable, let (key, value) = value(result) { resource[key] = value }
      if let range = result.segment.text(7) { resource["referenceRange"] = .array([.object(["text": .string(range)])]) }
      if let flag = result.segment.text(8) {
        resource["interpretation"] = .array([.object(["coding": .array([.object(["code": .string(flag)])])])])
      }
      if let device = result.segment.text(18) { resource["device"] = .object(["display": .string(device)]) }
      return resource
    }
  }

  /// A correction has the same patient, filler order, code, sub-id and time as what it corrects.
  private static func id(_ order: HL7Segment?, _ result: HL7Result, patient: String) -> String {
    let parts = [
      patient, order?.text(3), result.segment.text(3), result.segment[3].first?[3], result.segment.text(4), result.time,
    ]
    return NamedUUID.make("hl7:observation:" + parts.map { $0 ?? "" }.joined(separator: "|"))
  }

  /// The member of the resource that holds the value, by the value type of OBX-2; nil if there is no value.
  private static func value(_ result: HL7Result) -> (String, JSONValue)? {
    let segment = result.segment
    switch segment.text(2) {
    case "NM":
      if let number = result.number { return ("valueQuantity", quantity(number.text, result)) }
      let isNumber = segment.text(5).flatMap(HL7Result.decimal) != nil && segment[5].count == 1
      return isNumber ? nil : text(segment)
    case "SN": return structured(result)
    case "CE", "CWE", "CNE", "CF", "IS", "ID":
      return FHIRPart.concept(segment[5].first).map { ("valueCodeableConcept", $0) }
    // Waveforms and documents are no rows of a table; the message is kept.
    case "NA", "MA", "ED", "RP": return nil
    default: return text(segment)
    }
  }

  private static func text(_ segment: HL7Segment) -> (String, JSONValue)? {
    let lines = segment[5].compactMap(\.text)
    return lines.isEmpty ? nil : ("valueString", .string(lines.joined(separator: "\n")))
  }

  private static func quantity(_ text: String, _ result: HL7Result, comparator: String? = nil) -> JSONValue {
    var quantity: JSONObject = ["value": number(text)]
    if let comparator { quantity["comparator"] = .string(comparator) }
    if let unit = result.unit { quantity["code"] = .string(unit) }
    return .object(quantity)
  }

  /// A JSON number; HL7 allows a sign and zeros in front, JSON does not.
  private static func number(_ text: String) -> JSONValue {
    if let whole = Int64(text) { return .int(whole) }
    return .double(Double(text) ?? 0)
  }

  /// SN (HL7 v2.5.1, 2.A.71): `>^25`, `^100^-^200`, `^1^:^128`.
  private static func structured(_ result: HL7Result) -> (String, JSONValue)? {
    guard let value = result.segment[5].first else { return nil }
    let first = value[2].flatMap { HL7Result.decimal($0) == nil ? nil : $0 }
    let second = value[4].flatMap { HL7Result.decimal($0) == nil ? nil : $0 }
    switch (first, value[3], second) {
    case (let low?, "-", let high?):
      return ("valueRange", .object(["low": quantity(low, result), "high": quantity(high, result)]))
    case (let upper?, ":", let lower?), (let upper?, "/", let lower?):
      return ("valueRatio", .object(["numerator": quantity(upper, result), "denominator": quantity(lower, result)]))
    case (let number?, nil, nil):
      let comparator = value[1].flatMap { [">", "<", ">=", "<="].contains($0) ? $0 : nil }
      return ("valueQuantity", quantity(number, result, comparator: comparator))
    default: return text(result.segment)
    }
  }
}
