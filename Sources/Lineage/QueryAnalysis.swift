internal import JSON

/// Reads the lineage of a query's columns out of DuckDB's own parse of it (`json_serialize_sql`).
///
/// The parse knows no tables, so names are looked up here as SQL does: in the relations of FROM, then in those of the
/// queries around. A column that stands in no known relation is taken to be of the one whose columns nobody knows.
public struct QueryAnalysis {
  let tableColumns: (String) -> [String]?
  var functions: Set<String> = []
  /// Common table expressions in reach, the innermost last.
  var named: [(name: String, relation: QueryRelation, rows: ColumnUses)] = []

  /// The lineage of a query.
  /// - Parameters:
  ///   - syntax: The text that `json_serialize_sql` gives for one SELECT.
  ///   - tableColumns: A table's columns in order; nil if they are not known.
  /// - Returns: nil if the text is no parse of a query.
  public static func lineage(ofSyntax syntax: String, tableColumns: @escaping (String) -> [String]?) -> QueryLineage? {
    guard let root = JSONValue(parsing: syntax)?.object, root["error"]?.bool != true,
      let node = root["statements"]?.array?.first?.object?["node"]
    else { return nil }
    var analysis = QueryAnalysis(tableColumns: tableColumns)
    let query = analysis.query(node, outer: [])
    var lineage = QueryLineage()
    lineage.columns = query.columns
    lineage.rows = query.rows
    lineage.isComplete = query.others == nil
    lineage.functions = analysis.functions
    return lineage
  }

  private init(tableColumns: @escaping (String) -> [String]?) { self.tableColumns = tableColumns }

  // MARK: Queries

  /// - Parameter outer: Relations of the queries around, the innermost first.
  mutating func query(_ node: JSONValue, outer: [QueryRelation]) -> AnalysedQuery {
    guard let node = node.object else { return AnalysedQuery() }
    let depth = named.count
    defer { named.removeSubrange(depth...) }
    for entry in node["cte_map"]?.object?["map"]?.array ?? [] { define(entry, outer: outer) }
    switch node["type"]?.string {
    case "SELECT_NODE": return select(node, outer: outer)
    case "SET_OPERATION_NODE": return union(node, outer: outer)
    case "RECURSIVE_CTE_NODE":
      let start = query(node["left"] ?? .null, outer: outer)
      named.append((node["cte_name"]?.string?.lowercased() ?? "", QueryRelation(start), start.rows))
      return join(start, query(node["right"] ?? .null, outer: outer))
    case "CTE_NODE":
      let part = query(node["query"] ?? .null, outer: outer)
      let relation = QueryRelation(part).renamed(nil, node["aliases"].texts)
      named.append(((node["cte_name"] ?? node["ctename"])?.string?.lowercased() ?? "", relation, part.rows))
      return query(node["child"] ?? .null, outer: outer)
    default: return AnalysedQuery()
    }
  }

  private mutating func define(_ entry: JSONValue, outer: [QueryRelation]) {
    guard let entry = entry.object, let value = entry["value"]?.object,
      let node = value["query"]?.object?["node"]
    else { return }
    let name = entry["key"]?.string?.lowercased() ?? ""
    let part = query(node, outer: outer)
    named.append((name, QueryRelation(part).renamed(nil, value["aliases"].texts), part.rows))
  }

  /// UNION, EXCEPT, INTERSECT: columns by position, named by the first query.
  private mutating func union(_ node: JSONObject, outer: [QueryRelation]) -> AnalysedQuery {
    let parts = node["children"]?.array ?? [node["left"] ?? .null, node["right"] ?? .null]
    guard let first = parts.first else { return AnalysedQuery() }
    return parts.dropFirst().reduce(query(first, outer: outer)) { join($0, query($1, outer: outer)) }
  }

  private func join(_ left: AnalysedQuery, _ right: AnalysedQuery) -> AnalysedQuery {
    var result = left
    for (index, column) in right.columns.enumerated() where index < result.columns.count {
      result.columns[index].uses.add(column.uses)
    }
    result.rows.add(right.rows)
    result.others = left.others ?? right.others
    return result
  }

  private mutating func select(_ node: JSONObject, outer: [QueryRelation]) -> AnalysedQuery {
    var result = AnalysedQuery()
    var scope = Scope(outer: outer)
    if let from = node["from_table"] { relations(from, into: &scope, &result.rows) }
    for item in node["select_list"]?.array ?? [] {
      guard let item = item.object else { continue }
      if item["class"]?.string == "STAR", item["expr"]?.object == nil {
        star(item, scope, &result)
      } else {
        let name = item["alias"]?.string ?? ""
        let uses = expression(.object(item), scope)
        result.columns.append(.init(name: name.isEmpty ? Self.impliedName(item) : name, uses: uses))
        // DuckDB and Spark let later expressions name earlier ones.
        if !name.isEmpty { scope.aliases[name.lowercased()] = uses }
      }
    }
    let conditions: [(String, ColumnUse)] = [
      ("where_clause", .filter), ("group_expressions", .groupBy), ("having", .filter), ("qualify", .filter),
    ]
    for (key, use) in conditions {
      for part in node[key]?.array ?? [node[key] ?? .null] {
        result.rows.add(expression(part, scope).then(use))
      }
    }
    for modifier in node["modifiers"]?.array ?? [] where modifier.object?["type"]?.string == "ORDER_MODIFIER" {
      for order in modifier.object?["orders"]?.array ?? [] {
        result.rows.add(expression(order.object?["expression"] ?? .null, scope).then(.sort))
      }
    }
    return result
  }

  private mutating func star(_ item: JSONObject, _ scope: Scope, _ result: inout AnalysedQuery) {
    var replaced: [String: ColumnUses] = [:]
    for entry in item["replace_list"]?.array ?? [] {
      guard let key = entry.object?["key"]?.string else { continue }
      replaced[key.lowercased()] = expression(entry.object?["value"] ?? .null, scope)
    }
    let wanted = item["relation_name"]?.string?.lowercased() ?? ""
    let excluded = Set(
      ((item["exclude_list"]?.array ?? []) + (item["qualified_exclude_list"]?.array ?? [])).compactMap {
        ($0.string ?? $0.object?["column"]?.string)?.lowercased()
      })
    var seen: Set<String> = []
    for relation in scope.relations where wanted.isEmpty || relation.alias == wanted {
      for column in relation.columns where !excluded.contains(column.name.lowercased()) {
        // A column of USING comes out once.
        if scope.merged.contains(column.name.lowercased()), !seen.insert(column.name.lowercased()).inserted { continue }
        result.columns.append(.init(name: column.name, uses: replaced[column.name.lowercased()] ?? column.uses))
      }
      if let others = relation.others { result.others = others }
    }
  }

  private static func impliedName(_ item: JSONObject) -> String {
    if let last = item["column_names"]?.array?.last?.string { return last }
    if item["class"]?.string == "CAST", let child = item["child"]?.object { return impliedName(child) }
    return item["function_name"]?.string ?? ""
  }
}

extension JSONValue? {
  /// The texts of a list.
  var texts: [String] { self?.array?.compactMap(\.string) ?? [] }
}
