internal import CDuckDB

/// A micro-batch of raw source records, which DuckDB scans in place through a `RecordBatchScan`.
///
/// One thread fills it; from the first `RecordBatchScan.bind` on it is read-only (appending throws `.usage`), until it
/// is bound nowhere and `removeAll()` empties it for the next use. `@unchecked Sendable` on these grounds.
public final class RecordBatch: @unchecked Sendable {
  /// How `raw` stands for a record's bytes; the words of the column `raw_encoding`.
  public enum Encoding: String, Sendable, Hashable, CaseIterable {
    /// The bytes as they came.
    case utf8 = "utf-8"
    /// The bytes are not UTF-8; the text is their base64.
    case base64
    /// The bytes vanished before they were read; there is no text.
    case missing
    /// Longer than allowed; the text is whole.
    case oversize
    /// Longer than allowed and not UTF-8; the text is base64 of the whole.
    case oversizeBase64 = "oversize-base64"
    /// A line of a CSV file that does not fit the file's header, as it came.
    case badRow = "bad-row"
    /// The file is not what its name says; there is no text.
    case unreadable
  }

  /// What `appendLines` took.
  public struct LineSplit: Sendable, Hashable {
    /// Bytes up to and with the last line taken; the rest is an unfinished line.
    public var consumedBytes: Int
    /// Lines taken, blank ones included: the next line's offset is `firstOffset + lines`.
    public var lines: Int
    /// Records appended.
    public var records: Int
  }

  /// One record, for tests and messages; the engine reads batches through SQL.
  public struct Record: Sendable, Hashable {
    /// The column `raw`.
    public var raw: String?
    /// The column `raw_encoding`.
    public var encoding: Encoding
    /// The source's name.
    public var source: String
    /// Partition of the coordinate.
    public var partition: Int32
    /// Offset of the coordinate.
    public var offset: Int64
  }

  /// The longest record in bytes, 1 GiB.
  public static let longestRecord = 1 << 30
  /// Longer records are flagged oversize; 16 MiB unless told.
  public static let defaultMaxRecordBytes = 16 << 20

  let raw: OpaquePointer
  private var sourceIndexes: [String: UInt32] = [:]
  private(set) var isSealed = false

  /// An empty batch.
  public init() {
    guard let raw = lakeward_batch_create() else {
      // Some hundred bytes cannot be had: Swift's own allocations trap in this state too.
      preconditionFailure("out of memory")
    }
    self.raw = raw
  }

  deinit { lakeward_batch_release(raw) }

  /// Number of records.
  public var count: Int { Int(lakeward_batch_count(raw)) }

  /// Bytes of all records' texts.
  public var byteCount: Int { Int(lakeward_batch_bytes(raw)) }

  /// Whether there is no record.
  public var isEmpty: Bool { count == 0 }

  /// The number of a source's name (a topic, a file) in this batch, for the appends. The same name gets the same number.
  public func source(_ name: String) throws(DuckDBError) -> Int {
    if let known = sourceIndexes[name] { return Int(known) }
    try checkOpen()
    var index: UInt32 = 0
    var text = name
    let done = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { lakeward_batch_add_source(raw, $0.baseAddress, $0.count, &index) }
    }
    guard done else { throw RecordBatch.outOfMemory }
    sourceIndexes[name] = index
    return Int(index)
  }

  /// Splits NDJSON bytes at line ends into records, copying the bytes once.
  ///
  /// A trailing `\r` is dropped; blank lines are skipped but counted, so that line `n` (from 0) always has the offset
  /// `firstOffset + n`.
  ///
  /// - Parameters:
  ///   - bytes: the text; it need not be UTF-8.
  ///   - source: a number from `source(_:)`.
  ///   - takeRest: whether the bytes after the last `\n` are a line too.
  ///   - maxRecords: stops after so many records,
  ///   - maxLines: or after so many lines.
  /// - Throws: `.outOfMemory`; `.usage` for a line over `longestRecord` or a batch that is bound.
  public func appendLines(
    in bytes: UnsafeRawBufferPointer, source: Int, partition: Int32 = 0, firstOffset: Int64,
    takeRest: Bool = false, maxRecordBytes: Int = defaultMaxRecordBytes, maxRecords: Int = .max, maxLines: Int = .max
  ) throws(DuckDBError) -> LineSplit {
    try checkOpen()
    let origin = origin(source, partition, firstOffset, maxRecordBytes, maxRecords, maxLines)
    return try split(bytes, copy: true, takeRest: takeRest, origin)
  }

  /// As `appendLines(in: UnsafeRawBufferPointer, …)`.
  public func appendLines(
    in bytes: [UInt8], source: Int, partition: Int32 = 0, firstOffset: Int64,
    takeRest: Bool = false, maxRecordBytes: Int = defaultMaxRecordBytes
  ) throws(DuckDBError) -> LineSplit {
    try bytes.span.bytes.withUnsafeBytes { bytes throws(DuckDBError) in
      try appendLines(
        in: bytes, source: source, partition: partition, firstOffset: firstOffset, takeRest: takeRest,
        maxRecordBytes: maxRecordBytes)
    }
  }

  /// Reads bytes straight into the batch, without a copy, and splits them as `appendLines(in:)` does.
  ///
  /// - Parameters:
  ///   - byteCount: room for `read`.
  ///   - read: writes bytes (from a file) and returns their number, at most `byteCount`.
  public func appendLines(
    reading byteCount: Int, source: Int, partition: Int32 = 0, firstOffset: Int64,
    takeRest: Bool = false, maxRecordBytes: Int = defaultMaxRecordBytes, maxRecords: Int = .max,
    _ read: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws -> LineSplit {
    try checkOpen()
    guard byteCount > 0 else { return LineSplit(consumedBytes: 0, lines: 0, records: 0) }
    guard let room = lakeward_batch_reserve(raw, byteCount) else { throw RecordBatch.outOfMemory }
    let count = try read(UnsafeMutableRawBufferPointer(start: room, count: byteCount))
    guard (0...byteCount).contains(count) else {
      throw DuckDBError(.usage, "a reader reported \(count) bytes in a buffer of \(byteCount)")
    }
    let origin = origin(source, partition, firstOffset, maxRecordBytes, maxRecords)
    return try split(UnsafeRawBufferPointer(start: room, count: count), copy: false, takeRest: takeRest, origin)
  }

  /// Appends one record, copying its bytes.
  ///
  /// - Throws: `.outOfMemory`; `.usage` for a record over `longestRecord` or a batch that is bound.
  public func append(
    _ bytes: UnsafeRawBufferPointer, source: Int, partition: Int32, offset: Int64,
    maxRecordBytes: Int = defaultMaxRecordBytes
  ) throws(DuckDBError) {
    try checkOpen()
    guard bytes.count <= RecordBatch.longestRecord else { throw RecordBatch.tooLong(offset) }
    let origin = origin(source, partition, offset, maxRecordBytes)
    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    guard lakeward_batch_append(raw, start, bytes.count, false, LAKEWARD_UTF8, origin) else {
      throw RecordBatch.outOfMemory
    }
  }

  /// As `append(_: UnsafeRawBufferPointer, …)`.
  public func append(
    _ bytes: [UInt8], source: Int, partition: Int32, offset: Int64, maxRecordBytes: Int = defaultMaxRecordBytes
  ) throws(DuckDBError) {
    try bytes.span.bytes.withUnsafeBytes { bytes throws(DuckDBError) in
      try append(bytes, source: source, partition: partition, offset: offset, maxRecordBytes: maxRecordBytes)
    }
  }

  /// Appends a record whose bytes vanished before they were read: `raw` NULL, `raw_encoding` `missing`.
  public func appendMissing(source: Int, partition: Int32, offset: Int64) throws(DuckDBError) {
    try append(without: LAKEWARD_MISSING, origin(source, partition, offset, 0))
  }

  /// Appends a record that stands for a file which is not what its name says: `raw` NULL, `raw_encoding` `unreadable`.
  public func appendUnreadable(source: Int, partition: Int32, offset: Int64) throws(DuckDBError) {
    try append(without: LAKEWARD_UNREADABLE, origin(source, partition, offset, 0))
  }

  private func append(without text: lakeward_encoding, _ origin: lakeward_origin) throws(DuckDBError) {
    try checkOpen()
    guard lakeward_batch_append(raw, nil, 0, true, text, origin) else { throw RecordBatch.outOfMemory }
  }

  /// Empties the batch and keeps its memory for the next use.
  ///
  /// - Throws: `.usage` while it is bound or a statement still scans it.
  public func removeAll() throws(DuckDBError) {
    guard lakeward_batch_is_unshared(raw) else {
      throw DuckDBError(.usage, "a record batch cannot be emptied while it is bound or scanned")
    }
    lakeward_batch_reset(raw)
    sourceIndexes = [:]
    isSealed = false
  }

  /// The record at `index`.
  public subscript(index: Int) -> Record {
    precondition(index >= 0 && index < count, "record \(index) of \(count)")
    let record = lakeward_batch_records(raw)[index]
    var length = 0
    let name = lakeward_batch_source(raw, record.source, &length)
    return Record(
      raw: record.text.map { RecordBatch.text($0, Int(record.length)) },
      encoding: Encoding.allCases[Int(record.encoding)],
      source: name.map { RecordBatch.text($0, length) } ?? "",
      partition: record.partition, offset: record.offset)
  }

  func seal() { isSealed = true }

  private func split(
    _ bytes: UnsafeRawBufferPointer, copy: Bool, takeRest: Bool, _ origin: lakeward_origin
  ) throws(DuckDBError) -> LineSplit {
    var split = lakeward_split()
    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
    guard lakeward_batch_split(raw, start, bytes.count, copy, takeRest, origin, &split) else {
      throw bytes.count > RecordBatch.longestRecord
        ? RecordBatch.tooLong(origin.first_offset + Int64(split.lines)) : RecordBatch.outOfMemory
    }
    return LineSplit(consumedBytes: Int(split.consumed), lines: Int(split.lines), records: Int(split.records))
  }

  func origin(
    _ source: Int, _ partition: Int32, _ offset: Int64, _ longest: Int, _ maxRecords: Int = .max, _ maxLines: Int = .max
  ) -> lakeward_origin {
    lakeward_origin(
      first_offset: offset, max_length: UInt64(max(0, longest)), partition: partition,
      source: UInt32(clamping: source), max_records: UInt64(max(0, maxRecords)),
      max_lines: UInt64(max(0, maxLines)))
  }

  func checkOpen() throws(DuckDBError) {
    guard !isSealed else {
      throw DuckDBError(.usage, "a record batch takes no more records once it was bound; call removeAll() first")
    }
  }

  private static func text(_ start: UnsafePointer<CChar>, _ length: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
  }

  static var outOfMemory: DuckDBError { DuckDBError(.outOfMemory, "no memory for the record batch") }

  private static func tooLong(_ offset: Int64) -> DuckDBError {
    DuckDBError(.usage, "the record at offset \(offset) is longer than \(longestRecord) bytes")
  }
}
