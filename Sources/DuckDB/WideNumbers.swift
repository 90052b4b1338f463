internal import CDuckDB

extension duckdb_hugeint {
  init(_ value: Int128) {
    self.init(lower: UInt64(truncatingIfNeeded: value), upper: Int64(truncatingIfNeeded: value >> 64))
  }

  var int128: Int128 { Int128(upper) << 64 | Int128(lower) }
}

extension duckdb_uhugeint {
  init(_ value: UInt128) {
    self.init(lower: UInt64(truncatingIfNeeded: value), upper: UInt64(truncatingIfNeeded: value >> 64))
  }

  var uint128: UInt128 { UInt128(upper) << 64 | UInt128(lower) }
}

/// UUIDs as text: 8-4-4-4-12 hexadecimal digits.
enum UUIDText {
  static func parse(_ text: String) -> UInt128? {
    var value: UInt128 = 0
    var digits = 0
    for byte in text.utf8 where byte != UInt8(ascii: "-") {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, digits < 32 else { return nil }
      value = value << 4 | UInt128(digit)
      digits += 1
    }
    return digits == 32 ? value : nil
  }

  static func format(_ value: UInt128) -> String {
    String(unsafeUninitializedCapacity: 36) { out in
      var shift = 124
      var place = 0
      while shift >= 0 {
        if place == 8 || place == 13 || place == 18 || place == 23 {
          out[place] = UInt8(ascii: "-")
          place += 1
        }
        let digit = UInt8(truncatingIfNeeded: value >> shift) & 15
        out[place] = digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a")
        place += 1
        shift -= 4
      }
      return 36
    }
  }
}
