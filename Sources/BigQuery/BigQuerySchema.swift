internal import DeltaLake
internal import DuckDB
internal import JSON

/// A Delta table's columns as BigQuery has them, and the SQL that gives its rows in that shape. Pure.
struct BigQuerySchema {
  /// `fields` of a table's schema.
  let fields: [JSONValue]
  /// What is selected for a load file.
  let columns: [String]

  init(_ schema: DeltaLake.Schema) {
    fields = schema.fields.filter { $0.type != .void }.map { Self.field($0.name, $0.type, $0.comment) }
    columns = schema.fields.filter { $0.type != .void }.map { field in
      let name = SQL.quote(identifier: field.name)
      return Self.expression(name, field.type).map { "\($0) AS \(name)" } ?? name
    }
  }

  private static func field(_ name: String, _ type: DataType, _ comment: String? = nil) -> JSONValue {
    var object: JSONObject = ["name": .string(name)]
    switch type {
    case .array(let element, _):
      // An array of arrays has no form in BigQuery; it comes as JSON text.
      if case .array = element {
        object["type"] = .string("STRING")
      } else if case .map = element {
        object["type"] = .string("STRING")
      } else {
        object = Self.field(name, element).object ?? object
        object["mode"] = .string("REPEATED")
      }
    case .structure(let fields):
      object["type"] = .string("RECORD")
      object["fields"] = .array(fields.map { field($0.name, $0.type) })
    default: object["type"] = .string(scalar(type))
    }
    if let comment { object["description"] = .string(String(comment.prefix(1_024))) }
    return .object(object)
  }

  private static func scalar(_ type: DataType) -> String {
    switch type {
    case .long, .integer, .short, .byte: "INTEGER"
    case .float, .double: "FLOAT"
    case .boolean: "BOOLEAN"
    case .binary: "BYTES"
    case .date: "DATE"
    case .timestamp: "TIMESTAMP"
    case .timestampNTZ: "DATETIME"
    // NUMERIC has 29 digits before the point and 9 behind it.
    case .decimal(let precision, let scale): scale <= 9 && precision - scale <= 29 ? "NUMERIC" : "BIGNUMERIC"
    default: "STRING"
    }
  }

  /// How a column is written where BigQuery would not take it as it is; nil: as it is.
  private static func expression(_ name: String, _ type: DataType) -> String? {
    switch type {
    case .map, .variant, .array(.array, _), .array(.map, _): "CAST(to_json(\(name)) AS VARCHAR)"
    // Its arrays hold no NULL.
    case .array: "list_filter(\(name), x -> x IS NOT NULL)"
    default: nil
    }
  }
}
