/// Functions whose value depends on when they are asked: a table that holds one cannot be computed again.
enum MomentaryValues {
  /// The words of a query that call such a function.
  static func find(in tokens: ArraySlice<SQLToken>) -> [SQLToken] {
    tokens.indices.filter { index in
      guard tokens[index].kind == .word else { return false }
      let isCall = index + 1 < tokens.endIndex && tokens[index + 1].isSymbol("(")
      switch tokens[index].upper {
      case "NOW", "RAND", "RANDOM", "UUID": return isCall
      case "CURRENT_TIMESTAMP", "CURRENT_DATE":
        return isCall || !(index > tokens.startIndex && tokens[index - 1].isSymbol("."))
      default: return false
      }
    }.map { tokens[$0] }
  }

  /// Notes what would make the rows of a view depend on the moment of its refresh.
  static func check(_ definition: SQLScript.Definition, _ problems: ProblemList) {
    for token in find(in: definition.query.tokens) {
      problems.add(
        at: definition.query.source.location(token.range.lowerBound),
        "\(token.upper) in a view would give other rows at each refresh",
        remedy: "take the time from the rows, such as max(event_time)")
    }
  }
}
