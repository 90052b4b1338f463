internal import CDuckDB

/// Reads any vector element as a `Value`, nested ones included. Valid while its owner, a chunk, is.
struct ValueReader {
  private let vector: duckdb_vector?
  private let data: UnsafeMutableRawPointer?
  private let validity: Validity
  private let type: LogicalType
  private let children: [ValueReader]
  private let owner: AnyObject?

  init(_ vector: duckdb_vector?, _ type: LogicalType, owner: AnyObject?) {
    self.vector = vector
    self.type = type
    self.owner = owner
    data = duckdb_vector_get_data(vector)
    validity = Validity(UnsafePointer(duckdb_vector_get_validity(vector)))
    switch type {
    case .list(let element):
      children = [ValueReader(duckdb_list_vector_get_child(vector), element, owner: owner)]
    case .array(let element, _):
      children = [ValueReader(duckdb_array_vector_get_child(vector), element, owner: owner)]
    case .map(let key, let value):
      let pair = LogicalType.structure([.init("key", key), .init("value", value)])
      children = [ValueReader(duckdb_list_vector_get_child(vector), pair, owner: owner)]
    case .structure(let fields):
      children = fields.enumerated().map { index, field in
        ValueReader(duckdb_struct_vector_get_child(vector, idx_t(index)), field.type, owner: owner)
      }
    case .union(let members):
      let fields = [LogicalType.Field("", .utinyint)] + members
      children = fields.enumerated().map { index, field in
        ValueReader(duckdb_struct_vector_get_child(vector, idx_t(index)), field.type, owner: owner)
      }
    default: children = []
    }
  }

  func value(at row: Int) throws(DuckDBError) -> Value {
    guard validity.isValid(row) else { return .null }
    switch type {
    case .list:
      let entry = load(duckdb_list_entry.self, row)
      return .list(try elements(Int(entry.offset), Int(entry.length)))
    case .array(_, let count):
      return .list(try elements(row * count, count))
    case .map:
      let entry = load(duckdb_list_entry.self, row)
      var pairs: [Value.Entry] = []
      for place in Int(entry.offset)..<Int(entry.offset + entry.length) {
        let pair = children[0].children
        pairs.append(.init(try pair[0].value(at: place), try pair[1].value(at: place)))
      }
      return .map(pairs)
    case .structure(let fields):
      var values: [Value.Field] = []
      for (field, child) in zip(fields, children) { values.append(.init(field.name, try child.value(at: row))) }
      return .structure(values)
    case .union(let members):
      let tag = Int(children[0].load(UInt8.self, row))
      return .union(tag: members[tag].name, try children[tag + 1].value(at: row))
    case .enumeration(let words):
      return .string(words[enumerationIndex(words.count, row)])
    case .decimal(let width, let scale):
      return .decimal(unscaled(width, row), width: width, scale: scale)
    default:
      return try scalar(at: row)
    }
  }

  private var start: UnsafeMutableRawPointer {
    guard let data else { preconditionFailure("DuckDB gave a vector of \(type) without data") }
    return data
  }

  private func load<T>(_: T.Type, _ row: Int) -> T {
    start.load(fromByteOffset: row * MemoryLayout<T>.stride, as: T.self)
  }

  private func elements(_ start: Int, _ count: Int) throws(DuckDBError) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(count)
    for place in start..<start + count { values.append(try children[0].value(at: place)) }
    return values
  }

  private func enumerationIndex(_ count: Int, _ row: Int) -> Int {
    switch count {
    case ...Int(UInt8.max): Int(load(UInt8.self, row))
    case ...Int(UInt16.max): Int(load(UInt16.self, row))
    default: Int(load(UInt32.self, row))
    }
  }

  private func unscaled(_ width: Int, _ row: Int) -> Int128 {
    switch width {
    case ...4: Int128(load(Int16.self, row))
    case ...9: Int128(load(Int32.self, row))
    case ...18: Int128(load(Int64.self, row))
    default: load(duckdb_hugeint.self, row).int128
    }
  }

  private func rawBytes(_ row: Int) -> UnsafeRawBufferPointer {
    bytes(of: start.assumingMemoryBound(to: duckdb_string_t.self) + row)
  }

  private func scalar(at row: Int) throws(DuckDBError) -> Value {
    switch type {
    case .boolean: return .bool(load(Bool.self, row))
    case .tinyint: return .int(Int64(load(Int8.self, row)))
    case .smallint: return .int(Int64(load(Int16.self, row)))
    case .integer: return .int(Int64(load(Int32.self, row)))
    case .bigint: return .int(load(Int64.self, row))
    case .hugeint: return .hugeint(load(duckdb_hugeint.self, row).int128)
    case .utinyint: return .uint(UInt64(load(UInt8.self, row)))
    case .usmallint: return .uint(UInt64(load(UInt16.self, row)))
    case .uinteger: return .uint(UInt64(load(UInt32.self, row)))
    case .ubigint: return .uint(load(UInt64.self, row))
    case .uhugeint: return .uhugeint(load(duckdb_uhugeint.self, row).uint128)
    case .float: return .float(load(Float.self, row))
    case .double: return .double(load(Double.self, row))
    case .varchar, .json: return .string(String(decoding: rawBytes(row), as: UTF8.self))
    case .blob: return .blob(Array(rawBytes(row)))
    case .uuid:
      // DuckDB stores a UUID as a signed number with its top bit turned, so that it sorts as text does.
      let stored = UInt128(bitPattern: load(duckdb_hugeint.self, row).int128)
      return .uuid(UUIDText.format(stored ^ (1 << 127)))
    case .date: return .date(days: load(Int32.self, row))
    case .time: return .time(microseconds: load(Int64.self, row))
    case .timeTZ:
      let parts = duckdb_from_time_tz(load(duckdb_time_tz.self, row))
      return .timeTZ(microseconds: duckdb_to_time(parts.time).micros, offsetSeconds: parts.offset)
    case .timestamp: return .timestamp(microseconds: load(Int64.self, row))
    case .timestampTZ: return .timestampTZ(microseconds: load(Int64.self, row))
    case .timestampSeconds: return .timestamp(microseconds: scaled(load(Int64.self, row), 1_000_000))
    case .timestampMilliseconds: return .timestamp(microseconds: scaled(load(Int64.self, row), 1_000))
    case .timestampNanoseconds: return .timestampNanoseconds(load(Int64.self, row))
    case .interval:
      let parts = load(duckdb_interval.self, row)
      return .interval(months: parts.months, days: parts.days, microseconds: parts.micros)
    case .null: return .null
    default: throw DuckDBError(.usage, "values of type \(type) cannot be read; cast the column to VARCHAR in the SQL")
    }
  }

  /// DuckDB's infinities are the ends of the number range and stay there.
  private func scaled(_ value: Int64, _ factor: Int64) -> Int64 {
    let (product, overflow) = value.multipliedReportingOverflow(by: factor)
    return overflow || value == .max || value == -.max ? (value < 0 ? -.max : .max) : product
  }
}
