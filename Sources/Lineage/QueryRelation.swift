/// A relation that a query's FROM names: its columns, each with what it depends on.
struct QueryRelation {
  /// The name under which the query knows it, in small letters.
  var alias = ""
  var columns: [QueryLineage.Output] = []
  /// What a column depends on that is not among ``columns``; nil if there can be no other.
  var others: Others?

  /// Columns that are not known by name.
  enum Others {
    /// Any column of a table of which nobody knows the columns.
    case table(String)
    /// Whatever a table function was given.
    case uses(ColumnUses)
  }

  /// A table by its columns, or one of which nobody knows them.
  init(table: String, columns: [String]?) {
    alias = table.lowercased()
    self.columns = (columns ?? []).map { .init(name: $0, uses: [ColumnName(table, $0): [.identity]]) }
    others = columns == nil ? .table(table) : nil
  }

  /// The result of a query.
  init(_ query: AnalysedQuery) {
    columns = query.columns
    others = query.others
  }

  init(columns: [QueryLineage.Output] = [], others: Others? = nil) {
    self.columns = columns
    self.others = others
  }

  /// What a column depends on; nil if the relation certainly has none of that name.
  func uses(_ column: String, mayGuess: Bool) -> ColumnUses? {
    if let known = columns.first(where: { $0.name.lowercased() == column.lowercased() }) { return known.uses }
    guard mayGuess else { return nil }
    switch others {
    case .table(let name): return [ColumnName(name, column): [.identity]]
    case .uses(let uses): return uses
    case nil: return nil
    }
  }

  /// The relation under another name, with its first columns renamed.
  func renamed(_ alias: String?, _ names: [String]) -> QueryRelation {
    var result = self
    if let alias, !alias.isEmpty { result.alias = alias.lowercased() }
    if case .uses(let uses) = others, columns.isEmpty, !names.isEmpty {
      result.columns = names.map { .init(name: $0, uses: uses) }
      result.others = nil
    }
    for (index, name) in names.enumerated() where index < result.columns.count { result.columns[index].name = name }
    return result
  }
}

/// What is known of a query while the one around it is looked at.
struct AnalysedQuery {
  var columns: [QueryLineage.Output] = []
  var others: QueryRelation.Others?
  /// Columns that decide which rows there are.
  var rows: ColumnUses = [:]

  /// Everything that the query depends on.
  var everything: ColumnUses {
    columns.reduce(into: rows) { $0.add($1.uses) }
  }
}
