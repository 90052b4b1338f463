import Clinical

/// Writes one reading of a wearable device, good or with a fault.
struct VitalsRecordWriter {
  var cursor: ByteCursor
  let bed: WardBed
  let levels: VitalLevels
  let time: Int64
  let wardName: StaticString

  /// Writes the reading; its length in bytes.
  mutating func write(fault: VitalsFault?, random: inout SeededRandom) -> Int {
    switch fault {
    case nil, .duplicate:
      writeObject(time: time)
    case .late:
      let lateness = 60_000_000 + Int64(random.integer(below: 1_740_000_000))
      writeObject(time: (time - lateness) | 1)
    case .clockSkewed:
      let ahead = 600_000_000 + Int64(random.integer(below: 172_200_000_000))
      writeObject(time: (time + ahead) | 1)
    case .fahrenheit:
      writeObject(time: time, inFahrenheit: true)
    case .outOfRange:
      writeObject(time: time, outOfRange: random.integer(below: 6))
    case .noSignal:
      writeObject(time: time, withoutSignal: random.integer(below: 4))
    case .corrupt:
      if random.chance(0.3) {
        cursor.write("MONITOR REBOOT 0x7F")
      } else {
        writeObject(time: time)
        return 24 + random.integer(below: cursor.count - 24)
      }
    }
    return cursor.count
  }

  /// - Parameters:
  ///   - outOfRange: Which of six values is outside the hard limits; -1: none.
  ///   - withoutSignal: Which sensor is off: heart rate, saturation, respiration or the cuff; -1: none.
  private mutating func writeObject(
    time: Int64, inFahrenheit: Bool = false, outOfRange: Int = -1, withoutSignal: Int = -1
  ) {
    cursor.write("{\"patient_id\":\"")
    bed.key.withUnsafeBufferPointer { cursor.write($0) }
    cursor.write("\",\"timestamp\":\"")
    cursor.write(timestampMicroseconds: time)
    cursor.write("\"")
    writeNumber(
      ",\"heart_rate\":", .heartRate, decimals: 0, outOfRange == 0 ? "8388607" : withoutSignal == 0 ? "0" : nil)
    let fahrenheit = Double(levels[.temperature]) * 1.8 + 32
    if outOfRange == 1 {
      cursor.write(",\"temperature\":63.2")
    } else {
      cursor.write(",\"temperature\":")
      cursor.write(inFahrenheit ? fahrenheit : Double(levels[.temperature]), decimals: 1)
    }
    writeNumber(",\"spo2\":", .saturation, decimals: 0, outOfRange == 2 ? "127" : withoutSignal == 1 ? "0" : nil)
    writeNumber(
      ",\"respiration_rate\":", .respiration, decimals: 0,
      outOfRange == 3 ? "-999" : withoutSignal == 2 ? "0" : nil)
    writePressure(outOfRange, withoutSignal: withoutSignal == 3)
    if bed.device.namesWard {
      cursor.write(",\"ward\":\"")
      cursor.write(wardName)
      cursor.write("\"")
    }
    cursor.write(",\"device_id\":\"dev-")
    cursor.write(padded: UInt64(bed.device.number), digits: 6)
    cursor.write("\"")
    if bed.device.isCharted {
      cursor.write(",\"consciousness\":\"")
      cursor.write(byte: bed.consciousness(at: self.time).rawValue.utf8.first ?? UInt8(ascii: "A"))
      cursor.write("\",\"supplemental_oxygen\":")
      if bed.oxygenSince != nil { cursor.write("true") } else { cursor.write("false") }
    }
    cursor.write(byte: UInt8(ascii: "}"))
  }

  private mutating func writePressure(_ outOfRange: Int, withoutSignal: Bool) {
    var systolic = outOfRange == 4 ? 11_647 : Int(levels[.systolic].rounded())
    var diastolic = outOfRange == 5 ? 8 : Int(levels[.diastolic].rounded())
    if withoutSignal { (systolic, diastolic) = (0, 0) }
    if bed.device.joinsPressure {
      cursor.write(",\"blood_pressure\":\"")
      cursor.write(systolic)
      cursor.write(byte: UInt8(ascii: "/"))
      cursor.write(diastolic)
      cursor.write("\"")
    } else {
      cursor.write(",\"systolic\":")
      cursor.write(systolic)
      cursor.write(",\"diastolic\":")
      cursor.write(diastolic)
    }
  }

  private mutating func writeNumber(
    _ name: StaticString, _ lane: VitalLane, decimals: Int, _ replacement: StaticString?
  ) {
    cursor.write(name)
    if let replacement {
      cursor.write(replacement)
    } else {
      cursor.write(Double(levels[lane]), decimals: decimals)
    }
  }
}
