/// Writes one record of a cohort, good or with a fault.
struct ObservationWriter {
  var cursor: ByteCursor
  let key: UnsafeBufferPointer<UInt8>
  let fields: [ObservationField]
  let values: [Double]
  let time: Int64

  private static let notNumbers = ["\"high\"", "{\"value\":1}", "[]", "\"n/a\""]

  /// The time that the record claims: a late one is between a minute and two days old, at an odd microsecond.
  static func claimedTime(_ time: Int64, fault: RecordFault?, _ random: inout SeededRandom) -> Int64 {
    fault == .late ? (time - 60_000_000 - Int64(random.integer(below: 172_740_000_000))) | 1 : time
  }

  /// Writes the record; its length in bytes. `time` is the claimed one.
  mutating func write(fault: RecordFault?, random: inout SeededRandom) -> Int {
    let field = random.integer(below: fields.count)
    switch fault {
    case nil, .duplicate, .late:
      writeObject()
    case .extraField:
      writeObject(end: ",\"ward\":\"B2\"}")
    case .invalidUTF8:
      writeObject(end: ",\"note\":\"caf")
      cursor.write(byte: 0xE9)
      cursor.write("\"}")
    case .brokenJSON:
      if random.chance(0.3) {
        cursor.write("device restarted; readings follow")
      } else {
        writeObject()
        return 20 + random.integer(below: cursor.count - 20)
      }
    case .wrongType:
      writeObject(replacing: field, with: Self.notNumbers[random.integer(below: Self.notNumbers.count)])
    case .notANumber:
      writeObject(replacing: field, with: "NaN")
    case .outOfLimits:
      writeObject(replacing: field, with: random.chance(0.5) ? fields[field].tooHigh : "-999")
    case .missingRequired:
      let lacksPatient = random.chance(0.5)
      writeObject(hasPatient: !lacksPatient, hasTime: lacksPatient)
    }
    return cursor.count
  }

  private mutating func writeObject(
    hasPatient: Bool = true, hasTime: Bool = true, replacing replaced: Int? = nil, with text: String = "",
    end: StaticString = "}"
  ) {
    if hasPatient {
      cursor.write("{\"patient_id\":\"")
      cursor.write(key)
      cursor.write(byte: UInt8(ascii: "\""))
    } else {
      cursor.write("{\"patient_id\":null")
    }
    if hasTime {
      cursor.write(",\"timestamp\":\"")
      cursor.write(timestampMicroseconds: time)
      cursor.write(byte: UInt8(ascii: "\""))
    }
    for index in fields.indices {
      fields[index].prefix.withUnsafeBufferPointer { cursor.write($0) }
      if index == replaced {
        cursor.write(text: text)
      } else if values[index].isNaN {
        cursor.write(text: fields[index].absent.rawValue)
      } else {
        cursor.write(values[index], decimals: fields[index].decimals)
      }
    }
    cursor.write(end)
  }
}
