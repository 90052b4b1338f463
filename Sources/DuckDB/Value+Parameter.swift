internal import CDuckDB

/// Owns one `duckdb_value`.
final class ValueHandle {
  private var raw: duckdb_value?

  init(owning raw: duckdb_value?) { self.raw = raw }

  deinit { duckdb_destroy_value(&raw) }

  func borrow<R>(_ body: (duckdb_value?) -> R) -> R {
    withExtendedLifetime(self) { body(raw) }
  }
}

extension Value {
  /// The type that a parameter or an appended element of this value gets.
  ///
  /// - Throws: the elements of a list or map do not have one type, or there is no such type.
  func parameterType() throws(DuckDBError) -> LogicalType {
    switch self {
    case .list(let values): return .list(try Value.commonType(of: values))
    case .structure(let fields):
      guard !fields.isEmpty else { throw DuckDBError(.usage, "a STRUCT parameter needs a field") }
      var types: [LogicalType.Field] = []
      for field in fields { types.append(.init(field.name, try field.value.parameterType())) }
      return .structure(types)
    case .map(let entries):
      return .map(
        key: try Value.commonType(of: entries.map(\.key)), value: try Value.commonType(of: entries.map(\.value)))
    case .union:
      throw DuckDBError(.usage, "a UNION cannot be a parameter; use union_value(tag := …) in the SQL")
    default: return simpleType
    }
  }

  private static func commonType(of values: [Value]) throws(DuckDBError) -> LogicalType {
    var common = LogicalType.null
    for value in values {
      let type = try value.parameterType()
      guard let unified = common.unified(with: type) else {
        throw DuckDBError(.usage, "a list or map parameter mixes the types \(common) and \(type)")
      }
      common = unified
    }
    return common
  }

  private var simpleType: LogicalType {
    switch self {
    case .bool: .boolean
    case .int: .bigint
    case .hugeint: .hugeint
    case .uint: .ubigint
    case .uhugeint: .uhugeint
    case .float: .float
    case .double: .double
    case .decimal(_, let width, let scale): .decimal(width: width, scale: scale)
    case .string: .varchar
    case .blob: .blob
    case .uuid: .uuid
    case .date: .date
    case .time: .time
    case .timeTZ: .timeTZ
    case .timestamp: .timestamp
    case .timestampTZ: .timestampTZ
    case .timestampNanoseconds: .timestampNanoseconds
    case .interval: .interval
    case .null, .list, .structure, .map, .union: .null
    }
  }

  /// A DuckDB handle of this value.
  func handle() throws(DuckDBError) -> ValueHandle {
    let type = try parameterType()
    switch self {
    case .list(let values):
      return try Value.handle(of: values, type.elementType) { raw, type in
        duckdb_create_list_value(type, raw, idx_t(values.count))
      }
    case .structure(let fields):
      return try Value.handle(of: fields.map(\.value), type) { raw, type in
        duckdb_create_struct_value(type, raw)
      }
    case .map(let entries):
      var keys: [ValueHandle] = []
      for entry in entries { keys.append(try entry.key.handle()) }
      var rawKeys = keys.map { $0.borrow { $0 } }
      defer { withExtendedLifetime(keys) {} }
      return try Value.handle(of: entries.map(\.value), type) { raw, type in
        duckdb_create_map_value(type, &rawKeys, raw, idx_t(entries.count))
      }
    case .decimal(let unscaled, let width, _):
      // DuckDB takes width, scale and digits unseen.
      _ = try type.handle()
      guard unscaled.magnitude < (0..<width).reduce(UInt128(1), { power, _ in power * 10 }) else {
        throw DuckDBError(.usage, "a decimal parameter has more than \(width) digits")
      }
      return try Value.checked(scalarHandle(), type)
    default:
      return try Value.checked(scalarHandle(), type)
    }
  }

  /// DuckDB's functions do not bear a null handle.
  private static func checked(_ raw: duckdb_value?, _ type: LogicalType) throws(DuckDBError) -> ValueHandle {
    guard let raw else { throw DuckDBError(.usage, "a parameter is not a well-formed \(type)") }
    return ValueHandle(owning: raw)
  }

  private static func handle(
    of values: [Value], _ type: LogicalType,
    _ make: (UnsafeMutablePointer<duckdb_value?>?, duckdb_logical_type?) -> duckdb_value?
  ) throws(DuckDBError) -> ValueHandle {
    let handle = try type.handle()
    var handles: [ValueHandle] = []
    for value in values { handles.append(try value.handle()) }
    var raw = handles.map { $0.borrow { $0 } }
    let made = handle.borrow { make(&raw, $0) }
    withExtendedLifetime(handles) {}
    return try checked(made, type)
  }

  private func scalarHandle() -> duckdb_value? {
    switch self {
    case .bool(let value): duckdb_create_bool(value)
    case .int(let value): duckdb_create_int64(value)
    case .hugeint(let value): duckdb_create_hugeint(duckdb_hugeint(value))
    case .uint(let value): duckdb_create_uint64(value)
    case .uhugeint(let value): duckdb_create_uhugeint(duckdb_uhugeint(value))
    case .float(let value): duckdb_create_float(value)
    case .double(let value): duckdb_create_double(value)
    case .decimal(let value, let width, let scale):
      duckdb_create_decimal(
        duckdb_decimal(width: UInt8(clamping: width), scale: UInt8(clamping: scale), value: duckdb_hugeint(value)))
    case .string(let text):
      { (text: String) in
        var text = text
        return text.withUTF8 { bytes in
          bytes.withMemoryRebound(to: CChar.self) { duckdb_create_varchar_length($0.baseAddress, idx_t($0.count)) }
        }
      }(text)
    case .blob(let bytes): bytes.withUnsafeBufferPointer { duckdb_create_blob($0.baseAddress, idx_t($0.count)) }
    case .uuid(let text): UUIDText.parse(text).flatMap { duckdb_create_uuid(duckdb_uhugeint($0)) }
    case .date(let days): duckdb_create_date(duckdb_date(days: days))
    case .time(let microseconds): duckdb_create_time(duckdb_time(micros: microseconds))
    case .timeTZ(let microseconds, let offset):
      duckdb_create_time_tz_value(duckdb_create_time_tz(microseconds, offset))
    case .timestamp(let microseconds): duckdb_create_timestamp(duckdb_timestamp(micros: microseconds))
    case .timestampTZ(let microseconds): duckdb_create_timestamp_tz(duckdb_timestamp(micros: microseconds))
    case .timestampNanoseconds(let value): duckdb_create_timestamp_ns(duckdb_timestamp_ns(nanos: value))
    case .interval(let months, let days, let microseconds):
      duckdb_create_interval(duckdb_interval(months: months, days: days, micros: microseconds))
    case .null, .list, .structure, .map, .union: duckdb_create_null_value()
    }
  }
}

extension LogicalType {
  /// The element's type of a list or array; itself otherwise.
  var elementType: LogicalType {
    switch self {
    case .list(let element), .array(let element, _): element
    default: self
    }
  }

  /// The one type for values of both types, where a bare NULL and an empty list fit every type; nil if there is none.
  func unified(with other: LogicalType) -> LogicalType? {
    switch (self, other) {
    case (.null, let type), (let type, .null): return type
    case (.list(let a), .list(let b)): return a.unified(with: b).map { .list($0) }
    case (.map(let aKey, let aValue), .map(let bKey, let bValue)):
      guard let key = aKey.unified(with: bKey), let value = aValue.unified(with: bValue) else { return nil }
      return .map(key: key, value: value)
    case (.structure(let a), .structure(let b)):
      guard a.map(\.name) == b.map(\.name) else { return nil }
      var fields: [Field] = []
      for (mine, theirs) in zip(a, b) {
        guard let type = mine.type.unified(with: theirs.type) else { return nil }
        fields.append(Field(mine.name, type))
      }
      return .structure(fields)
    default: return self == other ? self : nil
    }
  }
}
