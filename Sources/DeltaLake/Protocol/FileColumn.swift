/// A column as it lies in the files: physical names inside structs, and the expression that gives the logical type.
struct FileColumn {
  let field: StructField
  let mapping: ColumnMapping

  init(_ field: StructField, _ mapping: ColumnMapping) {
    self.field = field
    self.mapping = mapping
  }

  /// The SQL type with physical names.
  var fileType: String { physical(field.type).sqlType }

  func physical(_ type: DataType) -> DataType {
    switch type {
    case .structure(let fields):
      .structure(
        fields.filter { $0.type != .void }.map { StructField($0.physicalName(mapping), physical($0.type)) })
    case .array(let element, let containsNull): .array(physical(element), containsNull: containsNull)
    case .map(let key, let value, let containsNull):
      .map(physical(key), physical(value), valueContainsNull: containsNull)
    default: type
    }
  }

  /// SQL that turns a value of `fileType` into one of the logical type.
  func output(_ expression: String) -> String { renamed(expression, field.type, depth: 0, toPhysical: false) }

  /// SQL that turns a value of the logical type into one of `fileType`.
  func input(_ expression: String) -> String { renamed(expression, field.type, depth: 0, toPhysical: true) }

  private func renamed(_ expression: String, _ type: DataType, depth: Int, toPhysical: Bool) -> String {
    guard physical(type).sqlType != type.sqlType else { return expression }
    let variable = "x\(depth)"
    switch type {
    case .structure(let fields):
      let members = fields.filter { !toPhysical || $0.type != .void }.map { field in
        let physicalName = field.physicalName(mapping)
        let (from, to) = toPhysical ? (field.name, physicalName) : (physicalName, field.name)
        let value =
          field.type == .void
          ? "NULL::INTEGER"
          : renamed("(\(expression)).\(quoted(identifier: from))", field.type, depth: depth + 1, toPhysical: toPhysical)
        return "\(quoted(identifier: to)) := \(value)"
      }
      return "CASE WHEN (\(expression)) IS NOT NULL THEN struct_pack(\(members.joined(separator: ", "))) END"
    case .array(let element, _):
      return
        "list_transform(\(expression), lambda \(variable): \(renamed(variable, element, depth: depth + 1, toPhysical: toPhysical)))"
    case .map(let key, let value, _):
      let entry =
        "struct_pack(key := \(renamed("\(variable).key", key, depth: depth + 1, toPhysical: toPhysical)), "
        + "value := \(renamed("\(variable).value", value, depth: depth + 1, toPhysical: toPhysical)))"
      return "map_from_entries(list_transform(map_entries(\(expression)), lambda \(variable): \(entry)))"
    default: return expression
    }
  }
}
