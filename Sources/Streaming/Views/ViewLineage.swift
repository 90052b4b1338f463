internal import DuckDB

/// One place in a view's SQL that reads a table, and how a row of that table tells the keys that it touches.
struct ViewInput: Sendable, Hashable {
  /// The table.
  var table: String
  /// For each key column of the view: SQL over the table's columns for the value that a row belongs to. There are several
  /// where the place is read in several ways; no key at all means that nobody can tell what a row touches.
  var keys: [[String]]

  /// Whether a row tells its keys.
  var tellsKeys: Bool { !keys.isEmpty }

  /// Every combination of one expression per key column.
  var combinations: [[String]] {
    guard tellsKeys else { return [] }
    return keys.reduce([[]]) { rows, choices in rows.flatMap { row in choices.map { row + [$0] } } }
  }
}

/// What a view's rows depend on.
struct ViewLineage: Sendable {
  /// The view's columns, as DuckDB computes them.
  var columns: [Column]
  /// The columns by whose values the view can be computed piecewise; none: only as a whole.
  var keyColumns: [String]
  /// Every place that reads a table, in the order in which `Pipeline.select` asks for them.
  var inputs: [ViewInput]

  /// The tables, each once.
  var tables: [String] {
    var seen: Set<String> = []
    return inputs.map(\.table).filter { seen.insert($0.lowercased()).inserted }
  }

  /// Whether changed rows of a table tell all keys that they touch.
  func tellsKeys(_ table: String) -> Bool {
    !keyColumns.isEmpty
      && inputs.allSatisfy { $0.table.lowercased() != table.lowercased() || $0.tellsKeys }
  }
}
