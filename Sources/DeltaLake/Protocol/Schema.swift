public import JSON

/// A type of the Delta protocol (PROTOCOL.md, "Schema Serialization Format").
public indirect enum DataType: Sendable, Hashable {
  case string, long, integer, short, byte, float, double, boolean, binary, date
  /// An instant, microseconds.
  case timestamp
  /// A local date and time without a zone, microseconds.
  case timestampNTZ
  case decimal(precision: Int, scale: Int)
  /// Semi-structured value of two byte strings.
  case variant
  /// Always null, never in a file.
  case void
  case structure([StructField])
  case array(DataType, containsNull: Bool)
  case map(DataType, DataType, valueContainsNull: Bool)
}

/// A column, or a member of a struct.
public struct StructField: Sendable, Hashable {
  /// Logical name.
  public var name: String
  /// Type of the values.
  public var type: DataType
  /// Whether null is allowed.
  public var nullable: Bool
  /// Comment, column mapping, invariants, defaults and the like.
  public var metadata: JSONObject

  /// A column of a name and a type.
  public init(_ name: String, _ type: DataType, nullable: Bool = true, metadata: JSONObject = [:]) {
    self.name = name
    self.type = type
    self.nullable = nullable
    self.metadata = metadata
  }

  /// Name of the column in files and in partition values under this mapping.
  public func physicalName(_ mapping: ColumnMapping) -> String {
    guard mapping != .none else { return name }
    return metadata["delta.columnMapping.physicalName"]?.string ?? name
  }

  /// Id of the column in Parquet files under column mapping.
  public var fieldId: Int64? { metadata["delta.columnMapping.id"]?.int }

  /// The comment of the column.
  public var comment: String? { metadata["comment"]?.string }
}

/// How columns are found in files (PROTOCOL.md, "Column Mapping").
public enum ColumnMapping: String, Sendable, Hashable {
  case none, name, id
}

/// The columns of a table in order.
public struct Schema: Sendable, Hashable {
  /// The columns.
  public var fields: [StructField]

  /// A schema of these columns.
  public init(_ fields: [StructField]) { self.fields = fields }

  /// The column of a name, else one whose name differs only in case.
  public subscript(name: String) -> StructField? {
    fields.first { $0.name == name } ?? fields.first { $0.name.lowercased() == name.lowercased() }
  }

  /// The column names in order.
  public var names: [String] { fields.map(\.name) }
}

extension Schema {
  /// Parses the `schemaString` of a table.
  ///
  /// - Throws: `DeltaError` (`invalidSchema`, `unsupportedFeature`) naming the column.
  public init(json: String) throws(DeltaError) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue.parse(json)
    } catch {
      throw DeltaError(.invalidSchema, "the schema of the table is not JSON: \(error.reason) at byte \(error.offset)")
    }
    guard case .structure(let fields) = try DataType(json: value, column: "") else {
      throw DeltaError(.invalidSchema, "the schema of the table is not a struct")
    }
    self.init(fields)
  }

  /// The `schemaString` of the log.
  public var json: String {
    var writer = JSONWriter()
    DataType.structure(fields).write(to: &writer)
    return writer.text
  }
}

extension DataType {
  init(json: JSONValue, column: String) throws(DeltaError) {
    switch json {
    case .string(let name): self = try DataType(name: name, column: column)
    case .object(let object): self = try DataType(object: object, column: column)
    default: throw DeltaError(.invalidSchema, "column \(column) has a type that is neither a name nor an object")
    }
  }

  private static let primitives: [String: DataType] = [
    "string": .string, "long": .long, "integer": .integer, "short": .short, "byte": .byte, "float": .float,
    "double": .double, "boolean": .boolean, "binary": .binary, "date": .date, "timestamp": .timestamp,
    "timestamp_ntz": .timestampNTZ, "variant": .variant, "void": .void, "decimal": .decimal(precision: 10, scale: 0),
  ]

  private init(name: String, column: String) throws(DeltaError) {
    if let primitive = Self.primitives[name] {
      self = primitive
      return
    }
    if name.hasPrefix("decimal("), name.hasSuffix(")") {
      let parts = name.dropFirst(8).dropLast().split(separator: ",").map { Int(trimmed($0)) }
      if parts.count == 2, let precision = parts[0], let scale = parts[1], (1...38).contains(precision),
        (0...precision).contains(scale)
      {
        self = .decimal(precision: precision, scale: scale)
        return
      }
    }
    throw DeltaError(
      .unsupportedFeature, "column \(column) has the type \(name), which is unknown",
      hint: "leave the table to a reader that knows the type")
  }

  private init(object: JSONObject, column: String) throws(DeltaError) {
    func type(_ key: String, _ suffix: String) throws(DeltaError) -> DataType {
      guard let value = object[key] else {
        throw DeltaError(.invalidSchema, "column \(column): the type has no \(key)")
      }
      return try DataType(json: value, column: column + suffix)
    }
    switch object["type"]?.string {
    case "struct":
      guard let members = object["fields"]?.array else {
        throw DeltaError(.invalidSchema, "column \(column): a struct has no fields")
      }
      var fields: [StructField] = []
      for member in members {
        guard let member = member.object, let name = member["name"]?.string, let type = member["type"] else {
          throw DeltaError(.invalidSchema, "column \(column): a field has no name or no type")
        }
        fields.append(
          StructField(
            name, try DataType(json: type, column: column.isEmpty ? name : "\(column).\(name)"),
            nullable: member["nullable"]?.bool ?? true, metadata: member["metadata"]?.object ?? [:]))
      }
      self = .structure(fields)
    case "array":
      self = .array(try type("elementType", ".element"), containsNull: object["containsNull"]?.bool ?? true)
    case "map":
      self = .map(
        try type("keyType", ".key"), try type("valueType", ".value"),
        valueContainsNull: object["valueContainsNull"]?.bool ?? true)
    default:
      throw DeltaError(.unsupportedFeature, "column \(column) has a nested type that is unknown")
    }
  }

  /// The name of a primitive type in the log; nil for nested types.
  public var primitiveName: String? {
    switch self {
    case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
    case .structure, .array, .map: nil
    default: Self.primitives.first { $0.value == self }?.key
    }
  }

  func write(to writer: inout JSONWriter) {
    switch self {
    case .structure(let fields):
      writer.beginObject()
      writer.member("type", "struct")
      writer.key("fields")
      writer.beginArray()
      for field in fields {
        writer.beginObject()
        writer.member("name", field.name)
        writer.key("type")
        field.type.write(to: &writer)
        writer.member("nullable", field.nullable)
        writer.key("metadata")
        writer.write(.object(field.metadata))
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
    case .array(let element, let containsNull):
      writer.beginObject()
      writer.member("type", "array")
      writer.key("elementType")
      element.write(to: &writer)
      writer.member("containsNull", containsNull)
      writer.endObject()
    case .map(let key, let value, let valueContainsNull):
      writer.beginObject()
      writer.member("type", "map")
      writer.key("keyType")
      key.write(to: &writer)
      writer.key("valueType")
      value.write(to: &writer)
      writer.member("valueContainsNull", valueContainsNull)
      writer.endObject()
    default: writer.write(primitiveName ?? "void")
    }
  }

  /// Whether this type or one inside it meets a condition.
  func contains(where condition: (DataType) -> Bool) -> Bool {
    if condition(self) { return true }
    switch self {
    case .structure(let fields): return fields.contains { $0.type.contains(where: condition) }
    case .array(let element, _): return element.contains(where: condition)
    case .map(let key, let value, _): return key.contains(where: condition) || value.contains(where: condition)
    default: return false
    }
  }
}

private func trimmed(_ text: Substring) -> Substring {
  var text = text
  while text.first == " " { text.removeFirst() }
  while text.last == " " { text.removeLast() }
  return text
}
