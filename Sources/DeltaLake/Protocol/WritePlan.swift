internal import JSON

/// How the columns of a query become the columns of a table's files. Pure.
struct WritePlan {
  /// Marks the errors that the SELECT raises for rows that break a constraint.
  static let violationMark = "lakeward constraint "

  /// The columns of the files, without partition columns, with physical names at every level.
  let physicalFields: [StructField]
  /// Physical names of the partition columns.
  let partitionNames: [String]
  /// The columns with statistics.
  let statistics: StatisticsScope
  private let outputs: [String]
  private let conditions: [(condition: String, name: String)]
  private let mapping: ColumnMapping
  private let storedFields: [StructField]

  /// - Parameters:
  ///   - columns: names and types of the query.
  ///   - extra: columns that are not in the schema, such as those of the change data feed.
  /// - Throws: `schemaMismatch`.
  init(
    _ snapshot: Snapshot, _ columns: [(name: String, type: DataType)], extra: [StructField] = []
  ) throws(DeltaError) {
    mapping = snapshot.columnMapping
    let fields = snapshot.schema.fields + extra
    for column in columns where !fields.contains(where: { $0.name.lowercased() == column.name.lowercased() }) {
      throw DeltaError(
        .schemaMismatch, "\(snapshot.location) has no column \(column.name)",
        hint: "leave the column out, or add it to the table first")
    }
    var outputs: [String] = []
    var stored: [StructField] = []
    var partitions: [String] = []
    var conditions: [(condition: String, name: String)] = []
    for field in fields {
      let isPartition = snapshot.partitionColumns.contains(field.name)
      if field.type == .void { continue }
      for (key, what) in [("delta.generationExpression", "generated"), ("delta.identity.start", "an identity column")]
      where field.metadata[key] != nil {
        throw DeltaError(
          .unsupportedFeature, "column \(field.name) of \(snapshot.location) is \(what), which is not supported",
          hint: "write to the table with a program that knows such columns")
      }
      let matches = columns.filter { $0.name.lowercased() == field.name.lowercased() }
      guard matches.count < 2 else {
        throw DeltaError(.schemaMismatch, "the rows to write have two columns named \(field.name)")
      }
      let name = quoted(identifier: field.name)
      var expression = "NULL::\(field.type.sqlType)"
      if let match = matches.first {
        guard Self.fits(match.type, field.type) else {
          throw DeltaError(
            .schemaMismatch,
            "column \(field.name) is \(field.type.sqlType) in \(snapshot.location), the rows to write have \(match.type.sqlType)",
            hint: "cast the column in the query")
        }
        expression = match.type.bare == field.type.bare ? name : "\(name)::\(field.type.sqlType)"
      }
      if !field.nullable { conditions.append(("\(expression) IS NOT NULL", "NOT NULL of column \(field.name)")) }
      let physical = field.physicalName(mapping)
      if isPartition {
        partitions.append(physical)
        outputs.append("\(PartitionValue.sqlText(expression, field.type)) AS \(quoted(identifier: physical))")
      } else {
        stored.append(field)
        let file = FileColumn(field, mapping)
        outputs.append("\(file.input(expression)) AS \(quoted(identifier: physical))")
      }
    }
    for (key, condition) in snapshot.metadata.configuration.sorted(by: { $0.key < $1.key })
    where key.hasPrefix("delta.constraints.") {
      conditions.append((condition, "constraint \(key.dropFirst("delta.constraints.".count))"))
    }
    for (condition, name) in Self.invariants(snapshot.schema.fields) { conditions.append((condition, name)) }
    self.outputs = outputs
    self.conditions = conditions
    storedFields = stored
    physicalFields = stored.map {
      StructField($0.physicalName(snapshot.columnMapping), FileColumn($0, snapshot.columnMapping).physical($0.type))
    }
    partitionNames = snapshot.partitionColumns.map { snapshot.schema[$0]?.physicalName(snapshot.columnMapping) ?? $0 }
    statistics = StatisticsScope(snapshot.metadata.configuration, stored, mapping)
  }

  /// `delta.invariants` of top-level columns: a JSON text with the expression inside.
  private static func invariants(_ fields: [StructField]) -> [(String, String)] {
    fields.compactMap { field in
      guard let text = field.metadata["delta.invariants"]?.string, let value = JSONValue(parsing: text),
        let condition = value.object?["expression"]?.object?["expression"]?.string
      else { return nil }
      return (condition, "the invariant of column \(field.name)")
    }
  }

  /// The SELECT over the query that gives the files' columns and stops at the first row that breaks a constraint.
  func selectSQL(_ select: String) -> String {
    let columns = outputs.joined(separator: ", ")
    guard !conditions.isEmpty else { return "SELECT \(columns) FROM (\(select)\n)" }
    let checks = conditions.map { item in
      "WHEN (\(item.condition)) IS NOT TRUE THEN error(\(quoted(literal: Self.violationMark + item.name)))"
    }
    return "SELECT \(columns) FROM (\(select)\n) WHERE CASE \(checks.joined(separator: " ")) ELSE true END"
  }

  /// Field ids for the Parquet files under column mapping, as a DuckDB struct literal.
  var fieldIds: String? {
    guard mapping != .none else { return nil }
    return "{\(storedFields.compactMap { fieldId($0) }.joined(separator: ", "))}"
  }

  private func fieldId(_ field: StructField) -> String? {
    guard let id = field.fieldId else { return nil }
    let name = quoted(literal: field.physicalName(mapping))
    guard case .structure(let members) = field.type else { return "\(name): \(id)" }
    let inner = ["__duckdb_field_id: \(id)"] + members.compactMap { fieldId($0) }
    return "\(name): {\(inner.joined(separator: ", "))}"
  }

  /// Whether values of a type may be stored as another: always exactly, but for numbers that become floating point.
  static func fits(_ source: DataType, _ target: DataType) -> Bool {
    if source.bare == target.bare || SchemaRules.isWidening(from: source, to: target) { return true }
    switch (source, target) {
    case (.array(let first, _), .array(let second, _)): return fits(first, second)
    case (.map(let key, let value, _), .map(let otherKey, let otherValue, _)):
      return fits(key, otherKey) && fits(value, otherValue)
    case (.structure(let first), .structure(let second)):
      return first.allSatisfy { field in
        second.contains { $0.name.lowercased() == field.name.lowercased() && fits(field.type, $0.type) }
      }
    case (.decimal(let precision, 0), .long): return precision <= 18
    // Numbers written out in SQL are decimals.
    case (.decimal, .double), (.decimal, .float), (.long, .double), (.integer, .float): return true
    default: return false
    }
  }
}
