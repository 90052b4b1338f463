public import Foundation
public import JSON

/// A FHIR R4 resource that a message stands for.
public struct HL7Resource: Sendable, Hashable {
  /// The resource as a JSON object.
  public let json: JSONObject
}

/// Turns messages into FHIR resources (as HL7's v2-to-FHIR guide does): ADT into Patient and Encounter, ORU^R01 into
/// Observation, so that one mapping makes rows of both and one rule applies corrections.
public struct HL7Resources: Sendable {
  /// The zone of senders that name none.
  private let zone: TimeZone

  /// - Parameter zone: The zone of times without an offset, where MSH-7 has none either.
  public init(zone: TimeZone) { self.zone = zone }

  /// The resources of a message; none for a type that holds no such facts, or a test message (MSH-11 T or D).
  ///
  /// - Throws: `HL7Error` for a message that should hold facts and names no patient.
  public func resources(_ message: HL7Message) throws(HL7Error) -> [HL7Resource] {
    let isAdmission = message.type.code == "ADT"
    let isResult = message.type.code == "ORU"
    guard isAdmission || isResult, !message.isTest else { return [] }
    let subjects = HL7Subjects(message)
    guard let patient = subjects.patientId, let identification = subjects.identification else {
      throw HL7Error(
        101, "PID", 3, "the message names no patient: no identifier of type MR, PI or PT, or without a type")
    }
    let time = HL7Time(message, zone: zone)
    let sent = time.iso(message.header.text(7))
    var resources: [JSONObject] = []
    // Results bring few demographics, some none: what an admission message said stays.
    if isAdmission || identification[5].first?[1] != nil {
      resources.append(HL7Patient.resource(identification, id: patient, time))
    }
    if isAdmission, let visit = subjects.visit, let encounter = subjects.encounterId {
      resources.append(HL7Encounter.resource(message, visit, id: encounter, patient: patient, time))
    }
    let weak = isResult ? resources.count : 0
    if isResult {
      resources += HL7Observation.resources(message, patient: patient, encounter: subjects.encounterId, time)
    }
    return resources.enumerated().map { index, json in
      HL7Resource(json: Self.stamped(json, sent: sent, isWeak: index < weak))
    }
  }

  /// The version of a resource is the time of its message. What a message only mentions gives way to every message that
  /// is about it: its version is older than all of them.
  private static func stamped(_ resource: JSONObject, sent: String?, isWeak: Bool) -> JSONObject {
    guard let sent else { return resource }
    var resource = resource
    let version = JSONValue.string(String(sent.filter(\.isNumber).prefix(14)))
    resource["meta"] =
      isWeak
      ? .object(["lastUpdated": "1970-01-01T00:00:00Z", "versionId": version]) : .object(["lastUpdated": .string(sent)])
    return resource
  }
}

extension JSONValue: ExpressibleByStringLiteral {
  /// A JSON string.
  public init(stringLiteral value: String) { self = .string(value) }
}

/// Pieces of FHIR that several resources share.
enum FHIRPart {
  static func reference(_ type: String, _ id: String) -> JSONValue { .object(["reference": .string("\(type)/\(id)")]) }

  /// A CodeableConcept of coded triplets: code, text, system.
  static func concept(_ value: HL7Value?, adding: [JSONValue] = []) -> JSONValue? {
    guard let value else { return adding.isEmpty ? nil : .object(["coding": .array(adding)]) }
    var codings = adding
    for first in [1, 4] {
      guard let code = value[first] else { continue }
      codings.append(coding(code, value[first + 1], system: system(value[first + 2])))
    }
    var concept: JSONObject = [:]
    if !codings.isEmpty { concept["coding"] = .array(codings) }
    if let text = value[9] ?? value[2] { concept["text"] = .string(text) }
    return concept.members.isEmpty ? nil : .object(concept)
  }

  static func coding(_ code: String, _ display: String?, system: String?) -> JSONValue {
    var coding: JSONObject = [:]
    if let system { coding["system"] = .string(system) }
    coding["code"] = .string(code)
    if let display { coding["display"] = .string(display) }
    return .object(coding)
  }

  /// HL7 table 0396 to FHIR's addresses of code systems.
  static func system(_ name: String?) -> String? {
    switch name?.uppercased() {
    case nil: nil
    case "LN": "http://loinc.org"
    case "SCT": "http://snomed.info/sct"
    case "MDC": HL7Device.system
    case "UCUM": "http://unitsofmeasure.org"
    case "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm"
    case "CVX": "http://hl7.org/fhir/sid/cvx"
    case "I10", "I10C": "http://hl7.org/fhir/sid/icd-10-cm"
    case let other?: "urn:hl7v2:\(other)"
    }
  }
}
