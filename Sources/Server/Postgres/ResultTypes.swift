internal import DuckDB
internal import PostgresWire

/// The engine's types as PostgreSQL's.
enum ResultTypes {
  /// The type that a column of a result has for clients. Structures, maps and nested lists are JSON.
  static func wireType(_ type: LogicalType, isCatalog: Bool = false) -> WireType {
    switch type {
    case .boolean: .bool
    case .tinyint, .smallint, .utinyint: .int2
    case .integer, .usmallint: .int4
    case .uinteger: isCatalog ? .oid : .int8
    case .bigint: .int8
    case .hugeint, .ubigint, .uhugeint: .numeric
    case .float: .float4
    case .double: .float8
    case .decimal(let width, let scale): .numeric(precision: width, scale: scale)
    case .blob: .bytea
    case .uuid: .uuid
    case .date: .date
    case .time: .time
    case .timeTZ: .timetz
    case .timestamp, .timestampSeconds, .timestampMilliseconds, .timestampNanoseconds: .timestamp
    case .timestampTZ: .timestamptz
    case .interval: .interval
    case .json, .structure, .map, .union: .json
    case .list(let element), .array(let element, _): arrayType(element, isCatalog: isCatalog)
    default: .text
    }
  }

  private static func arrayType(_ element: LogicalType, isCatalog: Bool) -> WireType {
    let type = wireType(element, isCatalog: isCatalog)
    // Arrays of arrays must be rectangular in PostgreSQL, lists of lists need not.
    guard type != .json, let entry = WireType.entry(type.oid) else { return .json }
    return WireType(entry.arrayOid)
  }

  /// The type to which a parameter is cast: what the client says, else what the SQL asks for, else text.
  static func parameterType(declared oid: UInt32, inferred: LogicalType?) -> (engine: String, oid: UInt32) {
    if let entry = WireType.entry(oid) { return (entry.engineType, oid) }
    if let element = WireType.element(ofArray: oid) { return (element.engineType + "[]", oid) }
    if let inferred, isKnown(inferred) {
      let type = wireType(inferred)
      return (inferred.description, type.oid)
    }
    return ("VARCHAR", WireType.text.oid)
  }

  /// Whether the engine knows the type before it has the parameters.
  static func isResolved(_ type: LogicalType) -> Bool {
    switch type {
    case .other, .any: false
    default: true
    }
  }

  private static func isKnown(_ type: LogicalType) -> Bool {
    switch type {
    case .other, .any, .null, .structure, .map, .union, .list, .array, .enumeration: false
    default: true
    }
  }
}
