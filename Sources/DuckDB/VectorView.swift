internal import CDuckDB

/// A Swift type that lies in DuckDB's vectors as it is.
public protocol VectorElement: BitwiseCopyable, Sendable {
  /// The column types whose vectors hold this type.
  static func matches(_ type: LogicalType) -> Bool
}

extension Bool: VectorElement {
  /// BOOLEAN.
  public static func matches(_ type: LogicalType) -> Bool { type == .boolean }
}
extension Int8: VectorElement {
  /// TINYINT.
  public static func matches(_ type: LogicalType) -> Bool { type == .tinyint }
}
extension Int16: VectorElement {
  /// SMALLINT.
  public static func matches(_ type: LogicalType) -> Bool { type == .smallint }
}
extension Int32: VectorElement {
  /// INTEGER; DATE in days since 1970-01-01.
  public static func matches(_ type: LogicalType) -> Bool { type == .integer || type == .date }
}
extension Int64: VectorElement {
  /// BIGINT; TIME, TIMESTAMP (any unit) as their counts since midnight or 1970.
  public static func matches(_ type: LogicalType) -> Bool {
    switch type {
    case .bigint, .time, .timeNanoseconds, .timestamp, .timestampTZ, .timestampSeconds, .timestampMilliseconds,
      .timestampNanoseconds:
      true
    default: false
    }
  }
}
extension UInt8: VectorElement {
  /// UTINYINT.
  public static func matches(_ type: LogicalType) -> Bool { type == .utinyint }
}
extension UInt16: VectorElement {
  /// USMALLINT.
  public static func matches(_ type: LogicalType) -> Bool { type == .usmallint }
}
extension UInt32: VectorElement {
  /// UINTEGER.
  public static func matches(_ type: LogicalType) -> Bool { type == .uinteger }
}
extension UInt64: VectorElement {
  /// UBIGINT.
  public static func matches(_ type: LogicalType) -> Bool { type == .ubigint }
}
extension Float: VectorElement {
  /// FLOAT.
  public static func matches(_ type: LogicalType) -> Bool { type == .float }
}
extension Double: VectorElement {
  /// DOUBLE.
  public static func matches(_ type: LogicalType) -> Bool { type == .double }
}

/// Which rows of a vector are not NULL. Valid while the vector it came from is.
public struct Validity {
  private let words: UnsafePointer<UInt64>?

  init(_ words: UnsafePointer<UInt64>?) { self.words = words }

  /// Whether no row is NULL (known without looking at the rows).
  public var allValid: Bool { words == nil }

  /// Whether `row` is not NULL.
  @inline(__always)
  public func isValid(_ row: Int) -> Bool {
    guard let words else { return true }
    return words[row >> 6] & (1 << UInt64(row & 63)) != 0
  }
}

/// One column of a chunk or of a function's input.
public struct VectorView {
  private let raw: duckdb_vector?
  private let owner: AnyObject?
  /// The column's type.
  public let type: LogicalType
  /// Rows.
  public let rowCount: Int

  init(_ raw: duckdb_vector?, _ type: LogicalType, rowCount: Int, owner: AnyObject?) {
    self.raw = raw
    self.type = type
    self.rowCount = rowCount
    self.owner = owner
  }

  /// Which rows are not NULL.
  public func withValidity<R, E: Error>(_ body: (Validity) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(owner) {} }
    return try body(Validity(UnsafePointer(duckdb_vector_get_validity(raw))))
  }

  /// The values in place; a NULL row's value means nothing. Neither argument may leave `body`.
  ///
  /// - Throws: `.usage` if the column does not hold `Element`s.
  public func withValues<Element: VectorElement, R>(
    as: Element.Type, _ body: (UnsafeBufferPointer<Element>, Validity) throws -> R
  ) throws -> R {
    guard Element.matches(type) else {
      throw DuckDBError(.usage, "a column of type \(type) does not hold \(Element.self) values")
    }
    defer { withExtendedLifetime(owner) {} }
    let start = duckdb_vector_get_data(raw)?.assumingMemoryBound(to: Element.self)
    let validity = Validity(UnsafePointer(duckdb_vector_get_validity(raw)))
    return try body(UnsafeBufferPointer(start: start, count: start == nil ? 0 : rowCount), validity)
  }

  /// The UTF-8 bytes of every row of a VARCHAR, JSON or BLOB column, in order; nil for NULL.
  ///
  /// - Throws: `.usage` for another type.
  public func forEachString(_ body: (Int, UnsafeRawBufferPointer?) throws -> Void) throws {
    guard type == .varchar || type == .json || type == .blob else {
      throw DuckDBError(.usage, "a column of type \(type) does not hold strings")
    }
    defer { withExtendedLifetime(owner) {} }
    guard let strings = duckdb_vector_get_data(raw)?.assumingMemoryBound(to: duckdb_string_t.self) else { return }
    let validity = Validity(UnsafePointer(duckdb_vector_get_validity(raw)))
    for row in 0..<rowCount {
      try body(row, validity.isValid(row) ? bytes(of: strings + row) : nil)
    }
  }

  /// Where the elements of each row of a LIST column lie in `elements`; nil for NULL.
  ///
  /// - Throws: `.usage` for another type.
  public func lists() throws -> (ranges: [Range<Int>?], elements: VectorView) {
    guard case .list(let element) = type else {
      throw DuckDBError(.usage, "a column of type \(type) does not hold lists")
    }
    let elements = VectorView(
      duckdb_list_vector_get_child(raw), element, rowCount: Int(duckdb_list_vector_get_size(raw)), owner: owner)
    guard let entries = duckdb_vector_get_data(raw)?.assumingMemoryBound(to: duckdb_list_entry.self) else {
      return ([], elements)
    }
    let validity = Validity(UnsafePointer(duckdb_vector_get_validity(raw)))
    let ranges = (0..<rowCount).map { row -> Range<Int>? in
      guard validity.isValid(row) else { return nil }
      let start = Int(entries[row].offset)
      return start..<start + Int(entries[row].length)
    }
    return (ranges, elements)
  }

  /// Numbers as 32-bit floats into a matrix: row `r` goes to `matrix[r * stride + offset]`, NULL becomes NaN.
  ///
  /// - Throws: `.usage` for a column that is not numeric or BOOLEAN (cast it in the SQL), or a matrix too small.
  public func gather(into matrix: UnsafeMutableBufferPointer<Float>, stride: Int, offset: Int) throws {
    guard rowCount == 0 || (rowCount - 1) * stride + offset < matrix.count else {
      throw DuckDBError(.usage, "a matrix of \(matrix.count) numbers does not take \(rowCount) rows of \(stride)")
    }
    func fill<Element: VectorElement>(_: Element.Type, _ convert: (Element) -> Float) throws {
      try withValues(as: Element.self) { values, validity in
        var place = offset
        if validity.allValid {
          for value in values {
            matrix[place] = convert(value)
            place += stride
          }
        } else {
          for row in values.indices {
            matrix[place] = validity.isValid(row) ? convert(values[row]) : .nan
            place += stride
          }
        }
      }
    }
    switch type {
    case .double: try fill(Double.self) { Float($0) }
    case .float: try fill(Float.self) { $0 }
    case .bigint: try fill(Int64.self) { Float($0) }
    case .integer: try fill(Int32.self) { Float($0) }
    case .smallint: try fill(Int16.self) { Float($0) }
    case .tinyint: try fill(Int8.self) { Float($0) }
    case .ubigint: try fill(UInt64.self) { Float($0) }
    case .uinteger: try fill(UInt32.self) { Float($0) }
    case .usmallint: try fill(UInt16.self) { Float($0) }
    case .utinyint: try fill(UInt8.self) { Float($0) }
    case .boolean: try fill(Bool.self) { $0 ? 1 : 0 }
    default: throw DuckDBError(.usage, "a column of type \(type) is not a feature; cast it to DOUBLE in the SQL")
    }
  }
}

/// The bytes behind a DuckDB string, valid while its vector is. Up to 12 bytes lie inside the string itself.
@inline(__always)
func bytes(of string: UnsafeMutablePointer<duckdb_string_t>) -> UnsafeRawBufferPointer {
  let length = Int(string.pointee.value.inlined.length)
  if length <= 12 {
    return UnsafeRawBufferPointer(start: UnsafeRawPointer(string).advanced(by: 4), count: length)
  }
  return UnsafeRawBufferPointer(start: string.pointee.value.pointer.ptr, count: length)
}
