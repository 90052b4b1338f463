/// Words that bound what the scanner looks for.
enum SQLKeyword {
  /// Words after a relation that are not its alias.
  static let followsRelation: Set<String> = [
    "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "FETCH", "WINDOW", "UNION", "INTERSECT",
    "EXCEPT", "MINUS", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "SEMI", "ANTI", "ASOF",
    "POSITIONAL", "ON", "USING", "LATERAL", "TABLESAMPLE", "PIVOT", "UNPIVOT", "SELECT", "FROM",
  ]
  /// Words that cannot begin a relation.
  static let endsRelation: Set<String> = followsRelation.subtracting(["LATERAL"]).union(["AS"])
  /// Words that end a SELECT list.
  static let endsSelectList: Set<String> = [
    "FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "WINDOW", "UNION", "INTERSECT", "EXCEPT",
  ]
  /// Words that end an expression and name nothing.
  static let values: Set<String> = [
    "END", "NULL", "TRUE", "FALSE", "CURRENT_DATE", "CURRENT_TIMESTAMP", "UNKNOWN",
  ]
  /// Words after which an expression goes on.
  static let operators: Set<String> = [
    "AND", "OR", "NOT", "IN", "IS", "LIKE", "ILIKE", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "DISTINCT", "FROM",
    "ESCAPE", "SIMILAR", "TO", "OVER", "INTERVAL", "DATE", "TIMESTAMP",
  ]
}
