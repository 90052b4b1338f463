internal import CDuckDB
internal import Glibc

/// The columns of a CSV file, as its rows become JSON objects. Read-only after `init`.
public final class CSVColumns: @unchecked Sendable {
  /// One column.
  public struct Column: Sendable, Hashable {
    /// The key in the JSON object.
    public var key: String
    /// Whether `true` and `false`, in any case, are written as booleans; every other value is a string.
    public var isBoolean: Bool

    /// A column.
    public init(key: String, isBoolean: Bool = false) {
      self.key = key
      self.isBoolean = isBoolean
    }
  }

  /// The byte between two values.
  public let delimiter: UInt8
  private let columns: UnsafeMutableBufferPointer<lakeward_csv_column>

  /// Columns in the order of the file's header.
  public init(_ columns: [Column], delimiter: UInt8 = UInt8(ascii: ",")) {
    self.delimiter = delimiter
    self.columns = .allocate(capacity: columns.count)
    for (index, column) in columns.enumerated() {
      let text = Self.quoted(column.key) + ":"
      self.columns.initializeElement(
        at: index,
        to: lakeward_csv_column(key: strdup(text), key_length: text.utf8.count, is_boolean: column.isBoolean))
    }
  }

  deinit {
    for column in columns { free(UnsafeMutablePointer(mutating: column.key)) }
    columns.deallocate()
  }

  var raw: lakeward_csv {
    lakeward_csv(columns: columns.baseAddress, count: columns.count, delimiter: CChar(bitPattern: delimiter))
  }

  /// A JSON string (RFC 8259, section 7).
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// Position after the last line end of `bytes` that is outside quotes (`first`: the first one); nil if there is none.
  ///
  /// - Parameter state: 0 at the beginning of a row; what this leaves goes into the call for the bytes behind these.
  public static func rowEnd(
    in bytes: UnsafeRawBufferPointer, delimiter: UInt8, first: Bool = false, state: inout UInt8
  ) -> Int? {
    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    let end = lakeward_csv_row_end(start, bytes.count, CChar(bitPattern: delimiter), first, &state)
    return end == 0 ? nil : end
  }
}

extension RecordBatch {
  /// Splits CSV text (RFC 4180) at its rows into records: the JSON object of each row, every value a string.
  ///
  /// A value of no characters without quotes is left out of its object. Of a row that does not fit the columns the first line
  /// becomes a record with the encoding `badRow`, and the line behind it begins a row. Row `n` (from 0; blank lines count) has
  /// the offset `firstOffset + n`.
  ///
  /// - Throws: `.outOfMemory`; `.usage` for a batch that is bound.
  public func appendRows(
    in bytes: UnsafeRawBufferPointer, columns: CSVColumns, source: Int, partition: Int32 = 0, firstOffset: Int64,
    takeRest: Bool = false, maxRecordBytes: Int = defaultMaxRecordBytes, maxRecords: Int = .max,
    maxLines: Int = .max
  ) throws(DuckDBError) -> LineSplit {
    try checkOpen()
    var split = lakeward_split()
    var csv = columns.raw
    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    let origin = origin(source, partition, firstOffset, maxRecordBytes, maxRecords, maxLines)
    guard lakeward_batch_split_csv(raw, start, bytes.count, takeRest, &csv, origin, &split) else {
      throw RecordBatch.outOfMemory
    }
    return LineSplit(consumedBytes: Int(split.consumed), lines: Int(split.lines), records: Int(split.records))
  }
}
