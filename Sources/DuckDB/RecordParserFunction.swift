internal import CDuckDB

/// A SQL function `NAME(raw VARCHAR, raw_encoding VARCHAR)` that reads JSON records into a STRUCT of typed columns and
/// `_reason` VARCHAR in one pass, at memory speed and without a row of Swift.
///
/// `raw_encoding` is as in ``RecordBatchScan``. `_reason` is NULL for a record that can be used; otherwise it says what
/// is wrong, without any value (`id: missing; at: not a valid timestamp`), and every other column is NULL.
///
/// - The text must be one JSON object (RFC 8259) with at most 512 containers inside each other. The tokens NaN, Infinity
///   and -Infinity are taken where a value stands, but fit no type. Of equal keys the first counts. A null is a missing
///   value.
/// - Numbers may stand in a string, then also with white space around them, a plus sign or leading zeros. A whole number
///   may be written 3.0 or 3e0. Doubles are rounded to the nearest, ties to even; one that overflows is not valid.
/// - Strings, identifiers, dates and instants must be JSON strings, booleans `true` or `false`; nothing is converted.
/// - An instant without an offset is in UTC; digits beyond the microsecond are dropped; a leap second is the first moment
///   of the next minute.
public struct RecordParserFunction: Sendable {
  /// What a field's value must be.
  public enum FieldType: Sendable, Hashable, CaseIterable {
    /// A JSON string; VARCHAR.
    case string
    /// 8-4-4-4-12 hexadecimal digits; VARCHAR in lower case.
    case uuid
    /// A whole number of 32 bits; INTEGER.
    case int
    /// A whole number of 64 bits; BIGINT.
    case bigint
    /// A finite number; DOUBLE.
    case double
    /// `true` or `false`; BOOLEAN.
    case boolean
    /// `YYYY-MM-DD`, years 0001 to 9999; DATE.
    case date
    /// `YYYY-MM-DD[T ]HH:MM[:SS[.fraction]]` with `Z`, `±HH`, `±HH:MM`, `±HHMM` or nothing; TIMESTAMP WITH TIME ZONE.
    case timestamp
  }

  /// A field of the records.
  public struct Field: Sendable, Hashable {
    /// The column's name in the result and in reasons.
    public var column: String
    /// The key in the JSON object.
    public var key: String
    /// What the value must be.
    public var type: FieldType
    /// Whether a record without a value cannot be used.
    public var isRequired: Bool

    /// A field.
    public init(column: String, key: String, type: FieldType, isRequired: Bool = false) {
      self.column = column
      self.key = key
      self.type = type
      self.isRequired = isRequired
    }
  }

  /// Name in SQL.
  public var name: String
  /// The fields, in the order of the result's columns.
  public var fields: [Field]

  /// A function for `Connection.register`.
  public init(name: String, fields: [Field]) {
    self.name = name
    self.fields = fields
  }

  /// Throws if no such function can be made.
  fileprivate func check() throws(DuckDBError) {
    guard !fields.isEmpty else { throw DuckDBError(.usage, "the record parser \(name) has no fields") }
    var columns: Set = ["_reason"]
    var keys: Set<String> = []
    for field in fields {
      guard columns.insert(field.column.lowercased()).inserted else {
        throw DuckDBError(.usage, "the record parser \(name) has the column \(field.column) twice")
      }
      guard keys.insert(field.key).inserted else {
        throw DuckDBError(.usage, "two columns of the record parser \(name) read the key \(field.key)")
      }
    }
  }

  /// Hands over the fields in C's form for the time of `body`.
  fileprivate func withFields<R>(_ body: (UnsafeBufferPointer<lakeward_field>) -> R) -> R {
    var text: [CChar] = []
    var starts: [(column: Int, key: Int)] = []
    for field in fields {
      let column = text.count
      text += field.column.utf8CString
      starts.append((column, text.count))
      text += field.key.utf8CString
    }
    return text.withUnsafeBufferPointer { text in
      let raw = zip(fields, starts).map { field, start in
        lakeward_field(
          column: text.baseAddress?.advanced(by: start.column), key: text.baseAddress?.advanced(by: start.key),
          key_length: field.key.utf8.count, type: field.type.raw, is_required: field.isRequired)
      }
      return raw.withUnsafeBufferPointer(body)
    }
  }
}

extension RecordParserFunction.FieldType {
  fileprivate var raw: lakeward_field_type {
    switch self {
    case .string: LAKEWARD_STRING
    case .uuid: LAKEWARD_UUID
    case .int: LAKEWARD_INT
    case .bigint: LAKEWARD_BIGINT
    case .double: LAKEWARD_DOUBLE
    case .boolean: LAKEWARD_BOOLEAN
    case .date: LAKEWARD_DATE
    case .timestamp: LAKEWARD_TIMESTAMP
    }
  }
}

/// A key that records have and no field reads.
public struct UnknownKey: Sendable, Hashable {
  /// What its value looks like.
  public enum Kind: Sendable, Hashable {
    case text, number, boolean, container, null
  }

  /// The key: letters, digits and `_-.:`, at most 64 bytes.
  public var name: String
  /// What a value of it looked like.
  public var kind: Kind

  /// A key from its parts.
  public init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }
}

extension Connection {
  /// The keys that records had, since the last call, and that no field of the function reads; at most 16.
  ///
  /// Only plain names are given, never a value. All connections of a database share the memory of a function.
  public func takeUnknownKeys(of function: RecordParserFunction) throws(DuckDBError) -> [UnknownKey] {
    let text = try query("SELECT \(SQL.quote(identifier: function.name + "_unknown"))()").scalar().stringValue ?? ""
    return text.split(separator: "\n").map { line in
      let kind: UnknownKey.Kind =
        switch line.first {
        case "\"": .text
        case "t", "f": .boolean
        case "{", "[": .container
        case "n": .null
        default: .number
        }
      return UnknownKey(name: String(line.dropFirst(2)), kind: kind)
    }
  }

  /// Makes the function known to every connection of the database, for as long as the database lives.
  ///
  /// - Throws: there are no fields, or two of the same column or key; the name is taken (DuckDB would keep both functions
  ///   and could not choose).
  public func register(_ function: RecordParserFunction) throws(DuckDBError) {
    try function.check()
    let taken = DuckDBError(.catalog, "the function \(function.name) could not be registered: the name is taken")
    guard try !knows(function) else { throw taken }
    let state = function.withFields {
      lakeward_register_parser(raw, function.name, $0.baseAddress, $0.count)
    }
    guard state == DuckDBSuccess else { throw taken }
  }

  /// Whether the database has a function of that name.
  public func knows(_ function: RecordParserFunction) throws(DuckDBError) -> Bool {
    let sql = "SELECT count(*) FROM duckdb_functions() WHERE lower(function_name) = lower(?)"
    return try query(sql, [.string(function.name)]).scalar() != .int(0)
  }
}
