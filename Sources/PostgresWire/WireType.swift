/// A type as clients know it, by its object id in PostgreSQL's catalog (`pg_type.dat`).
public struct WireType: Sendable, Hashable {
  /// Its object id.
  public var oid: UInt32
  /// Bytes of a value; -1: they vary.
  public var size: Int16
  /// Precision and scale of `numeric`; -1: none.
  public var modifier: Int32 = -1

  /// A type.
  public init(_ oid: UInt32, size: Int16 = -1) {
    self.oid = oid
    self.size = size
  }

  /// `bool`.
  public static let bool = WireType(16, size: 1)
  /// `bytea`.
  public static let bytea = WireType(17)
  /// `int8`.
  public static let int8 = WireType(20, size: 8)
  /// `int2`.
  public static let int2 = WireType(21, size: 2)
  /// `int4`.
  public static let int4 = WireType(23, size: 4)
  /// `text`.
  public static let text = WireType(25)
  /// `oid`.
  public static let oid = WireType(26, size: 4)
  /// `json`.
  public static let json = WireType(114)
  /// `float4`.
  public static let float4 = WireType(700, size: 4)
  /// `float8`.
  public static let float8 = WireType(701, size: 8)
  /// `varchar`.
  public static let varchar = WireType(1043)
  /// `date`.
  public static let date = WireType(1082, size: 4)
  /// `time`.
  public static let time = WireType(1083, size: 8)
  /// `timestamp`.
  public static let timestamp = WireType(1114, size: 8)
  /// `timestamptz`.
  public static let timestamptz = WireType(1184, size: 8)
  /// `interval`.
  public static let interval = WireType(1186, size: 16)
  /// `timetz`.
  public static let timetz = WireType(1266, size: 12)
  /// `numeric`.
  public static let numeric = WireType(1700)
  /// `uuid`.
  public static let uuid = WireType(2950, size: 16)

  /// `numeric(precision, scale)`.
  public static func numeric(precision: Int, scale: Int) -> WireType {
    var type = numeric
    type.modifier = Int32(precision << 16 | scale) + 4
    return type
  }

  /// One type of PostgreSQL with its names and its array.
  public struct Entry: Sendable, Hashable {
    /// The type.
    public var type: WireType
    /// Its name in the catalog.
    public var name: String
    /// Its name in SQL, as `format_type` says it.
    public var sqlName: String
    /// The object id of its array type.
    public var arrayOid: UInt32
    /// Its category in the catalog, such as `N` for numbers.
    public var category: String
    /// The type with which DuckDB reads its text.
    public var engineType: String
  }

  /// The types that results and parameters have.
  public static let all: [Entry] = [
    Entry(
      type: bool, name: "bool", sqlName: "boolean", arrayOid: 1000, category: "B", engineType: "BOOLEAN"),
    Entry(type: bytea, name: "bytea", sqlName: "bytea", arrayOid: 1001, category: "U", engineType: "BLOB"),
    Entry(type: int8, name: "int8", sqlName: "bigint", arrayOid: 1016, category: "N", engineType: "BIGINT"),
    Entry(type: int2, name: "int2", sqlName: "smallint", arrayOid: 1005, category: "N", engineType: "SMALLINT"),
    Entry(type: int4, name: "int4", sqlName: "integer", arrayOid: 1007, category: "N", engineType: "INTEGER"),
    Entry(type: text, name: "text", sqlName: "text", arrayOid: 1009, category: "S", engineType: "VARCHAR"),
    Entry(type: oid, name: "oid", sqlName: "oid", arrayOid: 1028, category: "N", engineType: "UINTEGER"),
    Entry(type: json, name: "json", sqlName: "json", arrayOid: 199, category: "U", engineType: "JSON"),
    Entry(type: float4, name: "float4", sqlName: "real", arrayOid: 1021, category: "N", engineType: "FLOAT"),
    Entry(
      type: float8, name: "float8", sqlName: "double precision", arrayOid: 1022, category: "N", engineType: "DOUBLE"),
    Entry(
      type: varchar, name: "varchar", sqlName: "character varying", arrayOid: 1015, category: "S",
      engineType: "VARCHAR"),
    Entry(type: date, name: "date", sqlName: "date", arrayOid: 1182, category: "D", engineType: "DATE"),
    Entry(
      type: time, name: "time", sqlName: "time without time zone", arrayOid: 1183, category: "D", engineType: "TIME"),
    Entry(
      type: timestamp, name: "timestamp", sqlName: "timestamp without time zone", arrayOid: 1115, category: "D",
      engineType: "TIMESTAMP"),
    Entry(
      type: timestamptz, name: "timestamptz", sqlName: "timestamp with time zone", arrayOid: 1185, category: "D",
      engineType: "TIMESTAMPTZ"),
    Entry(
      type: interval, name: "interval", sqlName: "interval", arrayOid: 1187, category: "T", engineType: "INTERVAL"),
    Entry(
      type: timetz, name: "timetz", sqlName: "time with time zone", arrayOid: 1270, category: "D",
      engineType: "TIMETZ"),
    Entry(
      type: numeric, name: "numeric", sqlName: "numeric", arrayOid: 1231, category: "N", engineType: "DECIMAL(38,10)"),
    Entry(type: uuid, name: "uuid", sqlName: "uuid", arrayOid: 2951, category: "U", engineType: "UUID"),
  ]

  private static let entriesByOid = Dictionary(uniqueKeysWithValues: all.map { ($0.type.oid, $0) })
  private static let elementsByArray = Dictionary(uniqueKeysWithValues: all.map { ($0.arrayOid, $0) })

  /// What is known of a type; nil for one that is not known here.
  public static func entry(_ oid: UInt32) -> Entry? { entriesByOid[oid] }

  /// What is known of the element of an array type; nil for one that is no array or not known.
  public static func element(ofArray oid: UInt32) -> Entry? { elementsByArray[oid] }
}
