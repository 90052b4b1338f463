/// A column of a relation.
public struct ColumnName: Sendable, Hashable, Comparable {
  /// The relation's name.
  public var table: String
  /// The column's name.
  public var column: String

  /// A column by name.
  public init(_ table: String, _ column: String) {
    self.table = table
    self.column = column
  }

  /// Orders by relation, then by column.
  public static func < (left: ColumnName, right: ColumnName) -> Bool {
    (left.table, left.column) < (right.table, right.column)
  }
}

/// What a query does with a column that it reads: the kinds of OpenLineage's facet of column lineage.
public enum ColumnUse: String, Sendable, Hashable, CaseIterable {
  /// The value comes out as it went in.
  case identity = "IDENTITY"
  /// The value is computed from it.
  case transformation = "TRANSFORMATION"
  /// The value is computed from it over many rows.
  case aggregation = "AGGREGATION"
  /// It decides which of several values comes out.
  case conditional = "CONDITIONAL"
  /// It orders or divides the rows that a window function looks at.
  case window = "WINDOW"
  /// It decides which rows are joined.
  case join = "JOIN"
  /// It decides which rows come out.
  case filter = "FILTER"
  /// It decides which rows are one group.
  case groupBy = "GROUP_BY"
  /// It decides the order of the rows.
  case sort = "SORT"

  /// Whether the value itself goes into the result.
  public var isDirect: Bool {
    switch self {
    case .identity, .transformation, .aggregation: true
    case .conditional, .window, .join, .filter, .groupBy, .sort: false
    }
  }

  /// What a query does in the end with a column that an inner query uses in this way and the outer one in that way.
  func then(_ outer: ColumnUse) -> ColumnUse {
    if !isDirect { return self }
    if !outer.isDirect { return outer }
    if self == .aggregation || outer == .aggregation { return .aggregation }
    return self == .identity ? outer : .transformation
  }
}

/// Columns with what is done to each.
public typealias ColumnUses = [ColumnName: Set<ColumnUse>]

extension ColumnUses {
  mutating func add(_ others: ColumnUses) { merge(others) { $0.union($1) } }

  /// The same columns after the result is used in this way by an outer query.
  func then(_ outer: ColumnUse) -> ColumnUses { mapValues { Set($0.map { $0.then(outer) }) } }
}

/// Where each column of a query's result comes from.
public struct QueryLineage: Sendable, Hashable {
  /// A column of the result.
  public struct Output: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// The columns that it depends on.
    public var uses: ColumnUses

    /// A column from its parts.
    public init(name: String, uses: ColumnUses) {
      self.name = name
      self.uses = uses
    }
  }

  /// The result's columns in order.
  public var columns: [Output] = []
  /// Whether ``columns`` are all of them: a `*` may stand for columns that nobody knows.
  public var isComplete = true
  /// Columns that decide which rows there are: joins, filters, groups.
  public var rows: ColumnUses = [:]
  /// Names of the functions that are called, in small letters.
  public var functions: Set<String> = []

  /// The lineage of nothing.
  public init() {}
}
