import JSON
import DeltaLake
import DuckDB

/// Compares the rows of a scan with a Parquet file as multisets, inside DuckDB.
struct RowComparison {
  let connection: Connection

  init() throws {
    connection = try Database(settings: ["threads": "2"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
  }

  func count(_ scan: String) throws -> Int64 {
    // Reading every column finds files that are missing or damaged, which a bare count might not open.
    let columns = try connection.query("SELECT * FROM \(scan) LIMIT 0").columns
    let touched = columns.map { "count(\(SQL.quote(identifier: $0.name)))" }.joined(separator: ", ")
    guard case .int(let count)? = try connection.query("SELECT count(*), \(touched) FROM \(scan)").rows().first?.first
    else { return -1 }
    return count
  }

  func difference(_ snapshot: Snapshot, _ expected: String, _ golden: GoldenCase) throws -> String? {
    let json = (golden.facts["variant_as_json"]?.array ?? []).compactMap(\.string)
    return try difference(scan: try DeltaReader.scanSQL(snapshot), expected, asJSON: json)
  }

  /// The first difference in words, nil if the rows are the same.
  func difference(scan: String, _ expected: String, asJSON: [String] = []) throws -> String? {
    do {
      let columns = try connection.query("SELECT * FROM \(scan) LIMIT 0").columns.filter {
        $0.name != "_commit_timestamp"
      }
      let wanted = try connection.query("SELECT * FROM \(file(expected)) LIMIT 0").columns
      guard columns.map(\.name).sorted() == wanted.map(\.name).sorted() else {
        return "columns \(columns.map(\.name)), expected \(wanted.map(\.name))"
      }
      let left = columns.map { column in
        let name = SQL.quote(identifier: column.name)
        return asJSON.contains(column.name) ? "\(name)::JSON::VARCHAR" : normalized(name, column.type)
      }
      let right = columns.map { column in
        let name = SQL.quote(identifier: column.name)
        if asJSON.contains(column.name) { return "\(name)::JSON::VARCHAR" }
        return normalized("\(name)::\(column.type)", column.type)
      }
      let first = "SELECT \(left.joined(separator: ", ")) FROM \(scan)"
      let second = "SELECT \(right.joined(separator: ", ")) FROM \(file(expected))"
      let extra = try connection.query("SELECT count(*) FROM (\(first) EXCEPT ALL \(second))").scalar()
      let missing = try connection.query("SELECT count(*) FROM (\(second) EXCEPT ALL \(first))").scalar()
      if extra == 0, missing == 0 { return nil }
      let example = try connection.query("(\(first) EXCEPT ALL \(second)) LIMIT 1").rows()
      let lacking = try connection.query("(\(second) EXCEPT ALL \(first)) LIMIT 1").rows()
      return "\(extra) rows too many, \(missing) missing: \(example) and \(lacking)"
    } catch {
      return error.detail
    }
  }

  private func file(_ path: String) -> String { "read_parquet(\(SQL.quote(literal: path)))" }

  /// Maps are compared without regard to the order of their entries.
  private func normalized(_ expression: String, _ type: LogicalType) -> String {
    guard case .map = type else { return expression }
    return "list_sort(map_entries(\(expression)))"
  }
}
