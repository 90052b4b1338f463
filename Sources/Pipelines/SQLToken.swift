/// What a byte of SQL text may be part of.
enum SQLCharacter {
  /// Letters, digits, underscore, and everything beyond ASCII.
  static func isWord(_ byte: UInt8) -> Bool { isWordStart(byte) || isDigit(byte) }

  static func isWordStart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), 0x80...:
      true
    default: false
    }
  }

  static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

/// One token of SQL text.
struct SQLToken: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    /// A keyword or a plain name.
    case word
    /// A name in double quotes (or back-ticks, which is reported).
    case quoted
    /// A string in single quotes.
    case string
    case number
    /// One character of anything else, or `->`.
    case symbol
  }

  var kind: Kind
  /// The text as written for words, numbers and symbols; the content without quotes for names and strings.
  var text: String
  /// Words in capitals, anything else as ``text``: what keywords are compared with.
  var upper: String
  /// Bytes of the source text, quotes included.
  var range: Range<Int>

  func isWord(_ keyword: String) -> Bool { kind == .word && upper == keyword }
  func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
  /// Whether this can name something.
  var isName: Bool { kind == .word || kind == .quoted }
}

/// SQL text with its places.
struct SQLText: Sendable {
  let file: String
  let bytes: [UInt8]
  private let lineStarts: [Int]

  init(_ text: String, file: String) {
    self.file = file
    let bytes = Array(text.utf8)
    self.bytes = bytes
    lineStarts = [0] + bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
  }

  /// The place of a byte.
  func location(_ offset: Int) -> SourceLocation {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    let before = bytes[lineStarts[low]..<min(max(offset, lineStarts[low]), bytes.count)]
    let column = before.count { $0 & 0xC0 != 0x80 }
    return SourceLocation(file: file, line: low + 1, column: column + 1)
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
