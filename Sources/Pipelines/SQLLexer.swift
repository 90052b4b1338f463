/// Cuts SQL text into tokens and leaves comments out.
///
/// The words are those that DuckDB and Spark share: `'…'` strings and `"…"` names with doubled quotes, `--` and
/// nested `/* */` comments. Nothing here can fail without saying where.
struct SQLLexer {
  private let source: SQLText
  private let problems: ProblemList
  private var position = 0
  private var tokens: [SQLToken] = []

  /// The tokens of a text; what cannot be read is noted and left out.
  static func tokens(of source: SQLText, problems: ProblemList) -> [SQLToken] {
    var lexer = SQLLexer(source: source, problems: problems)
    while lexer.position < source.bytes.count { lexer.step() }
    return lexer.tokens
  }

  private init(source: SQLText, problems: ProblemList) {
    self.source = source
    self.problems = problems
  }

  private func byte(_ ahead: Int = 0) -> UInt8 {
    let index = position + ahead
    return index < source.bytes.count ? source.bytes[index] : 0
  }

  private mutating func step() {
    let current = byte()
    switch current {
    case _ where SQLCharacter.isSpace(current): position += 1
    case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-"):
      while position < source.bytes.count, byte() != UInt8(ascii: "\n") { position += 1 }
    case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"): blockComment()
    case UInt8(ascii: "'"): quoted(current, .string, "a string")
    case UInt8(ascii: "\""): quoted(current, .quoted, "a name")
    case UInt8(ascii: "`"):
      problems.add(
        at: source.location(position), "a name stands in back-ticks", remedy: "write it plain or in double quotes")
      quoted(current, .quoted, "a name")
    case _ where SQLCharacter.isWordStart(current):
      append(.word, length: run { SQLCharacter.isWord($0) || $0 == UInt8(ascii: "$") })
    case _ where SQLCharacter.isDigit(current),
      UInt8(ascii: ".") where SQLCharacter.isDigit(byte(1)) && !followsName:
      append(.number, length: numberLength())
    case UInt8(ascii: "-") where byte(1) == UInt8(ascii: ">"): append(.symbol, length: 2)
    case 0..<0x20, 0x7F:
      problems.add(
        at: source.location(position), "a control character stands here", remedy: "save the file as UTF-8 text")
      position += 1
    default: append(.symbol, length: 1)
    }
  }

  /// In `t.1x` the point belongs to a name, in `+.5` to a number.
  private var followsName: Bool { tokens.last.map { $0.isName && $0.range.upperBound == position } ?? false }

  private func run(_ belongs: (UInt8) -> Bool) -> Int {
    var length = 0
    while position + length < source.bytes.count, belongs(byte(length)) { length += 1 }
    return length
  }

  /// Digits, a point, an exponent with its sign, and letters that are stuck to it (`1L`).
  private func numberLength() -> Int {
    var length = 0
    while position + length < source.bytes.count {
      let current = byte(length)
      let isSign = current == UInt8(ascii: "+") || current == UInt8(ascii: "-")
      let followsExponent = length > 0 && byte(length - 1) | 0x20 == UInt8(ascii: "e")
      guard SQLCharacter.isWord(current) || current == UInt8(ascii: ".") || (isSign && followsExponent) else { break }
      length += 1
    }
    return length
  }

  private mutating func append(_ kind: SQLToken.Kind, length: Int) {
    let range = position..<position + length
    let text = source.text(range)
    tokens.append(SQLToken(kind: kind, text: text, upper: kind == .word ? text.uppercased() : text, range: range))
    position += length
  }

  private mutating func quoted(_ quote: UInt8, _ kind: SQLToken.Kind, _ what: String) {
    let start = position
    var content: [UInt8] = []
    position += 1
    while position < source.bytes.count {
      if byte() != quote {
        content.append(byte())
      } else if byte(1) == quote {
        content.append(quote)
        position += 1
      } else {
        position += 1
        let text = String(decoding: content, as: UTF8.self)
        tokens.append(SQLToken(kind: kind, text: text, upper: text, range: start..<position))
        return
      }
      position += 1
    }
    problems.add(
      at: source.location(start), "\(what) that begins here does not end",
      remedy: "close it with \(Character(UnicodeScalar(quote)))")
  }

  private mutating func blockComment() {
    let start = position
    var depth = 0
    repeat {
      if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
        depth += 1
        position += 2
      } else if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
        depth -= 1
        position += 2
      } else {
        position += 1
      }
    } while depth > 0 && position < source.bytes.count
    if depth > 0 {
      problems.add(at: source.location(start), "a comment that begins here does not end", remedy: "close it with */")
    }
  }
}
