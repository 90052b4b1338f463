internal import JSON

extension QueryAnalysis {
  /// The columns that an expression depends on.
  mutating func expression(_ value: JSONValue, _ scope: Scope) -> ColumnUses {
    guard let node = value.object else {
      return (value.array ?? []).reduce(into: [:]) { $0.add(expression($1, scope)) }
    }
    switch node["class"]?.string {
    case "COLUMN_REF": return scope.uses(node["column_names"].texts)
    case "CONSTANT": return [:]
    case "CASE": return branches(node, scope)
    case "FUNCTION": return function(node, scope)
    case "WINDOW": return window(node, scope)
    case "SUBQUERY": return subquery(node, scope)
    case "STAR": return scope.relations.flatMap(\.columns).reduce(into: [:]) { $0.add($1.uses) }
    default: return parts(node, scope, .transformation)
    }
  }

  /// Any other expression: what its members depend on.
  private mutating func parts(_ node: JSONObject, _ scope: Scope, _ use: ColumnUse) -> ColumnUses {
    var uses: ColumnUses = [:]
    for (_, member) in node.members { uses.add(expression(member, scope)) }
    return uses.then(use)
  }

  private mutating func branches(_ node: JSONObject, _ scope: Scope) -> ColumnUses {
    var uses = expression(node["else_expr"] ?? .null, scope).then(.transformation)
    for check in node["case_checks"]?.array ?? [] {
      uses.add(expression(check.object?["when_expr"] ?? .null, scope).then(.conditional))
      uses.add(expression(check.object?["then_expr"] ?? .null, scope).then(.transformation))
    }
    return uses
  }

  private mutating func function(_ node: JSONObject, _ scope: Scope) -> ColumnUses {
    let name = node["function_name"]?.string?.lowercased() ?? ""
    functions.insert(name)
    if name == "model_version" || name == "model_threshold" {
      for text in (node["children"]?.array ?? []).compactMap({ $0.object?["value"]?.object?["value"]?.string }) {
        functions.insert("\(name)_\(text.lowercased())")
      }
    }
    let use: ColumnUse = Self.aggregates.contains(name) ? .aggregation : .transformation
    var uses = expression(node["children"] ?? .null, scope).then(use)
    uses.add(expression(node["filter"] ?? .null, scope).then(.conditional))
    for order in node["order_bys"]?.object?["orders"]?.array ?? [] {
      uses.add(expression(order.object?["expression"] ?? .null, scope).then(.sort))
    }
    return uses
  }

  private mutating func window(_ node: JSONObject, _ scope: Scope) -> ColumnUses {
    let name = node["function_name"]?.string?.lowercased() ?? ""
    functions.insert(name)
    let use: ColumnUse = Self.aggregates.contains(name) ? .aggregation : .transformation
    var uses = expression(node["children"] ?? .null, scope).then(use)
    uses.add(expression(node["partitions"] ?? .null, scope).then(.window))
    for key in ["orders", "arg_orders"] {
      for order in node[key]?.array ?? [] {
        uses.add(expression(order.object?["expression"] ?? .null, scope).then(.window))
      }
    }
    for key in ["start_expr", "end_expr", "offset_expr", "default_expr"] {
      uses.add(expression(node[key] ?? .null, scope).then(.transformation))
    }
    uses.add(expression(node["filter_expr"] ?? .null, scope).then(.conditional))
    return uses
  }

  private mutating func subquery(_ node: JSONObject, _ scope: Scope) -> ColumnUses {
    let inner = query(node["subquery"]?.object?["node"] ?? .null, outer: scope.reach)
    let isValue = node["subquery_type"]?.string == "SCALAR"
    var uses = inner.rows.then(.conditional)
    for column in inner.columns { uses.add(column.uses.then(isValue ? .transformation : .conditional)) }
    uses.add(expression(node["child"] ?? .null, scope).then(.conditional))
    return uses
  }

  /// Functions over many rows, of DuckDB and of Spark.
  private static let aggregates: Set<String> = [
    "any_value", "approx_count_distinct", "approx_percentile", "arg_max", "arg_min", "array_agg", "avg", "bool_and",
    "bool_or", "collect_list", "collect_set", "corr", "count", "count_if", "count_star", "covar_pop", "covar_samp",
    "every", "first", "histogram", "kurtosis", "last", "list", "max", "max_by", "mean", "median", "min", "min_by",
    "mode",
    "percentile", "percentile_approx", "product", "quantile", "quantile_cont", "quantile_disc", "regr_intercept",
    "regr_slope", "skewness", "some", "stddev", "stddev_pop", "stddev_samp", "string_agg", "sum", "var_pop", "var_samp",
    "variance",
  ]
}
