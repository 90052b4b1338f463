internal import DeltaLake
internal import DuckDB
internal import JSON

/// From which record on a table has a column: kept in the column's metadata when it is added to a table with rows.
///
/// Rows before it have NULL there, whatever the SQL would give today.
enum ColumnAge {
  private static let key = "lakeward.since"

  /// The metadata of a column that is added when the table has come to these positions.
  static func metadata(_ positions: Positions) -> JSONObject {
    if positions.isEmpty { return [:] }
    let text = positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: ",")
    return [key: .string(text)]
  }

  /// The positions from which on rows have the column; nil if all have it.
  static func positions(of field: StructField) -> Positions? {
    guard let text = field.metadata[key]?.string else { return nil }
    var positions: Positions = [:]
    for part in text.split(separator: ",") {
      let numbers = part.split(separator: ":")
      guard numbers.count == 2, let partition = Int32(numbers[0]), let offset = Int64(numbers[1]) else { continue }
      positions[partition] = offset
    }
    return positions
  }

  /// A column as rows must have it that were computed again: NULL where they are older than the column.
  static func expression(_ field: StructField) -> String {
    let name = SQL.quote(identifier: field.name)
    guard let positions = positions(of: field), !positions.isEmpty else { return name }
    let old = OffsetSpan(positions.mapValues { 0..<max(0, $0) })
    return "CASE WHEN \(RowSelection.condition(old)) THEN NULL ELSE \(name) END AS \(name)"
  }
}

extension PipelineTables {
  /// Gives a stored table the columns that its SELECT has gained.
  /// - Returns: what changed, for people.
  func evolve(_ table: DeltaTable, name: String, columns: [Column]) throws -> [Notice] {
    let wanted = try Schema(columns: columns.map { ($0.name, $0.type.description) })
    for _ in 0..<10 {
      let snapshot = try table.snapshot()
      let stored = Set(snapshot.schema.names.map { $0.lowercased() })
      let added = wanted.fields.filter { !stored.contains($0.name.lowercased()) }
      let given = Set(wanted.names.map { $0.lowercased() })
      let missing = snapshot.schema.names.filter { !given.contains($0.lowercased()) }
      var notices: [Notice] = missing.isEmpty ? [] : [.columnsMissing(table: name, columns: missing)]
      if added.isEmpty { return notices }
      let metadata = ColumnAge.metadata(identity.positions(in: snapshot.transactions))
      do {
        try table.addColumns(added.map { StructField($0.name, $0.type, metadata: metadata) })
      } catch {
        // Another process may have been faster.
        guard error.code == .schemaMismatch else { throw error }
        continue
      }
      notices.append(.columnsAdded(table: name, columns: added.map(\.name)))
      return notices
    }
    throw DeltaError(.conflict, "\(name): other processes keep changing the table's columns", hint: "try again")
  }
}
