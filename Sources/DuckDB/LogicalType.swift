/// A DuckDB column type. `description` is its SQL text, as in `CREATE TABLE` and `DESCRIBE`.
public indirect enum LogicalType: Sendable, Hashable {
  /// A field of a structure or a member of a union.
  public struct Field: Sendable, Hashable {
    /// The field's name.
    public var name: String
    /// The field's type.
    public var type: LogicalType

    /// A field.
    public init(_ name: String, _ type: LogicalType) {
      self.name = name
      self.type = type
    }
  }

  /// True or false.
  case boolean
  /// Signed whole numbers of 8, 16, 32, 64 and 128 bits.
  case tinyint, smallint, integer, bigint, hugeint
  /// Unsigned whole numbers of 8, 16, 32, 64 and 128 bits.
  case utinyint, usmallint, uinteger, ubigint, uhugeint
  /// IEEE 754 numbers of 32 and 64 bits.
  case float, double
  /// Exact decimal of `width` digits (at most 38), `scale` of them after the point.
  case decimal(width: Int, scale: Int)
  /// UTF-8 text.
  case varchar
  /// UTF-8 text that holds JSON (an alias of `varchar`).
  case json
  /// Bytes.
  case blob
  /// 128-bit identifier.
  case uuid
  /// Days; microseconds of day; microseconds of day with a zone offset; nanoseconds of day.
  case date, time, timeTZ, timeNanoseconds
  /// Microseconds since 1970 without and with a time zone (stored in UTC).
  case timestamp, timestampTZ
  /// Seconds, milliseconds and nanoseconds since 1970.
  case timestampSeconds, timestampMilliseconds, timestampNanoseconds
  /// Months, days and microseconds.
  case interval
  /// A string of bits; a whole number of any size.
  case bit, bignum
  /// One of these words.
  case enumeration([String])
  /// Any number of elements.
  case list(LogicalType)
  /// A fixed number of elements.
  case array(LogicalType, count: Int)
  /// Named fields.
  case structure([Field])
  /// Pairs with distinct keys.
  case map(key: LogicalType, value: LogicalType)
  /// One of several members, tagged.
  case union([Field])
  /// The type of a bare NULL.
  case null
  /// Any type: for parameters of functions only.
  case any
  /// A type that this adapter does not read; cast it to VARCHAR in the SQL.
  case other(String)
}

extension LogicalType: CustomStringConvertible {
  /// DuckDB's SQL text of the type, with every field name in quotes: `STRUCT("a" INTEGER)[]`.
  public var description: String {
    switch self {
    case .decimal(let width, let scale): "DECIMAL(\(width),\(scale))"
    case .enumeration(let words): "ENUM(\(words.map { SQL.quote(literal: $0) }.joined(separator: ", ")))"
    case .list(let element): "\(element)[]"
    case .array(let element, let count): "\(element)[\(count)]"
    case .structure(let fields): "STRUCT(\(LogicalType.text(of: fields)))"
    case .map(let key, let value): "MAP(\(key), \(value))"
    case .union(let members): "UNION(\(LogicalType.text(of: members)))"
    case .other(let name): name
    default: simpleName
    }
  }

  private static func text(of fields: [Field]) -> String {
    fields.map { "\(SQL.quote(identifier: $0.name)) \($0.type)" }.joined(separator: ", ")
  }

  private var simpleName: String {
    switch self {
    case .boolean: "BOOLEAN"
    case .tinyint: "TINYINT"
    case .smallint: "SMALLINT"
    case .integer: "INTEGER"
    case .bigint: "BIGINT"
    case .hugeint: "HUGEINT"
    case .utinyint: "UTINYINT"
    case .usmallint: "USMALLINT"
    case .uinteger: "UINTEGER"
    case .ubigint: "UBIGINT"
    case .uhugeint: "UHUGEINT"
    case .float: "FLOAT"
    case .double: "DOUBLE"
    case .varchar: "VARCHAR"
    case .json: "JSON"
    case .blob: "BLOB"
    case .uuid: "UUID"
    case .date: "DATE"
    case .time: "TIME"
    case .timeTZ: "TIME WITH TIME ZONE"
    case .timeNanoseconds: "TIME_NS"
    case .timestamp: "TIMESTAMP"
    case .timestampTZ: "TIMESTAMP WITH TIME ZONE"
    case .timestampSeconds: "TIMESTAMP_S"
    case .timestampMilliseconds: "TIMESTAMP_MS"
    case .timestampNanoseconds: "TIMESTAMP_NS"
    case .interval: "INTERVAL"
    case .bit: "BIT"
    case .bignum: "BIGNUM"
    case .any: "ANY"
    default: "\"NULL\""
    }
  }
}
