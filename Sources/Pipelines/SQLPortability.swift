/// Notes SQL that runs on one engine only, so that a pipeline's folder can move from DuckDB to Spark unchanged.
enum SQLPortability {
  /// Every finding in a query, with what to write instead.
  static func findings(in query: SQLScript.Query) -> [DefinitionProblem] {
    let tokens = Array(query.tokens)
    return tokens.indices.compactMap { index in
      finding(tokens, index).map { what, remedy in
        DefinitionProblem(
          at: query.source.location(tokens[index].range.lowerBound),
          "\(what) does not mean the same on DuckDB and Spark",
          remedy: remedy)
      }
    }
  }

  private static let functions: [String: String] = [
    "from_json": "declare the field in the source's record, or use get_json_object",
    "named_struct": "use flat columns", "struct": "use flat columns", "array": "use split, or flat columns",
    "map": "use map_from_arrays", "timestampdiff": "subtract unix_timestamp values",
    "window": "use floor(unix_timestamp(t) / seconds) * seconds",
  ]

  private static let macroAggregates: Set<String> = [
    "percentile", "percentile_approx", "approx_percentile", "collect_list", "collect_set", "skewness", "kurtosis",
  ]

  private static func finding(_ tokens: [SQLToken], _ index: Int) -> (what: String, remedy: String)? {
    let token = tokens[index]
    let next = index + 1 < tokens.count ? tokens[index + 1] : nil
    let before = index > 0 ? tokens[index - 1] : nil
    switch token.kind {
    case .word: return word(tokens, index, next: next, before: before)
    case .number:
      if let last = token.text.last, "lLdDsS".contains(last), !token.text.hasPrefix("0x") {
        return ("the number \(token.text)", "write CAST(… AS BIGINT), or 1e0 for a DOUBLE")
      }
    case .string:
      if token.text.contains(where: { $0 == "\\" }) {
        return ("a backslash in a string", "write [0-9] for \\d, and so on")
      }
    case .symbol:
      if token.text == "->" { return ("a lambda", "use explode and an aggregate") }
      if token.text == "*", let next, ["EXCEPT", "EXCLUDE", "REPLACE"].contains(next.upper), next.kind == .word {
        return ("* \(next.upper)", "list the columns")
      }
    case .quoted: break
    }
    return nil
  }

  private static func word(
    _ tokens: [SQLToken], _ index: Int, next: SQLToken?, before: SQLToken?
  ) -> (what: String, remedy: String)? {
    let token = tokens[index]
    switch token.upper {
    case "RLIKE": return ("RLIKE", "use regexp_like()")
    case "DIV" where before.map { $0.isName || $0.kind == .number || $0.isSymbol(")") } ?? false:
      return ("DIV", "use CAST(floor(a / b) AS BIGINT)")
    case "LATERAL" where next?.isWord("VIEW") ?? false: return ("LATERAL VIEW", "use LATERAL explode(x) AS e(y)")
    case "LEFT" where (next?.isWord("SEMI") ?? false) || (next?.isWord("ANTI") ?? false):
      return ("LEFT \(next?.upper ?? "") JOIN", "write \(next?.upper ?? "") JOIN")
    case "IGNORE" where next?.isWord("NULLS") ?? false: return ("IGNORE NULLS", "use max or min over a frame")
    case "INTERVAL" where (before?.isSymbol("+") ?? false) || (before?.isSymbol("-") ?? false):
      return ("adding an INTERVAL", "use date_add or date_sub, or unix_timestamp")
    default: break
    }
    guard let next, next.isSymbol("("), !(before?.isSymbol(".") ?? false) else { return nil }
    let name = token.text.lowercased()
    if let remedy = functions[name] { return ("\(name)()", remedy) }
    if name == "datediff", index + 3 < tokens.count, tokens[index + 2].kind == .word, tokens[index + 3].isSymbol(","),
      ["DAY", "HOUR", "MINUTE", "SECOND", "MONTH", "YEAR", "WEEK"].contains(tokens[index + 2].upper)
    {
      return ("datediff with a unit", "use datediff(end, start), or subtract unix_timestamp values")
    }
    if macroAggregates.contains(name), index + 2 < tokens.count, tokens[index + 2].isWord("DISTINCT") {
      return ("\(name)(DISTINCT …)", "make rows distinct in a sub-query")
    }
    return nil
  }
}
