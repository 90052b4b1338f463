internal import Query

/// Rewrites what clients ask of PostgreSQL's catalog into the SQL of the engine that plays it.
///
/// Works on tokens, never inside strings or comments.
enum CatalogText {
  /// Functions that are asked of the catalog although no table of it is named.
  private static let functions: Set<String> = [
    "version", "current_schema", "current_schemas", "current_database", "current_setting", "set_config", "format_type",
    "obj_description", "col_description", "quote_ident", "to_regclass", "has_schema_privilege", "has_table_privilege",
    "has_database_privilege", "txid_current", "current_user", "session_user", "current_catalog",
  ]

  /// Whether a statement is about the catalog: it names a table of it, or asks one of its functions without any FROM.
  static func isCatalog(_ tokens: [QueryToken]) -> Bool {
    if tokens.contains(where: { $0.isName && ($0.folded.hasPrefix("pg_") || $0.folded == "information_schema") }) {
      return true
    }
    return !tokens.contains { $0.isWord("from") }
      && tokens.contains { $0.kind == .word && functions.contains($0.folded) }
  }

  /// The statement for the engine.
  /// - Parameters:
  ///   - user: What `current_user` is.
  ///   - settings: What `current_setting` answers.
  static func rewrite(_ sql: String, user: String, settings: [String: String]) -> String {
    let tokens = QueryLexer.tokens(of: sql)
    var edits = TokenEdits(tokens, sql)
    for index in tokens.indices {
      editNames(index, tokens, &edits, user: user)
      editOperators(index, tokens, &edits)
      editCasts(index, tokens, &edits)
      editSettings(index, tokens, &edits, settings)
    }
    editFunctionAliases(tokens, &edits)
    return edits.text
  }

  /// `pg_catalog.x` is `x`, `information_schema.x` a table of that name; users have their name.
  private static func editNames(_ index: Int, _ tokens: [QueryToken], _ edits: inout TokenEdits, user: String) {
    let token = tokens[index]
    let isQualified = index > 0 && tokens[index - 1].isSign(".")
    let qualifies = index + 2 < tokens.count && tokens[index + 1].isSign(".") && tokens[index + 2].isName
    if token.isName, qualifies, !isQualified {
      let name = tokens[index + 2].folded
      switch token.folded {
      case "pg_catalog":
        // A column may be written with the schema and the table: pg_catalog.pg_class.oid.
        edits.replace(index, "")
        edits.replace(index + 1, "")
      case "information_schema":
        edits.replace(index, "")
        edits.replace(index + 1, "")
        if name != "_pg_expandarray" { edits.replace(index + 2, "information_schema_" + name) }
      default: break
      }
    }
    let isAlias = index > 0 && tokens[index - 1].isWord("as")
    if token.kind == .word, !isQualified, !isAlias, !qualifies,
      ["current_user", "session_user", "user", "current_role"].contains(token.folded)
    {
      edits.replace(index, "'" + user.replacing("'", with: "''") + "'")
    }
    if token.isWord("json_build_object") { edits.replace(index, "json_object") }
    if token.isWord("current_catalog"), !isQualified { edits.replace(index, "'\(CatalogSchema.database)'") }
  }

  /// `OPERATOR(pg_catalog.~)` is `~`; no collations; a pattern behind `~` is found anywhere, where the engine's `~`
  /// wants all of the text; arrays as text have other brackets.
  private static func editOperators(_ index: Int, _ tokens: [QueryToken], _ edits: inout TokenEdits) {
    let token = tokens[index]
    if token.isWord("operator"), index + 1 < tokens.count, tokens[index + 1].isSign("("),
      let close = tokens[index...].firstIndex(where: { $0.isSign(")") })
    {
      edits.replace(index, "")
      edits.replace(index + 1, "")
      edits.replace(close, "")
      if tokens[index + 2].folded == "pg_catalog" {
        edits.replace(index + 2, "")
        edits.replace(index + 3, "")
      }
    }
    if token.isWord("collate"), index + 1 < tokens.count {
      let isLong = index + 3 < tokens.count && tokens[index + 2].isSign(".")
      for place in index...(index + (isLong ? 3 : 1)) { edits.replace(place, "") }
    }
    guard token.kind == .string else { return }
    var before = index - 1
    while before >= 0, tokens[before].isSign(")") || tokens[before].isSign("(") { before -= 1 }
    if before >= 0, tokens[before].isSign("~") {
      edits.replace(index, "'.*(?:" + token.text.replacing("'", with: "''") + ").*'")
    } else if token.text.hasPrefix("{"), token.text.hasSuffix("}"), !token.text.dropFirst().contains("{") {
      edits.replace(index, "'[" + token.text.dropFirst().dropLast().replacing("'", with: "''") + "]'")
    }
  }

  /// `'name'::regclass` and `CAST(… AS REGCLASS)` are object ids.
  private static func editCasts(_ index: Int, _ tokens: [QueryToken], _ edits: inout TokenEdits) {
    guard tokens[index].isWord("regclass"), index > 2 else { return }
    var before = index - 1
    // The type's schema may stand before it.
    if tokens[before].isSign("."), before > 1 { before -= 2 }
    if tokens[before].isWord("as") {
      var depth = 0
      guard
        let open = (0..<before).last(where: { place in
          if tokens[place].isSign(")") { depth += 1 }
          if tokens[place].isSign("(") { depth -= 1 }
          return depth < 0
        }), open > 0, tokens[open - 1].isWord("cast")
      else { return }
      edits.replace(open - 1, "regclass_oid")
      edits.replace(before, "")
      edits.replace(index, "")
    } else if before > 1, tokens[before].isSign(":"), tokens[before - 1].isSign(":"), tokens[before - 2].kind == .string
    {
      edits.surround(before - 2, "regclass_oid(", ")")
      for place in [before - 1, before, index] { edits.replace(place, "") }
    }
  }

  /// `current_setting('name')` is the session's.
  private static func editSettings(
    _ index: Int, _ tokens: [QueryToken], _ edits: inout TokenEdits, _ settings: [String: String]
  ) {
    guard tokens[index].isWord("current_setting"), index + 3 < tokens.count, tokens[index + 1].isSign("("),
      tokens[index + 2].kind == .string, let close = tokens[index...].firstIndex(where: { $0.isSign(")") })
    else { return }
    let value = settings[tokens[index + 2].folded].map { "'" + $0.replacing("'", with: "''") + "'" } ?? "NULL::VARCHAR"
    edits.replace(index, value)
    for place in index + 1...close { edits.replace(place, "") }
  }

  /// In a FROM, `function(…) AS s` names the column `s` too, as PostgreSQL does.
  private static func editFunctionAliases(_ tokens: [QueryToken], _ edits: inout TokenEdits) {
    let clauses: Set<String> = ["select", "from", "where", "on", "group", "order", "having", "limit", "join"]
    var clause: [String] = [""]
    var calls: [Int?] = []
    for (index, token) in tokens.enumerated() {
      if token.kind == .word, clauses.contains(token.folded) { clause[clause.count - 1] = token.folded }
      if token.isSign("(") {
        let isCall = index > 0 && ["generate_series", "string_to_array", "unnest"].contains(tokens[index - 1].folded)
        calls.append(isCall && ["from", "join"].contains(clause[clause.count - 1]) ? index - 1 : nil)
        clause.append("")
      } else if token.isSign(")"), clause.count > 1 {
        clause.removeLast()
        guard let call = calls.removeLast() else { continue }
        var alias = index + 1
        if alias < tokens.count, tokens[alias].isWord("as") { alias += 1 }
        let isNamed = alias < tokens.count && tokens[alias].isName && !clauses.contains(tokens[alias].folded)
        if isNamed, alias + 1 >= tokens.count || !tokens[alias + 1].isSign("(") {
          edits.surround(alias, "", "(\(tokens[alias].text))")
        }
        // A scalar function is no table there; a subquery is.
        if tokens[call].isWord("string_to_array") {
          edits.surround(call, "(SELECT ", "")
          edits.surround(index, "", ")")
        }
      }
    }
  }
}

/// Replaces tokens of a text and leaves everything between them as it is.
struct TokenEdits {
  private let tokens: [QueryToken]
  private let bytes: [UInt8]
  private var changed: [Int: String] = [:]

  init(_ tokens: [QueryToken], _ sql: String) {
    self.tokens = tokens
    bytes = Array(sql.utf8)
  }

  mutating func replace(_ index: Int, _ text: String) { changed[index] = text }

  mutating func surround(_ index: Int, _ before: String, _ after: String) {
    let now = changed[index] ?? String(decoding: bytes[tokens[index].range], as: UTF8.self)
    changed[index] = before + now + after
  }

  var text: String {
    var out: [UInt8] = []
    var position = 0
    for index in changed.keys.sorted() {
      out += bytes[position..<tokens[index].range.lowerBound]
      out += (changed[index] ?? "").utf8
      position = tokens[index].range.upperBound
    }
    out += bytes[position...]
    return String(decoding: out, as: UTF8.self)
  }
}
