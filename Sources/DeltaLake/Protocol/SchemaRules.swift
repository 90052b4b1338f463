internal import JSON

/// Rules that the schema and the properties of a table must keep for it to be read.
enum SchemaRules {
  static func check(_ schema: Schema, _ metadata: TableMetadata) throws(DeltaError) {
    for column in metadata.partitionColumns where schema[column] == nil {
      throw DeltaError(.invalidSchema, "the partition column \(column) is not in the schema")
    }
    if let mode = metadata.configuration["delta.columnMapping.mode"], ColumnMapping(rawValue: mode) == nil {
      throw DeltaError(.unsupportedFeature, "the column mapping mode \(mode) is unknown")
    }
    try check(schema.fields, "")
  }

  private static func check(_ fields: [StructField], _ prefix: String) throws(DeltaError) {
    for field in fields {
      let name = prefix + field.name
      for change in field.metadata["delta.typeChanges"]?.array ?? [] {
        guard let change = change.object, let from = change["fromType"], let to = change["toType"] else {
          throw DeltaError(.invalidSchema, "column \(name) has a type change without types")
        }
        let old = try DataType(json: from, column: name)
        let new = try DataType(json: to, column: name)
        guard old == new || isWidening(from: old, to: new) else {
          throw DeltaError(
            .unsupportedFeature,
            "column \(name) changed from \(old.primitiveName ?? "nested") to \(new.primitiveName ?? "nested"), which is no type widening"
          )
        }
      }
      if case .structure(let members) = field.type { try check(members, name + ".") }
    }
  }

  /// Whether every value of a type can be read as another (PROTOCOL.md, "Type Widening").
  static func isWidening(from old: DataType, to new: DataType) -> Bool {
    let integers: [DataType] = [.byte, .short, .integer, .long]
    if let first = integers.firstIndex(of: old), let second = integers.firstIndex(of: new) { return first < second }
    switch (old, new) {
    case (.float, .double), (.date, .timestampNTZ): return true
    case (.byte, .double), (.short, .double), (.integer, .double): return true
    case (.decimal(let precision, let scale), .decimal(let wider, let finer)):
      return finer >= scale && wider - precision >= finer - scale
    case (.byte, .decimal(let precision, let scale)), (.short, .decimal(let precision, let scale)),
      (.integer, .decimal(let precision, let scale)):
      return precision - scale >= 10
    case (.long, .decimal(let precision, let scale)): return precision - scale >= 20
    default: return false
    }
  }
}
