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
    let isLate =
      late.map { "(\"partition\", \"offset\") IN (SELECT (\"partition\", \"offset\") FROM \($0))" } ?? "false"
    let oldest = "epoch_us(_time) - \(Int64(definition.withinSeconds * 1e6))"
    // Nearly always the earlier rows are complete, in order and near: then they are the list as they stand.
    let order = ["_t1 <= _time"] + (1..<count).map { "_t\($0 + 1) <= _t\($0)" }
    let isEasy = "\(order.joined(separator: " AND ")) AND epoch_us(_t\(count)) >= \(oldest) AND NOT _late"
    let kept = "x.t <= _time AND epoch_us(x.t) >= \(oldest) AND NOT _late"
    return """
      SELECT "partition", "offset", \(lists) FROM (
        SELECT *, CASE WHEN _easy THEN NULL ELSE
          list_sort(list_filter([\(readings)], lambda x: \(kept))) END AS _history
        FROM (
          SELECT *, coalesce(\(isEasy), false) AS _easy FROM (
            SELECT "partition", "offset", \(time) AS _time, \(own), _now, \(isLate) AS _late, \(lags)
            FROM (\(rows)) WINDOW w AS (\(window))
          ) WHERE _now
        )
      )
      """
  }

  private var steps: [Int] { (1...definition.rows).reversed() }

  /// The value of a column so many readings before.
  private func value(_ column: Int, _ lag: Int) -> String {
    isTime(column) ? "_t\(lag)" : "_v\(column)_\(lag)"
  }

  private func isTime(_ column: Int) -> Bool {
    definition.columns[column].lowercased() == definition.orderBy.lowercased()
  }

  private var lags: String {
    steps.flatMap { lag in
      ["lag(\(time), \(lag)) OVER w AS _t\(lag)", "lag(\"offset\", \(lag)) OVER w AS _o\(lag)"]
        + definition.columns.indices.filter { !isTime($0) }.map {
          "lag(\(SQL.quote(identifier: definition.columns[$0])), \(lag)) OVER w AS \(value($0, lag))"
        }
    }.joined(separator: ", ")
  }

  /// The earlier rows as structures that are ordered by time, then by arrival.
  private var readings: String {
    steps.map { lag in
      let members = definition.columns.indices.map { "'c\($0)': \(value($0, lag))" }
      return "{'t': _t\(lag), 'o': _o\(lag), \(members.joined(separator: ", "))}"
    }.joined(separator: ",\n")
  }

  private var lists: String {
    definition.columns.enumerated().map { index, column in
      let plain = steps.map { value(index, $0) }.joined(separator: ", ")
      let list = "CASE WHEN _easy THEN [\(plain)] ELSE list_transform(_history, lambda x: x.c\(index)) END"
      return
        "\(definition.includesCurrent ? "list_append(\(list), _c\(index))" : list) AS \(SQL.quote(identifier: column))"
    }.joined(separator: ", ")
  }

  private var own: String {
    definition.columns.enumerated().map { "\(SQL.quote(identifier: $1)) AS _c\($0)" }.joined(separator: ", ")
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
