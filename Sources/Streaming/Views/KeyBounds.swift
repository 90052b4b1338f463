internal import DeltaLake
internal import DuckDB

/// How the value of a key expression bounds a column of the input, so that files and row groups can be left out. Pure.
///
/// An expression that is not one of these bounds nothing: then every file is read, and the rows are chosen all the same.
enum KeyBounds: Hashable {
  /// The column itself.
  case column(String)
  /// `CAST(column AS DATE)`.
  case day(String)
  /// `date_trunc('unit', column)`.
  case truncated(String, unit: String)
  /// The column's year.
  case year(String)

  /// Reads an expression as DuckDB prints it.
  init?(_ text: String) {
    func argument(_ prefix: String, _ suffix: String) -> String? {
      guard text.hasPrefix(prefix), text.hasSuffix(suffix), text.count > prefix.count + suffix.count else { return nil }
      let name = String(text.dropFirst(prefix.count).dropLast(suffix.count))
      return PlanText.isPlainName(name) ? name : nil
    }
    if PlanText.isPlainName(text) {
      self = .column(text)
      return
    }
    if let name = argument("CAST(", " AS DATE)") {
      self = .day(name)
      return
    }
    for (prefix, suffix) in [
      ("\"year\"(", ")"), ("CAST(\"year\"(", ") AS INTEGER)"), ("date_part('year', ", ")"), ("year(", ")"),
    ] {
      if let name = argument(prefix, suffix) {
        self = .year(name)
        return
      }
    }
    for unit in ["hour", "day", "week", "month", "quarter", "year"] {
      for spelling in [unit, unit.uppercased()] {
        if let name = argument("date_trunc('\(spelling)', ", ")") {
          self = .truncated(name, unit: unit)
          return
        }
      }
    }
    return nil
  }

  /// The column that is bounded.
  var column: String {
    switch self {
    case .column(let name), .day(let name), .truncated(let name, _), .year(let name): name
    }
  }

  /// SQL for the half-open range of the column that belongs to a key value, as whole numbers: days of a DATE,
  /// microseconds of an instant, the value of an integer. nil if the types do not fit.
  func range(of key: String, type: LogicalType) -> (low: String, high: String)? {
    func span(_ low: String, _ high: String) -> (String, String)? {
      switch type {
      case .date: ("(CAST(\(low) AS DATE) - DATE '1970-01-01')", "(CAST(\(high) AS DATE) - DATE '1970-01-01')")
      case .timestampTZ, .timestamp: ("epoch_us(CAST(\(low) AS TIMESTAMP))", "epoch_us(CAST(\(high) AS TIMESTAMP))")
      default: nil
      }
    }
    switch self {
    case .column:
      switch type {
      case .date: return ("(\(key) - DATE '1970-01-01')", "(\(key) - DATE '1970-01-01') + 1")
      case .tinyint, .smallint, .integer, .bigint: return ("CAST(\(key) AS BIGINT)", "CAST(\(key) AS BIGINT) + 1")
      case .timestamp, .timestampTZ: return ("epoch_us(\(key))", "epoch_us(\(key)) + 1")
      default: return nil
      }
    case .day: return type == .date ? nil : span(key, "\(key) + INTERVAL 1 DAY")
    case .truncated(_, let unit): return span(key, "\(key) + INTERVAL \(unit == "quarter" ? "3 MONTH" : "1 \(unit)")")
    case .year:
      return span("make_date(CAST(\(key) AS INTEGER), 1, 1)", "make_date(CAST(\(key) AS INTEGER) + 1, 1, 1)")
    }
  }

  /// A literal for a bound, as file statistics are compared with and as SQL.
  static func literal(_ value: Int64, type: LogicalType) -> (literal: Literal, sql: String) {
    switch type {
    case .date: (.date(days: value), "(DATE '1970-01-01' + \(value))")
    case .timestamp: (.timestamp(microseconds: value), "make_timestamp(CAST(\(value) AS BIGINT))")
    case .timestampTZ: (.timestamp(microseconds: value), "make_timestamptz(CAST(\(value) AS BIGINT))")
    default: (.int(value), String(value))
    }
  }

  /// Ranges that cover the given ones: neighbours are joined, and the nearest of too many.
  static func joined(_ ranges: [Range<Int64>], atMost limit: Int = 16) -> [Range<Int64>] {
    var result: [Range<Int64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound {
        result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    while result.count > limit {
      let gap = (1..<result.count).min { one, other in
        result[one].lowerBound - result[one - 1].upperBound < result[other].lowerBound - result[other - 1].upperBound
      }
      guard let gap else { break }
      result[gap - 1] = result[gap - 1].lowerBound..<result[gap].upperBound
      result.remove(at: gap)
    }
    return result
  }
}
