/// 64-bit FNV-1a (Fowler, Noll, Vo): finds changes and damage, not forgery.
struct FNV1a {
  private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

  init() {}

  init(_ bytes: [UInt8]) {
    add(bytes)
  }

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
    }
  }

  /// `fnv1a64:` and 16 hexadecimal digits.
  var text: String {
    let digits = String(hash, radix: 16)
    return "fnv1a64:" + String(repeating: "0", count: 16 - digits.count) + digits
  }
}
