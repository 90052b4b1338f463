/// One DuckDB value, of any type, outside its vector: for parameters and small results.
public enum Value: Sendable, Hashable {
  /// A named field of a structure.
  public struct Field: Sendable, Hashable {
    /// The field's name.
    public var name: String
    /// The field's value.
    public var value: Value

    /// A field.
    public init(_ name: String, _ value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// A pair of a map.
  public struct Entry: Sendable, Hashable {
    /// The key, distinct in its map.
    public var key: Value
    /// The value.
    public var value: Value

    /// A pair.
    public init(_ key: Value, _ value: Value) {
      self.key = key
      self.value = value
    }
  }

  /// SQL NULL.
  case null
  /// BOOLEAN.
  case bool(Bool)
  /// TINYINT to BIGINT.
  case int(Int64)
  /// HUGEINT.
  case hugeint(Int128)
  /// UTINYINT to UBIGINT.
  case uint(UInt64)
  /// UHUGEINT.
  case uhugeint(UInt128)
  /// FLOAT.
  case float(Float)
  /// DOUBLE.
  case double(Double)
  /// DECIMAL: `unscaled` × 10^-scale.
  case decimal(Int128, width: Int, scale: Int)
  /// VARCHAR, JSON and ENUM.
  case string(String)
  /// BLOB.
  case blob([UInt8])
  /// UUID in its usual text, lower case.
  case uuid(String)
  /// DATE: days since 1970-01-01.
  case date(days: Int32)
  /// TIME: microseconds since midnight.
  case time(microseconds: Int64)
  /// TIME WITH TIME ZONE: local microseconds since midnight and the zone's offset east of UTC in seconds.
  case timeTZ(microseconds: Int64, offsetSeconds: Int32)
  /// TIMESTAMP, TIMESTAMP_S and TIMESTAMP_MS: microseconds since 1970-01-01T00:00:00.
  case timestamp(microseconds: Int64)
  /// TIMESTAMP WITH TIME ZONE: microseconds since 1970-01-01T00:00:00Z.
  case timestampTZ(microseconds: Int64)
  /// TIMESTAMP_NS: nanoseconds since 1970-01-01T00:00:00.
  case timestampNanoseconds(Int64)
  /// INTERVAL: three parts that do not convert into each other.
  case interval(months: Int32, days: Int32, microseconds: Int64)
  /// LIST and ARRAY.
  case list([Value])
  /// STRUCT.
  case structure([Field])
  /// MAP.
  case map([Entry])
  /// UNION: the tag's name and its value.
  indirect case union(tag: String, Value)
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral
{
  /// NULL.
  public init(nilLiteral: ()) { self = .null }
  /// A BOOLEAN.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A BIGINT.
  public init(integerLiteral value: Int64) { self = .int(value) }
  /// A DOUBLE.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// A VARCHAR.
  public init(stringLiteral value: String) { self = .string(value) }
}

extension Value {
  /// Whether this is NULL.
  public var isNull: Bool { self == .null }

  /// The text of a VARCHAR, JSON, ENUM or UUID; nil for every other type.
  public var stringValue: String? {
    switch self {
    case .string(let text), .uuid(let text): text
    default: nil
    }
  }

  /// A whole number of any integer type that fits; nil otherwise.
  public var intValue: Int? {
    switch self {
    case .int(let value): Int(value)
    case .uint(let value): Int(exactly: value)
    case .hugeint(let value): Int(exactly: value)
    case .uhugeint(let value): Int(exactly: value)
    case .decimal(let value, _, scale: 0): Int(exactly: value)
    default: nil
    }
  }

  /// Any number as a double (nearest); nil for NULL and for what is not a number.
  public var doubleValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .uint(let value): Double(value)
    case .hugeint(let value): Double(value)
    case .uhugeint(let value): Double(value)
    case .float(let value): Double(value)
    case .double(let value): value
    case .decimal(let value, _, let scale): Double(value) / (0..<scale).reduce(1.0) { power, _ in power * 10 }
    default: nil
    }
  }

  /// The value of a BOOLEAN; nil otherwise.
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The bytes of a BLOB; nil otherwise.
  public var blobValue: [UInt8]? { if case .blob(let bytes) = self { bytes } else { nil } }

  /// The elements of a LIST or ARRAY; nil otherwise.
  public var listValue: [Value]? { if case .list(let values) = self { values } else { nil } }

  /// The fields of a STRUCT; nil otherwise.
  public var structureValue: [Field]? { if case .structure(let fields) = self { fields } else { nil } }

  /// A structure's field, or a map's value under a string key; nil if there is none.
  public subscript(name: String) -> Value? {
    switch self {
    case .structure(let fields): fields.first { $0.name == name }?.value
    case .map(let entries): entries.first { $0.key == .string(name) }?.value
    default: nil
    }
  }
}
