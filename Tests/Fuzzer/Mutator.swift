import Simulation

/// Makes broken inputs from sound ones, the same for the same seed.
struct Mutator {
  private static let longest = 1 << 16
  private static let numbers = [
    "0", "-0", "-1", "1e999", "-1e-999", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "2147483648", "4294967296", "0.1e+1", "00", "1.", ".5", "NaN",
  ]
  private static let bytes: [UInt8] = [
    0x00, 0x01, 0x07, 0x09, 0x0A, 0x0B, 0x0D, 0x1C, 0x20, 0x22, 0x27, 0x2C, 0x2D, 0x2F, 0x3A, 0x3B, 0x3C, 0x5B, 0x5C,
    0x5D, 0x5E, 0x7B, 0x7C, 0x7D, 0x7E, 0x7F, 0x80, 0xBF, 0xC0, 0xE2, 0xED, 0xF0, 0xF4, 0xFE, 0xFF,
  ]
  private static let repeated = ["[", "{\"a\":", "(", "- ", "\\", "\"", "/*", "&a ", "\u{0B}", "|", "~", "%25"]

  private var random: SeededRandom
  private let seeds: [[UInt8]]
  private let words: [[UInt8]]

  init(seed: UInt64, target: any FuzzTarget) {
    random = SeededRandom(seed: seed)
    seeds = target.seeds
    words = (target.words + Self.numbers).map { Array($0.utf8) }
  }

  /// A seed with one to six changes.
  mutating func next() -> [UInt8] {
    var input = pick(seeds)
    // Mostly one or two: many changes at once meet only the first check.
    for _ in 0...random.integer(below: 1 + random.integer(below: 6)) { change(&input) }
    return Array(input.prefix(Self.longest))
  }

  private mutating func pick<T>(_ values: [T]) -> T { values[random.integer(below: values.count)] }

  /// A range of at most `longest` bytes.
  private mutating func range(_ input: [UInt8], longest: Int = 64) -> Range<Int> {
    guard !input.isEmpty else { return 0..<0 }
    let start = random.integer(below: input.count)
    return start..<min(input.count, start + 1 + random.integer(below: longest))
  }

  private mutating func change(_ input: inout [UInt8]) {
    let place = random.integer(below: input.count + 1)
    switch random.integer(below: 12) {
    case 0 where place < input.count: input[place] ^= 1 << UInt8(random.integer(below: 8))
    case 1 where place < input.count: input[place] = pick(Self.bytes)
    case 2 where place < input.count: input[place] = UInt8(random.integer(below: 256))
    case 3: input.removeSubrange(range(input))
    case 4: input.insert(contentsOf: input[range(input)], at: place)
    case 5: input.insert(contentsOf: pick(words), at: place)
    case 6: replaceNumber(&input, from: place)
    case 7:
      let other = pick(seeds)
      input.replaceSubrange(place..., with: other[random.integer(below: other.count + 1)...])
    case 8: input.removeSubrange(place...)
    case 9:
      let text = String(repeating: pick(Self.repeated), count: 1 << random.integer(below: 12))
      input.insert(contentsOf: Array(text.utf8), at: place)
    case 10:
      let (one, other) = (range(input), range(input))
      input.replaceSubrange(one, with: input[other])
    default: input.insert(pick(Self.bytes), at: place)
    }
  }

  /// The first number behind a place gets a value at some border.
  private mutating func replaceNumber(_ input: inout [UInt8], from place: Int) {
    let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) }
    guard let start = input[place...].firstIndex(where: isDigit) else { return }
    let end = input[start...].firstIndex { !isDigit($0) } ?? input.count
    input.replaceSubrange(start..<end, with: pick(words))
  }
}
