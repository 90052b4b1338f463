internal import DuckDB
internal import Pipelines

/// The SQL that decides, row by row, what becomes of a streaming table's staged rows.
enum RowSelection {
  /// The column of a staged table that names the broken rules; NULL for a row that stays.
  static let violationColumn = "_violation"

  /// One number that orders rows by coordinate across partitions.
  static let coordinate = #"(CAST("partition" AS HUGEINT) * 18446744073709551616 + "offset")"#

  /// The expression for the broken quarantine rules of a row, or a typed NULL if there are no such rules.
  ///
  /// The cheap test for any breach comes first, so that good rows never build the text.
  static func violation(_ expectations: [Expectation], table: String) -> String {
    let rules = expectations.filter { $0.action == .quarantine }
    guard !rules.isEmpty else { return "CAST(NULL AS VARCHAR)" }
    let anyBroken = rules.map { "(\($0.expression))" }.joined(separator: " AND ")
    let names = rules.map { "CASE WHEN (\($0.expression)) IS FALSE THEN \(SQL.quote(literal: $0.name)) END" }
    return """
      CASE WHEN (\(anyBroken)) IS FALSE
        THEN concat(\(SQL.quote(literal: table + ": ")), concat_ws(', ', \(names.joined(separator: ", ")))) END
      """
  }

  /// A SELECT of one row that counts, rule by rule, the rows of a staged table that break it.
  static func breaches(_ expectations: [Expectation], staged: String) -> String {
    let counts = expectations.map { "count(*) FILTER (WHERE (\($0.expression)) IS FALSE)" }
    return "SELECT \(counts.joined(separator: ", ")) FROM \(staged)"
  }

  /// The rows of a span of offsets in a relation with the columns `partition` and `offset`.
  static func condition(_ span: OffsetSpan) -> String {
    let parts = span.ranges.sorted { $0.key < $1.key }.map { partition, range in
      "(\"partition\" = \(partition) AND \"offset\" >= \(range.lowerBound) AND \"offset\" < \(range.upperBound))"
    }
    return parts.isEmpty ? "false" : parts.joined(separator: " OR ")
  }
}
