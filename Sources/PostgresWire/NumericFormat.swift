/// The binary form of `numeric`: digits of base 10,000 with the place of the first (PostgreSQL, `numeric_send`).
public enum NumericFormat {
  /// Appends the binary form of a decimal text such as `-12.50`; `NaN` and the infinities have signs of their own.
  public static func append(_ text: String, to bytes: inout [UInt8]) {
    func word(_ value: UInt16) { withUnsafeBytes(of: value.bigEndian) { bytes += $0 } }
    if let sign = ["NaN": UInt16(0xC000), "Infinity": 0xD000, "-Infinity": 0xF000][text] {
      for value in [0, 0, sign, 0] { word(value) }
      return
    }
    let isNegative = text.hasPrefix("-")
    let parts = text.drop { $0 == "-" }.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    var whole = Array((parts.first ?? "").utf8.drop { $0 == UInt8(ascii: "0") })
    var fraction = Array((parts.count > 1 ? parts[1] : "").utf8)
    let scale = fraction.count
    whole.insert(contentsOf: repeatElement(UInt8(ascii: "0"), count: (4 - whole.count % 4) % 4), at: 0)
    fraction += repeatElement(UInt8(ascii: "0"), count: (4 - fraction.count % 4) % 4)
    let digits = whole + fraction
    var groups = stride(from: 0, to: digits.count, by: 4).map { start in
      digits[start..<start + 4].reduce(UInt16(0)) { $0 * 10 + UInt16($1 - UInt8(ascii: "0")) }
    }
    var weight = whole.count / 4 - 1
    while let first = groups.first, first == 0 {
      groups.removeFirst()
      weight -= 1
    }
    while groups.last == 0 { groups.removeLast() }
    if groups.isEmpty { weight = 0 }
    word(UInt16(groups.count))
    word(UInt16(bitPattern: Int16(weight)))
    word(isNegative && !groups.isEmpty ? 0x4000 : 0)
    word(UInt16(scale))
    for group in groups { word(group) }
  }

  /// The text of the binary form; nil if it is none.
  public static func text(_ bytes: [UInt8]) -> String? {
    guard bytes.count >= 8, bytes.count % 2 == 0 else { return nil }
    let words = stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    let (weight, sign, scale) = (Int(Int16(bitPattern: words[1])), words[2], Int(words[3]))
    if let special = [UInt16(0xC000): "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"][sign] { return special }
    let groups = words[4...]
    guard groups.count == Int(words[0]), groups.allSatisfy({ $0 < 10_000 }), scale < 0x4000, abs(weight) < 1_000,
      sign == 0 || sign == 0x4000
    else { return nil }
    func group(_ place: Int) -> String {
      let index = weight - place
      let value = index >= 0 && index < groups.count ? groups[4 + index] : 0
      return String(repeating: "0", count: 4 - String(value).count) + String(value)
    }
    let whole = weight < 0 ? "" : (0...weight).reversed().map(group).joined()
    let trimmed = whole.drop { $0 == "0" }
    var text = (sign == 0 ? "" : "-") + (trimmed.isEmpty ? "0" : trimmed)
    guard scale > 0 else { return text }
    let fraction = (1...(scale + 3) / 4).map { group(-$0) }.joined()
    text += "." + fraction.prefix(scale)
    return text
  }
}
