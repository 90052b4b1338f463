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
  var parameterType: LogicalType {
    switch self {
    case .null: .null
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
    case .list(let values): .list(values.first { !$0.isNull }?.parameterType ?? .null)
    case .structure(let fields): .structure(fields.map { .init($0.name, $0.value.parameterType) })
    case .map(let entries):
      .map(
        key: entries.first?.key.parameterType ?? .null,
        value: entries.first { !$0.value.isNull }?.value.parameterType ?? .null)
    case .union(let tag, let value): .union([.init(tag, value.parameterType)])
    }
  }

  /// A DuckDB handle of this value.
  func handle() throws(DuckDBError) -> ValueHandle {
    switch self {
    case .list(let values):
      let element = parameterType.elementType
      return try Value.handle(of: values, element) { raw, type in
        duckdb_create_list_value(type, raw, idx_t(values.count))
      }
    case .structure(let fields):
      return try Value.handle(of: fields.map(\.value), parameterType) { raw, type in
        duckdb_create_struct_value(type, raw)
      }
    case .map(let entries):
      var keys: [ValueHandle] = []
      for entry in entries { keys.append(try entry.key.handle()) }
      var rawKeys = keys.map { $0.borrow { $0 } }
      defer { withExtendedLifetime(keys) {} }
      return try Value.handle(of: entries.map(\.value), parameterType) { raw, type in
        duckdb_create_map_value(type, &rawKeys, raw, idx_t(entries.count))
      }
    case .union:
      throw DuckDBError(.usage, "a UNION cannot be a parameter; use union_value(tag := …) in the SQL")
    default:
      return ValueHandle(owning: scalarHandle())
    }
  }

  private static func handle(
    of values: [Value], _ type: LogicalType,
    _ make: (UnsafeMutablePointer<duckdb_value?>?, duckdb_logical_type?) -> duckdb_value?
  ) throws(DuckDBError) -> ValueHandle {
    let type = try type.handle()
    var handles: [ValueHandle] = []
    for value in values { handles.append(try value.handle()) }
    var raw = handles.map { $0.borrow { $0 } }
    let made = type.borrow { ValueHandle(owning: make(&raw, $0)) }
    withExtendedLifetime(handles) {}
    guard made.borrow({ $0 != nil }) else {
      throw DuckDBError(.usage, "the elements of a nested parameter do not have one type")
    }
    return made
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
}

extension duckdb_hugeint {
  init(_ value: Int128) {
    self.init(lower: UInt64(truncatingIfNeeded: value), upper: Int64(truncatingIfNeeded: value >> 64))
  }

  var int128: Int128 { Int128(upper) << 64 | Int128(lower) }
}

extension duckdb_uhugeint {
  init(_ value: UInt128) {
    self.init(lower: UInt64(truncatingIfNeeded: value), upper: UInt64(truncatingIfNeeded: value >> 64))
  }

  var uint128: UInt128 { UInt128(upper) << 64 | UInt128(lower) }
}

/// UUIDs as text: 8-4-4-4-12 hexadecimal digits.
enum UUIDText {
  static func parse(_ text: String) -> UInt128? {
    var value: UInt128 = 0
    var digits = 0
    for byte in text.utf8 where byte != UInt8(ascii: "-") {
      guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, digits < 32 else { return nil }
      value = value << 4 | UInt128(digit)
      digits += 1
    }
    return digits == 32 ? value : nil
  }

  static func format(_ value: UInt128) -> String {
    String(unsafeUninitializedCapacity: 36) { out in
      var shift = 124
      var place = 0
      while shift >= 0 {
        if place == 8 || place == 13 || place == 18 || place == 23 {
          out[place] = UInt8(ascii: "-")
          place += 1
        }
        let digit = UInt8(truncatingIfNeeded: value >> shift) & 15
        out[place] = digit < 10 ? digit + UInt8(ascii: "0") : digit - 10 + UInt8(ascii: "a")
        place += 1
        shift -= 4
      }
      return 36
    }
  }
}
