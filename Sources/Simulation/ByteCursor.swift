import Clinical

/// Writes text forward into memory that its owner has made large enough; nothing is checked here.
///
/// Numbers, dates and identifiers are written digit by digit, because a formatter per field would cost more than all
/// the rest of a record.
struct ByteCursor {
  private let start: UnsafeMutablePointer<UInt8>
  private(set) var position: UnsafeMutablePointer<UInt8>

  init(_ start: UnsafeMutablePointer<UInt8>) {
    self.start = start
    position = start
  }

  /// Bytes written.
  @inline(__always)
  var count: Int { position - start }

  @inline(__always)
  mutating func write(byte: UInt8) {
    position.pointee = byte
    position += 1
  }

  @inline(__always)
  mutating func write(_ text: StaticString) {
    position.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    position += text.utf8CodeUnitCount
  }

  @inline(__always)
  mutating func write(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let base = bytes.baseAddress else { return }
    position.update(from: base, count: bytes.count)
    position += bytes.count
  }

  mutating func write(text: String) {
    let written: Void? = text.utf8.withContiguousStorageIfAvailable { write($0) }
    if written == nil {
      for byte in text.utf8 { write(byte: byte) }
    }
  }

  /// Decimal digits of a non-negative number.
  @inline(__always)
  mutating func write(_ number: UInt64) {
    var digits = 1
    var limit: UInt64 = 10
    while number >= limit, digits < 19 {
      digits += 1
      limit &*= 10
    }
    if number >= 10_000_000_000_000_000_000 { digits = 20 }
    var rest = number
    var place = digits - 1
    while place >= 0 {
      position[place] = UInt8(truncatingIfNeeded: 48 + rest % 10)
      rest /= 10
      place -= 1
    }
    position += digits
  }

  @inline(__always)
  mutating func write(_ number: Int) {
    if number < 0 { write(byte: UInt8(ascii: "-")) }
    write(UInt64(number.magnitude))
  }

  /// A number with exactly `decimals` (0 ... 6) digits after the point, rounded half away from zero.
  @inline(__always)
  mutating func write(_ value: Double, decimals: Int) {
    var scale: UInt64 = 1
    for _ in 0..<decimals { scale &*= 10 }
    let scaled = UInt64((value.magnitude * Double(scale)).rounded())
    if value < 0, scaled > 0 { write(byte: UInt8(ascii: "-")) }
    write(scaled / scale)
    if decimals > 0 {
      write(byte: UInt8(ascii: "."))
      write(padded: scaled % scale, digits: decimals)
    }
  }

  /// The last `digits` decimal digits of a number, with leading zeros.
  @inline(__always)
  mutating func write(padded number: UInt64, digits: Int) {
    var rest = number
    var place = digits - 1
    while place >= 0 {
      position[place] = UInt8(truncatingIfNeeded: 48 + rest % 10)
      rest /= 10
      place -= 1
    }
    position += digits
  }

  /// `YYYY-MM-DD`; years 0 to 9999.
  mutating func write(_ date: CivilDate) {
    let parts = date.parts
    write(padded: UInt64(max(0, parts.year)), digits: 4)
    write(byte: UInt8(ascii: "-"))
    write(padded: UInt64(parts.month), digits: 2)
    write(byte: UInt8(ascii: "-"))
    write(padded: UInt64(parts.day), digits: 2)
  }

  /// `YYYY-MM-DDTHH:MM:SSZ` from seconds since 1970-01-01 UTC.
  mutating func write(timestampSeconds seconds: Int64) {
    writeDateAndTime(seconds)
    write(byte: UInt8(ascii: "Z"))
  }

  /// `YYYY-MM-DDTHH:MM:SS.ssssssZ` from microseconds since 1970-01-01 UTC; three decimals if they are enough.
  mutating func write(timestampMicroseconds microseconds: Int64) {
    let seconds = microseconds.floorDivided(by: 1_000_000)
    let fraction = UInt64(microseconds - seconds * 1_000_000)
    writeDateAndTime(seconds)
    write(byte: UInt8(ascii: "."))
    if fraction % 1_000 == 0 {
      write(padded: fraction / 1_000, digits: 3)
    } else {
      write(padded: fraction, digits: 6)
    }
    write(byte: UInt8(ascii: "Z"))
  }

  private mutating func writeDateAndTime(_ seconds: Int64) {
    let days = seconds.floorDivided(by: 86_400)
    let time = UInt64(seconds - days * 86_400)
    write(CivilDate(days: Int32(truncatingIfNeeded: days)))
    write(byte: UInt8(ascii: "T"))
    write(padded: time / 3_600, digits: 2)
    write(byte: UInt8(ascii: ":"))
    write(padded: time / 60 % 60, digits: 2)
    write(byte: UInt8(ascii: ":"))
    write(padded: time % 60, digits: 2)
  }

  /// The 36 characters of a UUID in lower case.
  mutating func write(_ identifier: SimulatedUUID) {
    write(hexadecimal: identifier.high >> 32, digits: 8)
    write(byte: UInt8(ascii: "-"))
    write(hexadecimal: identifier.high >> 16, digits: 4)
    write(byte: UInt8(ascii: "-"))
    write(hexadecimal: identifier.high, digits: 4)
    write(byte: UInt8(ascii: "-"))
    write(hexadecimal: identifier.low >> 48, digits: 4)
    write(byte: UInt8(ascii: "-"))
    write(hexadecimal: identifier.low, digits: 12)
  }

  private mutating func write(hexadecimal number: UInt64, digits: Int) {
    var rest = number
    var place = digits - 1
    while place >= 0 {
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      position[place] = digit < 10 ? 48 + digit : 87 + digit
      rest >>= 4
      place -= 1
    }
    position += digits
  }
}

extension Int64 {
  /// Division that rounds towards minus infinity, for moments before 1970.
  @inline(__always)
  func floorDivided(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return (self % divisor != 0 && (self < 0) != (divisor < 0)) ? quotient - 1 : quotient
  }
}
