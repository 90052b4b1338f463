public import Foundation
public import JSON

/// ORU^R01 to readings of vital signs as the pipeline `vitals` takes them: one record per patient and moment.
public enum HL7Vitals {
  /// LOINC to the record's fields.
  private static let fields = [
    "8867-4": "heart_rate", "9279-1": "respiration_rate", "59408-5": "spo2", "2708-6": "spo2", "8310-5": "temperature",
    "8480-6": "systolic", "8462-4": "diastolic",
  ]
  /// SNOMED CT's and local answers on consciousness as ACVPU.
  private static let consciousness = [
    "248234008": "A", "300202002": "V", "450847001": "P", "422768004": "U", "130987000": "C",
  ]

  /// The readings of a message, in order of their times; none if it holds no vital sign or is a test.
  ///
  /// - Parameter zone: The zone of times without an offset, where MSH-7 has none either.
  public static func records(_ message: HL7Message, zone: TimeZone) -> [JSONObject] {
    let subjects = HL7Subjects(message)
    guard message.type.code == "ORU", !message.isTest, let patient = subjects.patientId else { return [] }
    var readings: [String: JSONObject] = [:]
    for (_, result) in HL7Result.all(message, HL7Time(message, zone: zone)) {
      guard result.isUsable, let time = result.time, time.count > 10 else { continue }
      var reading = readings[time] ?? [:]
      add(result, to: &reading)
      guard !reading.members.isEmpty else { continue }
      if reading["device_id"] == nil, let device = result.segment.text(18) ?? message.header.text(3) {
        reading["device_id"] = .string(device)
      }
      readings[time] = reading
    }
    return readings.sorted { $0.key < $1.key }.map { time, reading in
      var record: JSONObject = ["patient_id": .string(patient), "timestamp": .string(time)]
      // An oximeter's pulse is the heart rate only where no ECG tells it.
      for (key, value) in reading.members where key != "pulse" { record[key] = value }
      if record["heart_rate"] == nil, let pulse = reading["pulse"] { record["heart_rate"] = pulse }
      if let ward = subjects.visit?.text(3) { record["ward"] = .string(ward) }
      return record
    }
  }

  private static func add(_ result: HL7Result, to reading: inout JSONObject) {
    let code = result.loinc ?? ""
    if let value = result.number?.value {
      if let field = fields[code] {
        reading[field] = .double(value)
        if field == "temperature", let unit = result.unit { reading["temperature_unit"] = .string(unit) }
      } else if code == "8889-8" {
        reading["pulse"] = .double(value)
      } else if code == "3151-8" {
        reading["supplemental_oxygen"] = .bool(value > 0)
      }
    } else if let answer = result.segment.text(5) {
      let isACVPU = result.segment.text(3)?.uppercased() == "ACVPU" && ["A", "C", "V", "P", "U"].contains(answer)
      if let letter = consciousness[answer] ?? (isACVPU ? answer : nil) { reading["consciousness"] = .string(letter) }
    }
  }
}
