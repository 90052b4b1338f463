internal import PostgresWire
internal import Query

/// One statement of a client, looked through before anything runs.
struct PostgresStatement {
  /// Who answers it.
  enum Kind: Hashable {
    /// There is nothing in it.
    case empty
    /// The session.
    case command(SessionCommand)
    /// The catalog.
    case catalog
    /// The lake.
    case query
  }

  let sql: String
  let kind: Kind
  /// The numbers of its parameters, `$1` and so on, each once, rising.
  let parameters: [Int]
  private let tokens: [QueryToken]

  init(_ sql: String) throws(WireError) {
    self.sql = sql
    tokens = QueryLexer.tokens(of: sql)
    parameters = try Self.parameters(tokens)
    if tokens.allSatisfy({ $0.isSign(";") }) {
      kind = .empty
    } else if let command = SessionCommand.parse(tokens.filter { !$0.isSign(";") }) {
      kind = .command(command)
    } else {
      kind = CatalogText.isCatalog(tokens) ? .catalog : .query
    }
  }

  /// Cuts a text into its statements, at the semicolons outside strings and brackets.
  static func split(_ sql: String) -> [String] {
    let bytes = Array(sql.utf8)
    var parts: [String] = []
    var start = 0
    var hasTokens = false
    for token in QueryLexer.tokens(of: sql) {
      guard token.isSign(";") else {
        hasTokens = true
        continue
      }
      if hasTokens { parts.append(String(decoding: bytes[start..<token.range.lowerBound], as: UTF8.self)) }
      start = token.range.upperBound
      hasTokens = false
    }
    if hasTokens { parts.append(String(decoding: bytes[start...], as: UTF8.self)) }
    return parts
  }

  /// The statement for the engine: a parameter says its type, and the lake's tables may be written with the schema
  /// `public`, which the engine does not have.
  /// - Parameters:
  ///   - types: The engine's types of the parameters in order; nil leaves them open.
  ///   - asNull: Whether to write NULL for each parameter.
  func text(types: [String]?, asNull: Bool = false, tables: Set<String>) -> String {
    var edits = TokenEdits(tokens, sql)
    for (index, token) in tokens.enumerated() {
      if token.isSign("$"), let number = Self.number(tokens, index), let place = parameters.firstIndex(of: number) {
        let value = asNull ? "NULL" : "$\(place + 1)"
        edits.replace(index, types.map { "CAST(\(value) AS \($0[place]))" } ?? value)
        edits.replace(index + 1, "")
      }
      guard token.isName, token.folded == "public", index + 2 < tokens.count, tokens[index + 1].isSign("."),
        tables.contains(tokens[index + 2].folded)
      else { continue }
      edits.replace(index, "")
      edits.replace(index + 1, "")
      if index > 1, tokens[index - 1].isSign("."), tokens[index - 2].folded == CatalogSchema.database {
        edits.replace(index - 1, "")
        edits.replace(index - 2, "")
      }
    }
    return edits.text
  }

  private static func parameters(_ tokens: [QueryToken]) throws(WireError) -> [Int] {
    var numbers: Set<Int> = []
    for (index, token) in tokens.enumerated() where token.isSign("$") {
      guard let number = number(tokens, index) else { throw WireError(.syntaxError, "a $ begins no parameter") }
      numbers.insert(number)
    }
    return numbers.sorted()
  }

  private static func number(_ tokens: [QueryToken], _ index: Int) -> Int? {
    guard index + 1 < tokens.count, tokens[index + 1].kind == .number,
      tokens[index + 1].range.lowerBound == tokens[index].range.upperBound, let number = Int(tokens[index + 1].text),
      (1...65_535).contains(number)
    else { return nil }
    return number
  }

  /// The tag of a finished query, as clients expect it.
  func tag(rows: Int) -> String {
    switch tokens.first?.folded {
    case "explain": "EXPLAIN"
    case "show": "SHOW"
    default: "SELECT \(rows)"
    }
  }
}
