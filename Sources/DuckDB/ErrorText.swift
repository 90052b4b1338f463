/// What can be told from DuckDB's error text: the kind, the place, and the part that holds no data values.
struct ErrorText {
  var kind: DuckDBError.Kind
  var position: DuckDBError.Position?
  var safeDetail: String

  /// Put before the text of an error that one of our own functions threw; such texts hold no values by our rules.
  static let functionMark = "lakeward function "

  init(_ message: String, sql: String?) {
    let (title, rest) = ErrorText.splitTitle(message)
    kind = ErrorText.kinds[title] ?? (title.hasPrefix("INTERNAL") ? .internal : .other)
    let (body, trailer) = ErrorText.splitTrailer(rest)
    position = trailer.flatMap { ErrorText.position(trailer: $0, sql: sql) }
    if body.hasPrefix("The following options were not recognized") { kind = .settings }
    safeDetail = ErrorText.safeDetail(kind: kind, body: body)
  }

  private static let kinds: [String: DuckDBError.Kind] = [
    "Parser Error": .parser, "Syntax Error": .parser, "Binder Error": .binder, "Catalog Error": .catalog,
    "Conversion Error": .conversion, "Out of Range Error": .outOfRange, "Constraint Error": .constraint,
    "IO Error": .io, "HTTP Error": .io, "Network Error": .io, "Out of Memory Error": .outOfMemory,
    "INTERRUPT Error": .interrupt, "Interrupt Error": .interrupt, "Invalid Input Error": .invalidInput,
    "Invalid Error": .invalidInput, "TransactionContext Error": .transaction, "Transaction Error": .transaction,
    "Permission Error": .permission, "Missing Extension Error": .missingExtension,
    "Extension Autoloading Error": .missingExtension, "Settings Error": .settings,
    "Invalid Configuration Error": .settings, "Not implemented Error": .notImplemented,
    "Connection Error": .connection, "INTERNAL Error": .internal, "FATAL Error": .internal,
    "Mismatch Type Error": .conversion, "Parameter Not Resolved Error": .binder,
    "Parameter Not Allowed Error": .binder, "Divide by Zero Error": .outOfRange, "Dependency Error": .catalog,
  ]

  /// The appender wraps errors in words of its own.
  private static let appenderTitles = [
    ("Failed to cast value: ", "Conversion Error"), ("Failed to append: ", "Constraint Error"),
  ]

  private static func splitTitle(_ message: String) -> (title: String, rest: Substring) {
    for (start, title) in appenderTitles where message.hasPrefix(start) {
      return (title, message.dropFirst(start.count))
    }
    guard let colon = message.firstIndex(of: ":"), message[..<colon].hasSuffix("Error") else {
      return message == "Interrupted!" ? ("Interrupt Error", message[...]) : ("", message[...])
    }
    return (String(message[..<colon]), message[message.index(after: colon)...].drop { $0 == " " })
  }

  /// DuckDB ends a message with a blank line and `LINE 3: SELECT …` over a caret.
  private static func splitTrailer(_ text: Substring) -> (body: Substring, trailer: Substring?) {
    let mark = "\n\nLINE "
    guard var start = text.firstRange(of: mark) else { return (text, nil) }
    while let later = text[start.upperBound...].firstRange(of: mark) { start = later }
    return (text[..<start.lowerBound], text[start.upperBound...])
  }

  /// The trailer shows the line, cut at both ends if it is long, and a caret under the place.
  private static func position(trailer: Substring, sql: String?) -> DuckDBError.Position? {
    let digits = trailer.prefix { $0.isNumber }
    guard let line = Int(digits) else { return nil }
    let parts = trailer.dropFirst(digits.count).split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let caret = parts[1].firstIndex(of: "^"), parts[0].hasPrefix(": "), let sql else {
      return .init(line: line, column: nil)
    }
    let caretColumn = parts[1].distance(from: parts[1].startIndex, to: caret)
    let offset = caretColumn - "LINE ".count - digits.count - 2
    var shown = parts[0].dropFirst(2)
    let lines = sql.split(separator: "\n", omittingEmptySubsequences: false)
    guard offset >= 0, line >= 1, line <= lines.count else { return .init(line: line, column: nil) }
    var cut = 0
    if shown.hasPrefix("...") { shown = shown.dropFirst(3); cut = 3 }
    if shown.hasSuffix("...") { shown = shown.dropLast(3) }
    guard let place = lines[line - 1].firstRange(of: shown) else { return .init(line: line, column: nil) }
    let before = lines[line - 1][..<place.lowerBound].utf8.count
    return .init(line: line, column: before + offset - cut + 1)
  }

  /// Keeps what DuckDB says about names, types and files; drops what quotes, or may quote, a value.
  private static func safeDetail(kind: DuckDBError.Kind, body: Substring) -> String {
    let line = body.prefix { $0 != "\n" }
    switch kind {
    case .io, .outOfMemory, .permission, .missingExtension, .settings, .connection:
      return String(line)
    case .catalog, .binder, .transaction, .notImplemented:
      return masked(line)
    case .invalidInput:
      return invalidInput(line)
    case .conversion:
      return conversion(line)
    case .constraint:
      return constraint(line)
    case .outOfRange:
      return line.hasPrefix("Overflow in ") ? String(line.prefix { $0 != "(" }.trimmed) : ""
    case .interrupt, .parser, .internal, .usage, .other:
      return ""
    }
  }

  private static func invalidInput(_ line: Substring) -> String {
    if line.hasPrefix(functionMark) { return String(line.dropFirst(functionMark.count)) }
    for start in ["Malformed JSON", "More than one row returned by a subquery"] where line.hasPrefix(start) {
      return start
    }
    for mark in ["file \"", "file '"] {
      if let start = line.firstRange(of: mark)?.upperBound, let quote = mark.last,
        let end = line[start...].firstIndex(of: quote)
      {
        return "file \(line[start..<end])"
      }
    }
    return ""
  }

  private static func constraint(_ line: Substring) -> String {
    for start in ["NOT NULL constraint failed: ", "CHECK constraint failed on table "] where line.hasPrefix(start) {
      return String(line)
    }
    for end in ["violates primary key constraint", "violates unique constraint"] where line.contains(end) {
      return "a duplicate key \(end)"
    }
    return ""
  }

  /// The words behind the last quoted value: `to INT32 when casting from source column x`.
  private static func conversion(_ line: Substring) -> String {
    let message = "a value does not convert"
    guard let quote = line.lastIndex(where: { $0 == "'" || $0 == "\"" }) else { return message }
    let tail = line[line.index(after: quote)...].trimmed
    if tail.hasPrefix("to ") { return "\(message) \(tail)" }
    guard let column = tail.firstRange(of: "when casting from source column ") else { return message }
    return "\(message) \(tail[column.lowerBound...])"
  }

  /// The line with quoted parts left out, unless they are a name in double quotes or a signature such as `'sum(VARCHAR)'`.
  private static func masked(_ line: Substring) -> String {
    var out = ""
    var rest = line
    while let quote = rest.firstIndex(where: { $0 == "'" || $0 == "\"" }) {
      let mark = rest[quote]
      let inner = rest[rest.index(after: quote)...]
      out += rest[..<quote]
      guard let end = inner.firstIndex(of: mark) else { return out + "…" }
      let part = inner[..<end]
      let isName = mark == "\"" && !part.contains { "'({[".contains($0) }
      let isSignature = mark == "'" && part.last == ")" && !part.contains("\"")
      out += isName || isSignature ? "\(mark)\(part)\(mark)" : "\(mark)…\(mark)"
      rest = inner[inner.index(after: end)...]
    }
    return out + rest
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    guard let last = lastIndex(where: { $0 != " " }) else { return "" }
    return self[...last].drop { $0 == " " }
  }
}
