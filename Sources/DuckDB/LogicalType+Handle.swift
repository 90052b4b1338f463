internal import CDuckDB

/// Owns one `duckdb_logical_type`.
///
/// C calls get it through `borrow`, because Swift may free a handle that is a temporary before the call is over.
final class TypeHandle {
  private var raw: duckdb_logical_type?

  init(owning raw: duckdb_logical_type?) { self.raw = raw }

  convenience init(_ id: DUCKDB_TYPE) { self.init(owning: duckdb_create_logical_type(id)) }

  deinit { duckdb_destroy_logical_type(&raw) }

  func borrow<R>(_ body: (duckdb_logical_type?) -> R) -> R {
    withExtendedLifetime(self) { body(raw) }
  }
}

/// Copies and frees a C string that DuckDB allocated.
func takeString(_ raw: UnsafeMutablePointer<CChar>?) -> String? {
  guard let raw else { return nil }
  defer { duckdb_free(raw) }
  return String(cString: raw)
}

extension LogicalType {
  private static let simple: [(LogicalType, DUCKDB_TYPE)] = [
    (.boolean, DUCKDB_TYPE_BOOLEAN), (.tinyint, DUCKDB_TYPE_TINYINT), (.smallint, DUCKDB_TYPE_SMALLINT),
    (.integer, DUCKDB_TYPE_INTEGER), (.bigint, DUCKDB_TYPE_BIGINT), (.hugeint, DUCKDB_TYPE_HUGEINT),
    (.utinyint, DUCKDB_TYPE_UTINYINT), (.usmallint, DUCKDB_TYPE_USMALLINT), (.uinteger, DUCKDB_TYPE_UINTEGER),
    (.ubigint, DUCKDB_TYPE_UBIGINT), (.uhugeint, DUCKDB_TYPE_UHUGEINT), (.float, DUCKDB_TYPE_FLOAT),
    (.double, DUCKDB_TYPE_DOUBLE), (.varchar, DUCKDB_TYPE_VARCHAR), (.blob, DUCKDB_TYPE_BLOB),
    (.uuid, DUCKDB_TYPE_UUID), (.date, DUCKDB_TYPE_DATE), (.time, DUCKDB_TYPE_TIME),
    (.timeTZ, DUCKDB_TYPE_TIME_TZ), (.timeNanoseconds, DUCKDB_TYPE_TIME_NS), (.timestamp, DUCKDB_TYPE_TIMESTAMP),
    (.timestampTZ, DUCKDB_TYPE_TIMESTAMP_TZ), (.timestampSeconds, DUCKDB_TYPE_TIMESTAMP_S),
    (.timestampMilliseconds, DUCKDB_TYPE_TIMESTAMP_MS), (.timestampNanoseconds, DUCKDB_TYPE_TIMESTAMP_NS),
    (.interval, DUCKDB_TYPE_INTERVAL), (.bit, DUCKDB_TYPE_BIT), (.bignum, DUCKDB_TYPE_BIGNUM),
    (.null, DUCKDB_TYPE_SQLNULL), (.any, DUCKDB_TYPE_ANY),
  ]
  private static let simpleByID = Dictionary(uniqueKeysWithValues: simple.map { ($0.1.rawValue, $0.0) })
  private static let idBySimple = Dictionary(uniqueKeysWithValues: simple.map { ($0.0, $0.1) })

  /// The type behind a DuckDB handle, which stays the caller's.
  init(_ raw: duckdb_logical_type?) {
    let id = duckdb_get_type_id(raw)
    switch id {
    case DUCKDB_TYPE_VARCHAR:
      self = takeString(duckdb_logical_type_get_alias(raw)) == "JSON" ? .json : .varchar
    case DUCKDB_TYPE_DECIMAL:
      self = .decimal(width: Int(duckdb_decimal_width(raw)), scale: Int(duckdb_decimal_scale(raw)))
    case DUCKDB_TYPE_ENUM:
      let count = Int(duckdb_enum_dictionary_size(raw))
      self = .enumeration((0..<count).map { takeString(duckdb_enum_dictionary_value(raw, idx_t($0))) ?? "" })
    case DUCKDB_TYPE_LIST:
      self = .list(LogicalType(TypeHandle(owning: duckdb_list_type_child_type(raw))))
    case DUCKDB_TYPE_ARRAY:
      let element = LogicalType(TypeHandle(owning: duckdb_array_type_child_type(raw)))
      self = .array(element, count: Int(duckdb_array_type_array_size(raw)))
    case DUCKDB_TYPE_STRUCT:
      let count = Int(duckdb_struct_type_child_count(raw))
      self = .structure(
        (0..<count).map {
          Field(
            takeString(duckdb_struct_type_child_name(raw, idx_t($0))) ?? "",
            LogicalType(TypeHandle(owning: duckdb_struct_type_child_type(raw, idx_t($0)))))
        })
    case DUCKDB_TYPE_MAP:
      self = .map(
        key: LogicalType(TypeHandle(owning: duckdb_map_type_key_type(raw))),
        value: LogicalType(TypeHandle(owning: duckdb_map_type_value_type(raw))))
    case DUCKDB_TYPE_UNION:
      let count = Int(duckdb_union_type_member_count(raw))
      self = .union(
        (0..<count).map {
          Field(
            takeString(duckdb_union_type_member_name(raw, idx_t($0))) ?? "",
            LogicalType(TypeHandle(owning: duckdb_union_type_member_type(raw, idx_t($0)))))
        })
    case DUCKDB_TYPE_GEOMETRY: self = .other("GEOMETRY")
    case DUCKDB_TYPE_VARIANT: self = .other("VARIANT")
    default: self = LogicalType.simpleByID[id.rawValue] ?? .other("type \(id.rawValue)")
    }
  }

  init(_ handle: TypeHandle) { self = handle.borrow { LogicalType($0) } }

  /// A DuckDB handle of this type.
  func handle() throws(DuckDBError) -> TypeHandle {
    switch self {
    case .json:
      let handle = TypeHandle(DUCKDB_TYPE_VARCHAR)
      handle.borrow { duckdb_logical_type_set_alias($0, "JSON") }
      return handle
    case .decimal(let width, let scale):
      guard (1...38).contains(width), (0...width).contains(scale) else {
        throw DuckDBError(.usage, "\(self) is not a decimal type: width 1 to 38, scale 0 to width")
      }
      return TypeHandle(owning: duckdb_create_decimal_type(UInt8(width), UInt8(scale)))
    case .enumeration(let words):
      return withCStrings(words) { names in
        TypeHandle(owning: duckdb_create_enum_type(names.baseAddress, idx_t(words.count)))
      }
    case .list(let element):
      return try element.handle().mapped { duckdb_create_list_type($0) }
    case .array(let element, let count):
      return try element.handle().mapped { duckdb_create_array_type($0, idx_t(count)) }
    case .map(let key, let value):
      let value = try value.handle()
      return try key.handle().mapped { key in value.borrow { duckdb_create_map_type(key, $0) } }
    case .structure(let fields):
      return try LogicalType.handle(of: fields, duckdb_create_struct_type)
    case .union(let members):
      return try LogicalType.handle(of: members, duckdb_create_union_type)
    default:
      guard let id = LogicalType.idBySimple[self] else {
        throw DuckDBError(.usage, "type \(self) cannot be made here; cast to VARCHAR in the SQL")
      }
      return TypeHandle(id)
    }
  }

  private typealias Maker = (
    UnsafeMutablePointer<duckdb_logical_type?>?, UnsafeMutablePointer<UnsafePointer<CChar>?>?, idx_t
  ) -> duckdb_logical_type?

  private static func handle(of fields: [Field], _ make: Maker) throws(DuckDBError) -> TypeHandle {
    var handles: [TypeHandle] = []
    for field in fields { handles.append(try field.type.handle()) }
    var raw = handles.map { $0.borrow { $0 } }
    let made = withCStrings(fields.map(\.name)) { names in
      TypeHandle(owning: make(&raw, names.baseAddress, idx_t(fields.count)))
    }
    withExtendedLifetime(handles) {}
    return made
  }
}

extension TypeHandle {
  fileprivate func mapped(_ make: (duckdb_logical_type?) -> duckdb_logical_type?) -> TypeHandle {
    borrow { TypeHandle(owning: make($0)) }
  }
}

/// Calls `body` with C strings that live for the call.
func withCStrings<R>(_ strings: [String], _ body: (UnsafeMutableBufferPointer<UnsafePointer<CChar>?>) -> R) -> R {
  var bytes: [CChar] = []
  var starts: [Int] = []
  for string in strings {
    starts.append(bytes.count)
    bytes.append(contentsOf: string.utf8CString)
  }
  return bytes.withUnsafeBufferPointer { buffer in
    var pointers: [UnsafePointer<CChar>?] = starts.map { buffer.baseAddress?.advanced(by: $0) }
    return pointers.withUnsafeMutableBufferPointer { body($0) }
  }
}
