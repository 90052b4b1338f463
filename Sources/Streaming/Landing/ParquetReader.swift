internal import DuckDB
internal import Pipelines

/// Rows of a Parquet file as JSON objects, in the file's order.
///
/// A column becomes the field of the same key or name; times become ISO 8601 text and decimals text, so that the record's
/// parser takes them as it takes JSON.
final class ParquetReader: SplitReader {
  private let split: LandingSplit
  private let maxRecordBytes: Int
  private let partition: Int32
  private var rows: QueryResult
  private var chunk: DataChunk?
  private var chunkRow = 0
  private(set) var nextLine: Int64

  init(_ split: LandingSplit, _ reading: SplitReading, row: Int64) throws {
    self.split = split
    maxRecordBytes = reading.maxRecordBytes
    partition = reading.partition
    nextLine = row
    do {
      // An engine of its own keeps the file's order and does not meet the pipeline's statements.
      let connection = try Database(settings: ["threads": "1"]).connect()
      try connection.execute("SET TimeZone = 'UTC'")
      let file = "read_parquet(\(SQL.quote(literal: reading.directory.root + "/" + split.path)))"
      let columns = try connection.columns(of: "SELECT * FROM \(file)")
      let members = columns.map { Self.member($0, reading.fields) }
      rows = try connection.stream(
        "SELECT to_json(struct_pack(\(members.joined(separator: ", "))))::VARCHAR FROM \(file) OFFSET \(row)")
    } catch {
      throw Self.failure(error)
    }
  }

  func read(into batch: RecordBatch, source: Int, records: Int, bytes: Int) throws -> Bool {
    var left = records
    let before = batch.byteCount
    while left > 0, batch.byteCount - before < bytes {
      if chunk == nil {
        do {
          chunk = try rows.nextChunk()
        } catch {
          throw Self.failure(error)
        }
        chunkRow = 0
      }
      guard let chunk else { return true }
      let wanted = chunkRow..<min(chunk.rowCount, chunkRow + left)
      try chunk.column(0).forEachString { row, text in
        guard wanted.contains(row), let text else { return }
        try batch.append(
          text, source: source, partition: partition,
          offset: split.firstOffset + nextLine + Int64(row - wanted.lowerBound), maxRecordBytes: maxRecordBytes)
      }
      nextLine += Int64(wanted.count)
      left -= wanted.count
      chunkRow = wanted.upperBound
      if chunkRow == chunk.rowCount { self.chunk = nil }
    }
    return false
  }

  /// What a failure of the engine means: a full memory may pass, everything else is the file's fault.
  private static func failure(_ error: any Error) -> any Error {
    guard let error = error as? DuckDBError else { return error }
    return error.kind == .outOfMemory ? error : Unreadable()
  }

  private static func member(_ column: Column, _ fields: [RecordField]) -> String {
    let lower = column.name.lowercased()
    let field =
      fields.first { $0.field == column.name } ?? fields.first { $0.field.lowercased() == lower }
      ?? fields.first { $0.name.lowercased() == lower }
    let name = SQL.quote(identifier: column.name)
    let value =
      switch column.type {
      case .timestampTZ: "strftime(\(name), '%Y-%m-%dT%H:%M:%S.%fZ')"
      case .timestamp, .timestampSeconds, .timestampMilliseconds, .timestampNanoseconds:
        "strftime(CAST(\(name) AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%f')"
      case .decimal: "CAST(\(name) AS VARCHAR)"
      // Numbers and booleans stay what they are; everything else is text to JSON anyway.
      default: name
      }
    return "\(SQL.quote(identifier: field?.field ?? column.name)) := \(value)"
  }
}
