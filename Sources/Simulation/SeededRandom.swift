/// A seeded random generator: the same seed gives the same numbers on every machine and in every release.
///
/// xoshiro256++ 1.0 (Blackman and Vigna, 2019), its state filled by SplitMix64. Not for secrets.
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var s0: UInt64
  private var s1: UInt64
  private var s2: UInt64
  private var s3: UInt64
  private var spareNormal: Double = .nan

  /// A generator for `seed`. Generators of the same seed and different `stream` numbers are independent, so that a
  /// patient's numbers depend on the seed and the patient alone, not on how many patients came before.
  public init(seed: UInt64, stream: UInt64 = 0) {
    var state = seed ^ Self.mix(stream &+ 0x9E37_79B9_7F4A_7C15)
    func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      return Self.mix(state)
    }
    s0 = next()
    s1 = next()
    s2 = next()
    s3 = next()
  }

  /// The output function of SplitMix64 (Steele, Lea and Flood, 2014).
  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The next 64 random bits.
  @inline(__always)
  public mutating func next() -> UInt64 {
    let result = Self.rotate(s0 &+ s3, 23) &+ s0
    let shifted = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = Self.rotate(s3, 45)
    return result
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    (value << count) | (value >> (64 &- count))
  }

  /// A number in 0 ..< 1, uniformly distributed.
  @inline(__always)
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A number in `range`, uniformly distributed.
  public mutating func uniform(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
  }

  /// A whole number in 0 ..< `bound`; 0 if `bound` is not positive.
  @inline(__always)
  public mutating func integer(below bound: Int) -> Int {
    guard bound > 0 else { return 0 }
    return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True with the given probability.
  @inline(__always)
  public mutating func chance(_ probability: Double) -> Bool {
    uniform() < probability
  }

  /// A standard normal number (mean 0, variance 1); Marsaglia's polar method.
  @inline(__always)
  public mutating func normal() -> Double {
    if !spareNormal.isNaN {
      defer { spareNormal = .nan }
      return spareNormal
    }
    while true {
      let u = 2 * uniform() - 1
      let v = 2 * uniform() - 1
      let square = u * u + v * v
      if square < 1, square > 0 {
        let factor = (-2 * logarithm(square) / square).squareRoot()
        spareNormal = v * factor
        return u * factor
      }
    }
  }
}
