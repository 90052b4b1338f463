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

  private static func splitTitle(_ message: String) -> (title: String, rest: Substring) {
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

  private static func safeDetail(kind: DuckDBError.Kind, body: Substring) -> String {
    switch kind {
    case .io, .outOfMemory, .permission, .missingExtension, .settings, .connection:
      return String(body)
    case .interrupt:
      return ""
    case .catalog, .binder, .transaction, .notImplemented:
      return String(firstLine(of: body))
    case .parser:
      return ""
    case .invalidInput:
      if body.hasPrefix(functionMark) { return String(body.dropFirst(functionMark.count)) }
      return fileName(in: body).map { "file \($0)" } ?? ""
    case .conversion:
      return conversionTarget(in: body)
    case .constraint:
      let mark = "NOT NULL constraint failed: "
      return body.hasPrefix(mark) ? String(firstLine(of: body)) : ""
    case .outOfRange, .internal, .usage, .other:
      return ""
    }
  }

  private static func firstLine(of text: Substring) -> Substring { text.prefix { $0 != "\n" } }

  /// `… file 'X'` or `… file "X"`: only what DuckDB itself calls a file.
  private static func fileName(in body: Substring) -> Substring? {
    for mark in ["file \"", "file '"] {
      if let start = body.firstRange(of: mark)?.upperBound, let quote = mark.last,
        let end = body[start...].firstIndex(of: quote)
      {
        return body[start..<end]
      }
    }
    return nil
  }

  /// The words after the last quoted value: `to INT32 when casting from source column x`.
  private static func conversionTarget(in body: Substring) -> String {
    guard let quote = body.lastIndex(where: { $0 == "'" || $0 == "\"" }) else { return "" }
    let tail = body[body.index(after: quote)...].drop { $0 == " " }
    let words = firstLine(of: tail)
    return words.hasPrefix("to ") || words.hasPrefix("when casting") ? "value does not convert \(words)" : ""
  }
}
