internal import JSON
internal import DuckDB

/// Statistics that a checkpoint holds as a struct (`stats_parsed`), as the JSON that add actions hold
/// (PROTOCOL.md, "Per-file Statistics").
enum ParsedStatistics {
  /// SQL for the JSON text, NULL without a struct.
  ///
  /// DuckDB's `to_json` would give instants in SQL's form and decimals through floating point, so the text is put
  /// together member by member.
  /// - Parameters:
  ///   - value: SQL of the struct.
  ///   - type: its type in the checkpoint.
  ///   - fields: the table's columns by physical names; they tell instants from local times, which old Parquet files
  ///     (INT96) do not.
  static func sql(_ value: String, _ type: LogicalType, _ fields: [StructField]) -> String {
    guard case .structure(let members) = type else { return "NULL::VARCHAR" }
    let parts = members.map { member in
      let isTree = ["minValues", "maxValues", "nullCount"].contains(member.name)
      return part(value, member, isTree ? .structure(fields) : nil)
    }
    return joined(value, parts)
  }

  private static func joined(_ value: String, _ parts: [String]) -> String {
    guard !parts.isEmpty else { return "NULL::VARCHAR" }
    return "CASE WHEN \(value) IS NOT NULL THEN '{' || concat_ws(',', \(parts.joined(separator: ", "))) || '}' END"
  }

  /// `"name":value`, NULL for a null, which `concat_ws` leaves out.
  private static func part(_ parent: String, _ member: LogicalType.Field, _ type: DataType?) -> String {
    let value = "(\(parent)).\(quoted(identifier: member.name))"
    let key = quoted(literal: JSONValue.string(member.name).text + ":")
    var inner: [StructField] = []
    if case .structure(let fields)? = type { inner = fields }
    if case .structure(let members) = member.type {
      let parts = members.map { field in
        part(value, field, inner.first { $0.name == field.name }.flatMap(\.type))
      }
      return "\(key) || \(joined(value, parts))"
    }
    return "\(key) || \(leaf(value, member.type, isInstant: type == .timestamp))"
  }

  private static func leaf(_ value: String, _ type: LogicalType, isInstant: Bool) -> String {
    switch type {
    case .boolean, .tinyint, .smallint, .integer, .bigint, .hugeint, .utinyint, .usmallint, .uinteger, .ubigint,
      .decimal:
      "\(value)::VARCHAR"
    case .float, .double: "CASE WHEN isfinite(\(value)) THEN to_json(\(value))::VARCHAR END"
    case .timestamp, .timestampTZ, .timestampSeconds, .timestampMilliseconds, .timestampNanoseconds:
      "CASE WHEN isfinite(\(value)::TIMESTAMP) THEN strftime(\(value)::TIMESTAMP, "
        + "'\"%Y-%m-%dT%H:%M:%S.%g\(type == .timestampTZ || isInstant ? "Z" : "")\"') END"
    default: "to_json(\(value))::VARCHAR"
    }
  }
}
