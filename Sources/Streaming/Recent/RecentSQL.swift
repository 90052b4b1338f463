internal import DuckDB
internal import Pipelines

/// The SQL of a relation of recent readings, the same over a micro-batch and over whole tables.
struct RecentSQL {
  let definition: RecentDefinition

  init(_ definition: RecentDefinition) { self.definition = definition }

  /// The columns that are remembered, quoted.
  var columns: [String] { definition.neededColumns.map { SQL.quote(identifier: $0) } }

  private var keys: [String] { definition.keys.map { SQL.quote(identifier: $0) } }
  private var time: String { SQL.quote(identifier: definition.orderBy) }

  /// The rows that can be anybody's earlier reading: those that say whose and when.
  var isComplete: String { (keys + [time]).map { "\($0) IS NOT NULL" }.joined(separator: " AND ") }

  /// What the rows of one key in one partition have in common.
  var group: String { "\"partition\", \(keys.joined(separator: ", "))" }

  /// A SELECT with one row for each row of `current`.
  /// - Parameters:
  ///   - current: Rows of the remembered table.
  ///   - earlier: Rows that arrived before them; of each key the last `definition.rows` at least.
  ///   - late: A relation with the coordinates of late rows; nil if there are none.
  func select(current: String, earlier: String?, late: String?) -> String {
    let count = definition.rows
    var rows = "SELECT \(columns.joined(separator: ", ")), true AS _now FROM \(current)"
    if let earlier {
      rows += """

        UNION ALL
        SELECT \(columns.joined(separator: ", ")), false FROM \(earlier)
        SEMI JOIN (SELECT \(group) FROM \(current)) USING (\(group))
        """
    }
    let alone = "CASE WHEN \(isComplete) THEN NULL ELSE \"offset\" END"
    let window = "PARTITION BY \(group), \(alone) ORDER BY \"offset\""
    let values = definition.columns.enumerated()
    func reading(_ lag: Int) -> String {
      let members = values.map { "'c\($0)': lag(\(SQL.quote(identifier: $1)), \(lag)) OVER w" }
      return
        "{'t': lag(\(time), \(lag)) OVER w, 'o': lag(\"offset\", \(lag)) OVER w, \(members.joined(separator: ", "))}"
    }
    let history = (1...count).reversed().map(reading).joined(separator: ",\n")
    let isLate = late.map { "(\"partition\", \"offset\") IN (SELECT (\"partition\", \"offset\") FROM \($0))" }
    let within = Int64(definition.withinSeconds * 1e6)
    let kept = """
      x.t <= _time AND epoch_us(x.t) >= epoch_us(_time) - \(within)\(isLate == nil ? "" : " AND NOT _late")
      """
    let lists = values.map { index, column in
      let name = SQL.quote(identifier: column)
      let list = "list_transform(_history, lambda x: x.c\(index))"
      return "\(definition.includesCurrent ? "list_append(\(list), _c\(index))" : list) AS \(name)"
    }
    let own = values.map { "\(SQL.quote(identifier: $1)) AS _c\($0)" }.joined(separator: ", ")
    return """
      SELECT "partition", "offset", \(lists.joined(separator: ", ")) FROM (
        SELECT * EXCLUDE (_all), list_sort(list_filter(_all, lambda x: \(kept))) AS _history FROM (
          SELECT "partition", "offset", \(time) AS _time, \(own), _now\(isLate.map { ", \($0) AS _late" } ?? ""),
            [\(history)] AS _all
          FROM (\(rows)) WINDOW w AS (\(window))
        ) WHERE _now
      )
      """
  }

  /// A SELECT that gives the rows of a relation of coordinates empty lists.
  /// - Parameter types: The types of the columns, by name in small letters.
  func empty(coordinates: String, types: [String: String]) -> String {
    let lists = definition.columns.map {
      "CAST([] AS \(types[$0.lowercased()] ?? "DOUBLE")[]) AS \(SQL.quote(identifier: $0))"
    }
    return "SELECT \"partition\", \"offset\", \(lists.joined(separator: ", ")) FROM \(coordinates)"
  }
}
