/// A piece of a query's text; comments and white space are none.
public struct QueryToken: Hashable, Sendable {
  /// What it is.
  public enum Kind: Hashable, Sendable {
    /// A keyword or plain name.
    case word
    /// A name in double quotes.
    case quotedName
    /// A string in single quotes or between dollar signs.
    case string
    /// Digits, with what follows them without a gap.
    case number
    /// Anything else: one character, or `=>` and `:=`.
    case sign
  }

  /// What it is.
  public var kind: Kind
  /// The text as written; of names and strings, what is between the quotes.
  public var text: String
  /// Bytes of the query, quotes included.
  public var range: Range<Int>

  /// The text in lower case, as DuckDB compares names and keywords.
  public var folded: String { text.lowercased() }

  /// Whether it is this keyword.
  public func isWord(_ word: String) -> Bool { kind == .word && folded == word }
  /// Whether it is this sign.
  public func isSign(_ sign: String) -> Bool { kind == .sign && text == sign }
  /// Whether it may name something.
  public var isName: Bool { kind == .word || kind == .quotedName }
}

/// Cuts a query into tokens by the lexical rules of DuckDB (those of PostgreSQL): `'…'` and `E'…'` strings, `$tag$…$tag$`
/// strings, `"…"` names, `--` and nested `/* */` comments.
///
/// What does not end, ends with the text: DuckDB reports it when it reads the query itself.
public struct QueryLexer {
  private let bytes: [UInt8]
  private var position = 0
  private var tokens: [QueryToken] = []

  /// The tokens of a text, in order.
  public static func tokens(of sql: String) -> [QueryToken] {
    var lexer = QueryLexer(bytes: Array(sql.utf8))
    while lexer.position < lexer.bytes.count { lexer.step() }
    return lexer.tokens
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func byte(_ ahead: Int = 0) -> UInt8 {
    position + ahead < bytes.count ? bytes[position + ahead] : 0
  }

  private mutating func step() {
    switch (byte(), byte(1)) {
    case (0x20, _), (0x09...0x0D, _): position += 1
    case (UInt8(ascii: "-"), UInt8(ascii: "-")): skip { $0 != 0x0A }
    case (UInt8(ascii: "/"), UInt8(ascii: "*")): skipComment()
    case (UInt8(ascii: "'"), _): quoted(.string, from: position, escapes: false)
    case (UInt8(ascii: "\""), _): quoted(.quotedName, from: position, escapes: false)
    case (UInt8(ascii: "e"), UInt8(ascii: "'")), (UInt8(ascii: "E"), UInt8(ascii: "'")):
      position += 1
      quoted(.string, from: position - 1, escapes: true)
    case (UInt8(ascii: "$"), _): dollarQuoted()
    case (UInt8(ascii: "="), UInt8(ascii: ">")), (UInt8(ascii: ":"), UInt8(ascii: "=")): append(.sign, length: 2)
    case (let first, _) where Self.isWordStart(first):
      append(.word) { Self.isWordStart($0) || Self.isDigit($0) || $0 == 0x24 }
    case (let first, _) where Self.isDigit(first):
      append(.number) { Self.isWordStart($0) || Self.isDigit($0) || $0 == UInt8(ascii: ".") }
    default: append(.sign, length: 1)
    }
  }

  private static func isWordStart(_ byte: UInt8) -> Bool {
    (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F || byte >= 0x80
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private mutating func skip(while condition: (UInt8) -> Bool) {
    while position < bytes.count, condition(bytes[position]) { position += 1 }
  }

  private mutating func skipComment() {
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
    } while depth > 0 && position < bytes.count
  }

  private mutating func append(_ kind: QueryToken.Kind, length: Int) {
    let range = position..<min(position + length, bytes.count)
    tokens.append(QueryToken(kind: kind, text: String(decoding: bytes[range], as: UTF8.self), range: range))
    position = range.upperBound
  }

  private mutating func append(_ kind: QueryToken.Kind, while condition: (UInt8) -> Bool) {
    var length = 1
    while position + length < bytes.count, condition(byte(length)) { length += 1 }
    append(kind, length: length)
  }

  private mutating func quoted(_ kind: QueryToken.Kind, from start: Int, escapes: Bool) {
    let quote = byte()
    var content: [UInt8] = []
    position += 1
    while position < bytes.count {
      if escapes, byte() == UInt8(ascii: "\\") {
        content.append(byte(1))
        position += 2
      } else if byte() != quote {
        content.append(byte())
        position += 1
      } else if byte(1) == quote {
        content.append(quote)
        position += 2
      } else {
        position += 1
        break
      }
    }
    position = min(position, bytes.count)
    tokens.append(QueryToken(kind: kind, text: String(decoding: content, as: UTF8.self), range: start..<position))
  }

  /// `$$text$$` or `$tag$text$tag$`; a `$1` is a parameter.
  private mutating func dollarQuoted() {
    var length = 1
    while Self.isWordStart(byte(length)) || (length > 1 && Self.isDigit(byte(length))) { length += 1 }
    guard byte(length) == UInt8(ascii: "$") else { return append(.sign, length: 1) }
    let mark = bytes[position...position + length]
    let start = position
    position += mark.count
    let content = position
    while position < bytes.count, !bytes[position...].starts(with: mark) { position += 1 }
    let text = String(decoding: bytes[content..<position], as: UTF8.self)
    position = min(position + mark.count, bytes.count)
    tokens.append(QueryToken(kind: .string, text: text, range: start..<position))
  }
}
