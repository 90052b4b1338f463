internal import JSON

/// What names mean inside one SELECT.
struct Scope {
  /// Relations of FROM in order.
  var relations: [QueryRelation] = []
  /// Columns that USING made one, in small letters.
  var merged: Set<String> = []
  /// Expressions of the select list by their names in small letters.
  var aliases: [String: ColumnUses] = [:]
  /// Relations of the queries around, the innermost first.
  var outer: [QueryRelation]

  init(outer: [QueryRelation]) { self.outer = outer }

  /// All relations in reach, the innermost first.
  var reach: [QueryRelation] { relations + outer }

  /// What `a`, `a.b` or `a.b.c` stands for; nothing if it is no column of any relation, such as a lambda's parameter.
  func uses(_ parts: [String]) -> ColumnUses {
    guard let first = parts.first else { return [:] }
    if parts.count > 1, let relation = reach.first(where: { $0.alias == first.lowercased() }) {
      let use: ColumnUse = parts.count > 2 ? .transformation : .identity
      if let uses = relation.uses(parts[1], mayGuess: true) { return uses.then(use) }
    }
    let use: ColumnUse = parts.count > 1 ? .transformation : .identity
    for relation in relations {
      if let uses = relation.uses(first, mayGuess: false) { return uses.then(use) }
    }
    if let uses = aliases[first.lowercased()] { return uses.then(use) }
    for mayGuess in [false, true] {
      for relation in reach {
        if let uses = relation.uses(first, mayGuess: mayGuess) { return uses.then(use) }
      }
    }
    return [:]
  }
}

extension QueryAnalysis {
  /// Adds the relations of a FROM.
  mutating func relations(_ node: JSONValue, into scope: inout Scope, _ rows: inout ColumnUses) {
    guard let node = node.object else { return }
    let alias = node["alias"]?.string
    let names = node["column_name_alias"].texts
    switch node["type"]?.string {
    case "BASE_TABLE":
      let name = node["table_name"]?.string ?? ""
      let found: QueryRelation
      if let part = named.last(where: { $0.name == name.lowercased() }) {
        found = part.relation.renamed(name, [])
        rows.add(part.rows)
      } else {
        found = QueryRelation(table: name, columns: tableColumns(name))
      }
      scope.relations.append(found.renamed(alias, names))
    case "SUBQUERY":
      let inner = query(node["subquery"]?.object?["node"] ?? .null, outer: scope.reach)
      rows.add(inner.rows)
      scope.relations.append(QueryRelation(inner).renamed(alias, names))
    case "TABLE_FUNCTION":
      let uses = expression(node["function"] ?? .null, scope).then(.transformation)
      let name = node["function"]?.object?["function_name"]?.string
      let found = QueryRelation(others: .uses(uses)).renamed(name, [])
      scope.relations.append(found.renamed(alias, names))
    case "EXPRESSION_LIST":
      scope.relations.append(values(node, scope).renamed(alias, names))
    case "JOIN": joined(node, into: &scope, &rows)
    default:
      // PIVOT and the like: what is inside is reachable by name.
      if let source = node["source"] { relations(source, into: &scope, &rows) }
    }
  }

  private mutating func joined(_ node: JSONObject, into scope: inout Scope, _ rows: inout ColumnUses) {
    if let left = node["left"] { relations(left, into: &scope, &rows) }
    let before = scope.relations.count
    if let right = node["right"] { relations(right, into: &scope, &rows) }
    for name in node["using_columns"].texts {
      for relation in scope.relations { rows.add(relation.uses(name, mayGuess: false)?.then(.join) ?? [:]) }
      scope.merged.insert(name.lowercased())
    }
    if let condition = node["condition"] { rows.add(expression(condition, scope).then(.join)) }
    // The right side of these decides about rows and is not seen.
    if ["SEMI", "ANTI"].contains(node["join_type"]?.string) { scope.relations.removeSubrange(before...) }
  }

  private mutating func values(_ node: JSONObject, _ scope: Scope) -> QueryRelation {
    var relation = QueryRelation()
    let names = node["expected_names"].texts
    for row in node["values"]?.array ?? [] {
      for (index, value) in (row.array ?? []).enumerated() {
        let uses = expression(value, scope)
        if index < relation.columns.count {
          relation.columns[index].uses.add(uses)
        } else {
          relation.columns.append(.init(name: index < names.count ? names[index] : "col\(index)", uses: uses))
        }
      }
    }
    return relation
  }
}
