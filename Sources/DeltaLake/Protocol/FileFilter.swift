internal import JSON

/// A value that a column is compared with.
public enum Literal: Sendable, Hashable {
  /// Any integer type.
  case int(Int64)
  /// Float, double and decimal.
  case double(Double)
  /// String.
  case string(String)
  /// Boolean.
  case bool(Bool)
  /// Days since 1970-01-01.
  case date(days: Int64)
  /// Microseconds since 1970-01-01T00:00:00, in UTC for instants.
  case timestamp(microseconds: Int64)
}

/// A condition that a wanted row meets: a column compared with a literal, or its nullness. Used to leave out files.
public struct ColumnFilter: Sendable, Hashable {
  /// The comparison of a column with a value.
  public enum Comparison: Sendable, Hashable {
    case equal(Literal), less(Literal), lessOrEqual(Literal), greater(Literal), greaterOrEqual(Literal)
    case anyOf([Literal])
    case isNull, isNotNull
  }

  /// Logical name of a top-level column.
  public var column: String
  /// What must hold.
  public var comparison: Comparison

  /// A condition on a column.
  public init(_ column: String, _ comparison: Comparison) {
    self.column = column
    self.comparison = comparison
  }
}

/// Decides from partition values and statistics which files can hold a wanted row. Pure.
struct FileFilter {
  private struct Bounds {
    var minimum: Literal?
    var maximum: Literal?
    var nullCount: Int64?
    var rows: Int64?
  }

  private let filters: [(filter: ColumnFilter, field: StructField, physical: String, isPartition: Bool)]

  init(_ filters: [ColumnFilter], _ schema: Schema, partitionColumns: [String], mapping: ColumnMapping) {
    self.filters = filters.compactMap { filter in
      guard let field = schema[filter.column] else { return nil }
      return (filter, field, field.physicalName(mapping), partitionColumns.contains(field.name))
    }
  }

  var isEmpty: Bool { filters.isEmpty }

  /// Whether partition values alone leave the file in.
  func mayMatch(partitionValues: [String: String?]) -> Bool {
    filters.allSatisfy { item in
      guard item.isPartition else { return true }
      guard let text = partitionValues[item.physical] ?? nil, !text.isEmpty else {
        return Self.mayMatch(item.filter.comparison, Bounds(nullCount: 1, rows: 1))
      }
      guard let value = Self.literal(text, item.field.type) else { return true }
      return Self.mayMatch(item.filter.comparison, Bounds(minimum: value, maximum: value, nullCount: 0, rows: 1))
    }
  }

  var needsStatistics: Bool { filters.contains { !$0.isPartition } }

  /// Whether the statistics (JSON text) leave the file in. Statistics that cannot be read leave it in.
  func mayMatch(statistics text: String?) -> Bool {
    guard let text, let object = JSONValue(parsing: text)?.object else { return true }
    let rows = object["numRecords"]?.int
    return filters.allSatisfy { item in
      guard !item.isPartition else { return true }
      var bounds = Bounds(rows: rows)
      bounds.nullCount = object["nullCount"]?.object?[item.physical]?.int
      bounds.minimum = object["minValues"]?.object?[item.physical].flatMap { Self.literal($0, item.field.type) }
      bounds.maximum = object["maxValues"]?.object?[item.physical].flatMap { Self.literal($0, item.field.type) }
      // Bounds of instants are cut to milliseconds, so the true maximum may be a little above.
      if case .timestamp(let value)? = bounds.maximum { bounds.maximum = .timestamp(microseconds: value &+ 999) }
      return Self.mayMatch(item.filter.comparison, bounds)
    }
  }

  private static func mayMatch(_ comparison: ColumnFilter.Comparison, _ bounds: Bounds) -> Bool {
    let allNull = bounds.nullCount != nil && bounds.nullCount == bounds.rows
    switch comparison {
    case .isNull: return bounds.nullCount != 0
    case .isNotNull: return !allNull
    case .anyOf(let literals): return literals.contains { mayMatch(.equal($0), bounds) }
    case .equal(let literal):
      if allNull { return false }
      return !less(literal, bounds.minimum, or: false) && !less(bounds.maximum, literal, or: false)
    case .less(let literal): return !allNull && !less(literal, bounds.minimum, or: true)
    case .lessOrEqual(let literal): return !allNull && !less(literal, bounds.minimum, or: false)
    case .greater(let literal): return !allNull && !less(bounds.maximum, literal, or: true)
    case .greaterOrEqual(let literal): return !allNull && !less(bounds.maximum, literal, or: false)
    }
  }

  /// Whether it is certain that left < right (or left ≤ right).
  private static func less(_ left: Literal?, _ right: Literal?, or equal: Bool) -> Bool {
    guard let left, let right else { return false }
    switch (left, right) {
    case (.int(let a), .int(let b)), (.date(let a), .date(let b)), (.timestamp(let a), .timestamp(let b)):
      return equal ? a <= b : a < b
    case (.string(let a), .string(let b)):
      return a.utf8.lexicographicallyPrecedes(b.utf8) || (equal && a.utf8.elementsEqual(b.utf8))
    case (.bool(let a), .bool(let b)): return (!a && b) || (equal && a == b)
    case (.double(let a), .double(let b)): return equal ? a <= b : a < b
    case (.int(let a), .double(let b)): return equal ? Double(a) <= b : Double(a) < b
    case (.double(let a), .int(let b)): return equal ? a <= Double(b) : a < Double(b)
    default: return false
    }
  }

  private static func literal(_ value: JSONValue, _ type: DataType) -> Literal? {
    switch type {
    case .byte, .short, .integer, .long: return value.int.map(Literal.int)
    case .float, .double: return value.number.map(Literal.double)
    case .string: return value.string.map(Literal.string)
    case .date, .timestamp, .timestampNTZ: return value.string.flatMap { literal($0, type) }
    case .boolean: return value.bool.map(Literal.bool)
    default: return nil
    }
  }

  private static func literal(_ text: String, _ type: DataType) -> Literal? {
    switch type {
    case .byte, .short, .integer, .long: return Int64(text).map(Literal.int)
    case .float, .double: return Double(text).flatMap { $0.isNaN ? nil : .double($0) }
    case .string: return .string(text)
    case .boolean: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
    case .date: return CalendarTime.parseDate(text).map { .date(days: Int64($0)) }
    case .timestamp, .timestampNTZ: return CalendarTime.parseTimestamp(text).map { .timestamp(microseconds: $0) }
    default: return nil
    }
  }
}

extension Snapshot {
  /// The live files that may hold rows meeting all conditions.
  public func files(matching filters: [ColumnFilter]) throws(DeltaError) -> [AddFile] {
    let filter = FileFilter(filters, schema, partitionColumns: partitionColumns, mapping: columnMapping)
    guard !filter.isEmpty else { return Array(files) }
    var resolver = StatisticsResolver()
    var kept: [AddFile] = []
    for file in files where filter.mayMatch(partitionValues: file.partitionValues) {
      if filter.needsStatistics, !filter.mayMatch(statistics: try resolver.text(file.statistics)) { continue }
      kept.append(file)
    }
    return kept
  }
}
