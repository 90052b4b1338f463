/// Writes one illness record, good or with a fault.
struct IllnessRecordWriter {
  var cursor: ByteCursor
  let key: UnsafeBufferPointer<UInt8>
  let patient: IllnessRecordSimulator.Patient
  let measured: Levels
  let time: Int64

  /// Names of the measured fields with what stands around them, in the order of ``Analyte``.
  private static let names: [StaticString] = [
    ",\"body_mass_index\":", ",\"body_temperature\":", ",\"heart_rate\":", ",\"systolic_blood_pressure\":",
    ",\"creatinine\":", ",\"alanine_aminotransferase_[enzymatic_activity/volume]_in_serum_or_plasma\":",
    ",\"glucose\":", ",\"hemoglobin_[mass/volume]_in_blood\":",
    ",\"leukocytes_[#/volume]_in_blood_by_automated_count\":", ",\"oxygen_saturation_in_arterial_blood\":",
  ]
  private static let decimals = [1, 1, 0, 0, 2, 1, 1, 1, 1, 1]
  /// Laboratory values may be missing; vital signs never are.
  private static let isLaboratory = [false, false, false, false, true, true, true, true, true, false]
  /// A value above the hard validity limit of each field; -999 (a device's "no signal") is below every limit.
  private static let tooHigh: [StaticString] = [
    "240.0", "212.0", "8388607", "11647", "138", "99999", "36000", "150.0", "5000", "140",
  ]
  private static let notNumbers: [StaticString] = ["\"high\"", "{\"value\":1}", "[]", "\"n/a\""]

  /// What stands in place of a measured field's value.
  private enum Replacement {
    case none
    case text(lane: Int, StaticString)
  }

  /// Writes the record; its length in bytes.
  mutating func write(fault: RecordFault?, missingShare: Double, random: inout SeededRandom) -> Int {
    switch fault {
    case nil, .duplicate:
      writeObject(time: time, missingShare: missingShare, random: &random)
      cursor.write(byte: UInt8(ascii: "}"))
    case .late:
      let lateness = 60_000_000 + Int64(random.integer(below: 172_740_000_000))
      writeObject(time: (time - lateness) | 1, missingShare: missingShare, random: &random)
      cursor.write(byte: UInt8(ascii: "}"))
    case .extraField:
      writeObject(time: time, missingShare: missingShare, random: &random)
      cursor.write(",\"ward\":\"B2\"}")
    case .invalidUTF8:
      writeObject(time: time, missingShare: missingShare, random: &random)
      cursor.write(",\"note\":\"caf")
      cursor.write(byte: 0xE9)
      cursor.write("\"}")
    case .brokenJSON:
      return writeBroken(missingShare: missingShare, random: &random)
    case .wrongType:
      writeWrongType(random: &random)
    case .notANumber:
      let lane = random.integer(below: Analyte.inRecord)
      writeObject(time: time, missingShare: 0, replacement: .text(lane: lane, "NaN"), random: &random)
      cursor.write(byte: UInt8(ascii: "}"))
    case .outOfLimits:
      let lane = random.integer(below: Analyte.inRecord)
      let text = random.chance(0.5) ? Self.tooHigh[lane] : "-999"
      writeObject(time: time, missingShare: 0, replacement: .text(lane: lane, text), random: &random)
      cursor.write(byte: UInt8(ascii: "}"))
    case .missingRequired:
      writeMissing(random: &random)
    }
    return cursor.count
  }

  private mutating func writeObject(
    time: Int64, missingShare: Double, replacement: Replacement = .none, random: inout SeededRandom
  ) {
    cursor.write("{\"patient_id\":\"")
    cursor.write(key)
    cursor.write("\",\"timestamp\":\"")
    cursor.write(timestampMicroseconds: time)
    cursor.write("\"")
    writeRest(missingShare: missingShare, replacement: replacement, random: &random)
  }

  private mutating func writeRest(
    gender: StaticString? = nil, missingShare: Double, replacement: Replacement, random: inout SeededRandom
  ) {
    cursor.write(",\"birthday\":\"")
    cursor.write(patient.birth)
    cursor.write("\",\"gender\":")
    if let gender {
      cursor.write(gender)
    } else {
      cursor.write(byte: UInt8(ascii: "0") + patient.sex.rawValue)
    }
    for lane in 0..<Analyte.inRecord {
      cursor.write(Self.names[lane])
      if case .text(let replaced, let text) = replacement, replaced == lane {
        cursor.write(text)
      } else if Self.isLaboratory[lane], missingShare > 0, random.chance(missingShare) {
        cursor.write("null")
      } else {
        cursor.write(Double(measured[lane]), decimals: Self.decimals[lane])
      }
    }
  }

  private mutating func writeBroken(missingShare: Double, random: inout SeededRandom) -> Int {
    switch random.integer(below: 3) {
    case 0:
      writeObject(time: time, missingShare: missingShare, random: &random)
      return 20 + random.integer(below: cursor.count - 20)
    case 1:
      cursor.write("device restarted; readings follow")
    default:
      cursor.write("{\"patient_id\" \"")
      cursor.write(key)
      cursor.write("\",\"timestamp\":\"")
      cursor.write(timestampMicroseconds: time)
      cursor.write("\"}")
    }
    return cursor.count
  }

  private mutating func writeWrongType(random: inout SeededRandom) {
    let text = Self.notNumbers[random.integer(below: Self.notNumbers.count)]
    let field = random.integer(below: Analyte.inRecord + 3)
    switch field {
    case Analyte.inRecord:
      cursor.write("{\"patient_id\":12345,\"timestamp\":\"")
      cursor.write(timestampMicroseconds: time)
      cursor.write("\"")
      writeRest(missingShare: 0, replacement: .none, random: &random)
    case Analyte.inRecord + 1:
      cursor.write("{\"patient_id\":\"")
      cursor.write(key)
      cursor.write("\",\"timestamp\":\"yesterday\"")
      writeRest(missingShare: 0, replacement: .none, random: &random)
    case Analyte.inRecord + 2:
      cursor.write("{\"patient_id\":\"")
      cursor.write(key)
      cursor.write("\",\"timestamp\":\"")
      cursor.write(timestampMicroseconds: time)
      cursor.write("\"")
      writeRest(gender: "\"unknown\"", missingShare: 0, replacement: .none, random: &random)
    default:
      writeObject(time: time, missingShare: 0, replacement: .text(lane: field, text), random: &random)
    }
    cursor.write(byte: UInt8(ascii: "}"))
  }

  private mutating func writeMissing(random: inout SeededRandom) {
    switch random.integer(below: 3) {
    case 0:
      cursor.write("{\"timestamp\":\"")
      cursor.write(timestampMicroseconds: time)
      cursor.write("\"")
    case 1:
      cursor.write("{\"patient_id\":\"")
      cursor.write(key)
      cursor.write("\"")
    default:
      cursor.write("{\"patient_id\":\"")
      cursor.write(key)
      cursor.write("\",\"timestamp\":null")
    }
    writeRest(missingShare: 0, replacement: .none, random: &random)
    cursor.write(byte: UInt8(ascii: "}"))
  }
}
