internal import CDuckDB

/// A vector to be filled: a function's result, or a column of an appended chunk. Valid for the call that gives it. All
/// rows begin as not NULL and with undefined values.
public struct VectorWriter: ~Copyable {
  private let vector: duckdb_vector?
  /// The column's type.
  public let type: LogicalType
  /// Rows to write.
  public let rowCount: Int

  init(_ vector: duckdb_vector?, _ type: LogicalType, rowCount: Int) {
    self.vector = vector
    self.type = type
    self.rowCount = rowCount
  }

  /// The values, to be written in place. The buffer may not leave `body`.
  ///
  /// - Throws: `.usage` if the column does not hold `Element`s.
  public func withValues<Element: VectorElement, R>(
    as: Element.Type, _ body: (UnsafeMutableBufferPointer<Element>) throws -> R
  ) throws -> R {
    guard Element.matches(type) else {
      throw DuckDBError(.usage, "a column of type \(type) does not hold \(Element.self) values")
    }
    let start = duckdb_vector_get_data(vector)?.assumingMemoryBound(to: Element.self)
    return try body(UnsafeMutableBufferPointer(start: start, count: start == nil ? 0 : rowCount))
  }

  /// Makes `row` NULL; of a STRUCT with all its fields, as DuckDB expects it.
  public func setNull(_ row: Int) {
    if case .structure(let fields) = type {
      for (index, field) in fields.enumerated() {
        VectorWriter(duckdb_struct_vector_get_child(vector, idx_t(index)), field.type, rowCount: rowCount).setNull(row)
      }
    }
    duckdb_vector_ensure_validity_writable(vector)
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), idx_t(row))
  }

  /// Makes every row NULL.
  public func setAllNull() {
    for row in 0..<rowCount { setNull(row) }
  }

  /// The vector of field `index` of a STRUCT, counted from 0.
  ///
  /// - Throws: `.usage` if the column is no structure or has no such field.
  public func field(_ index: Int) throws -> VectorWriter {
    guard case .structure(let fields) = type, fields.indices.contains(index) else {
      throw DuckDBError(.usage, "a column of type \(type) has no field \(index)")
    }
    return VectorWriter(duckdb_struct_vector_get_child(vector, idx_t(index)), fields[index].type, rowCount: rowCount)
  }

  /// Writes text into a row of a VARCHAR or JSON column.
  ///
  /// - Throws: `.usage` if the column holds something else.
  public func setString(_ text: String, at row: Int) throws {
    guard type == .varchar || type == .json else {
      throw DuckDBError(.usage, "a column of type \(type) does not hold text")
    }
    var text = text
    text.withUTF8 { $0.withMemoryRebound(to: CChar.self) { assign($0, row) } }
  }

  /// Writes bytes into a row of a BLOB column.
  ///
  /// - Throws: `.usage` if the column holds something else.
  public func setBytes(_ bytes: UnsafeRawBufferPointer, at row: Int) throws {
    guard type == .blob else {
      throw DuckDBError(.usage, "a column of type \(type) does not hold bytes")
    }
    bytes.withMemoryRebound(to: CChar.self) { assign($0, row) }
  }

  private func assign(_ bytes: UnsafeBufferPointer<CChar>, _ row: Int) {
    duckdb_unsafe_vector_assign_string_element_len(vector, idx_t(row), bytes.baseAddress, idx_t(bytes.count))
  }

  /// A row that is NULL in `input` becomes NULL here.
  func takeNulls(from input: duckdb_vector?) {
    guard let source = duckdb_vector_get_validity(input) else { return }
    duckdb_vector_ensure_validity_writable(vector)
    guard let target = duckdb_vector_get_validity(vector) else { return }
    for word in 0..<(rowCount + 63) / 64 { target[word] &= source[word] }
  }
}
