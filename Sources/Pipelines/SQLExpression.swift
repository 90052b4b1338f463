/// Checks single SQL expressions that stand in YAML.
enum SQLExpression {
  /// Whether a text can be one expression; what is wrong is noted at the YAML value's place.
  static func check(_ text: String, at location: SourceLocation, _ problems: ProblemList) -> Bool {
    let found = ProblemList()
    let tokens = SQLLexer.tokens(of: SQLText(text, file: location.file), problems: found)
    for problem in found.problems { problems.add(at: location, problem.message, remedy: problem.remedy) }
    if tokens.isEmpty {
      problems.add(at: location, "the expression is empty", remedy: "write a condition over the table's columns")
      return false
    }
    if tokens.contains(where: { $0.isSymbol(";") || $0.isWord("SELECT") }) {
      problems.add(
        at: location, "the expression is more than a condition on one row",
        remedy: "use the row's columns only; move queries to a .sql file")
      return false
    }
    var depth = 0
    for token in tokens {
      if token.isSymbol("(") { depth += 1 }
      if token.isSymbol(")") { depth -= 1 }
      if depth < 0 { break }
    }
    if depth != 0 {
      problems.add(at: location, "parentheses in the expression do not match", remedy: "open and close each one")
      return false
    }
    return found.problems.isEmpty
  }
}
