/// Codes of medical devices (ISO/IEEE 11073-10101) and their equals in LOINC and UCUM.
enum HL7Device {
  static let system = "urn:iso:std:iso:11073:10101"

  /// Measurements. The pulse of an oximeter is kept apart from the heart rate of an ECG.
  static let loinc: [String: (code: String, display: String)] = [
    "147842": ("8867-4", "Heart rate"),
    "149530": ("8889-8", "Heart rate by Pulse oximetry"),
    "150456": ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
    "151562": ("9279-1", "Respiratory rate"),
    "150021": ("8480-6", "Systolic blood pressure"),
    "150022": ("8462-4", "Diastolic blood pressure"),
    "150023": ("8478-0", "Mean blood pressure"),
    "150344": ("8310-5", "Body temperature"),
  ]

  static let ucum = [
    "264864": "/min", "264928": "/min", "262688": "%", "266016": "mm[Hg]", "268192": "Cel",
    "MDC_DIM_BEAT_PER_MIN": "/min", "MDC_DIM_RESP_PER_MIN": "/min", "MDC_DIM_PERCENT": "%",
    "MDC_DIM_MMHG": "mm[Hg]", "MDC_DIM_DEGC": "Cel", "MDC_DIM_FAHR": "[degF]",
  ]

  /// What monitors send instead of a value.
  static let noValue: Set<Double> = [-999, -100, -99.9, 8_388_607]
}

/// An OBX segment with what is needed to read it.
struct HL7Result {
  let segment: HL7Segment
  /// ISO 8601: of the OBX, else of its OBR, else of the message.
  let time: String?

  /// LOINC's code, directly or by the code of a device; nil if it has none.
  var loinc: String? {
    guard let name = segment[3].first else { return nil }
    for first in [1, 4] where name[first + 2]?.uppercased() == "LN" { return name[first] }
    return deviceCode.flatMap { HL7Device.loinc[$0]?.code }
  }

  private var deviceCode: String? {
    guard let name = segment[3].first else { return nil }
    return [1, 4].lazy.compactMap { first in name[first + 2]?.uppercased() == "MDC" ? name[first] : nil }.first
  }

  /// The equal of a device's code in LOINC.
  var equal: (code: String, display: String)? { deviceCode.flatMap { HL7Device.loinc[$0] } }

  /// The unit in UCUM where it is known, else as it came.
  var unit: String? {
    guard let unit = segment[6].first, let code = unit[1] else { return nil }
    return HL7Device.ucum[code] ?? unit[2].flatMap { HL7Device.ucum[$0] } ?? code
  }

  /// The value of a numeric result, with the text it came as; nil if there is none, or if it stands for none.
  var number: (value: Double, text: String)? {
    guard segment.text(2) == "NM", segment[5].count == 1, let text = segment.text(5),
      let value = HL7Result.decimal(text)
    else { return nil }
    return deviceCode != nil && HL7Device.noValue.contains(value) ? nil : (value, text)
  }

  /// The status of OBX-11 (HL7 table 0085) as FHIR's.
  var status: String {
    switch segment.text(11) ?? "F" {
    case "C": "corrected"
    case "A": "amended"
    case "D", "W": "entered-in-error"
    case "X", "N", "O": "cancelled"
    case "I": "registered"
    case "P", "R", "S", "B": "preliminary"
    default: "final"
    }
  }

  /// Whether the result stands for a value that somebody may use.
  var isUsable: Bool { !["entered-in-error", "cancelled", "registered"].contains(status) }

  /// A number as HL7 writes it (NM): digits with a point, a sign before them.
  static func decimal(_ text: String) -> Double? {
    let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E].contains($0) }
    guard isPlain, let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// The results of a message in order, each under its OBR.
  static func all(_ message: HL7Message, _ time: HL7Time) -> [(order: HL7Segment?, result: HL7Result)] {
    var order: HL7Segment?
    var results: [(HL7Segment?, HL7Result)] = []
    for segment in message.segments {
      if segment.name == "OBR" { order = segment }
      guard segment.name == "OBX" else { continue }
      let moment = time.iso(segment.text(14)) ?? time.iso(order?.text(7)) ?? time.iso(message.header.text(7))
      results.append((order, HL7Result(segment: segment, time: moment)))
    }
    return results
  }
}
