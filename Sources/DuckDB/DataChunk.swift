internal import CDuckDB

/// Owns one `duckdb_data_chunk`; keeps the result whose memory its vectors may point into.
final class ChunkHandle {
  private(set) var raw: duckdb_data_chunk?
  private let result: ResultHandle?

  init(owning raw: duckdb_data_chunk?, of result: ResultHandle?) {
    self.raw = raw
    self.result = result
  }

  deinit { duckdb_destroy_data_chunk(&raw) }

  var rowCount: Int { Int(duckdb_data_chunk_get_size(raw)) }
}

/// Some rows of a result, column by column.
public struct DataChunk {
  /// The most rows that a chunk has (DuckDB's vector size).
  public static let capacity = Int(duckdb_vector_size())

  /// Rows in this chunk.
  public let rowCount: Int
  /// Names and types of the columns.
  public let columns: [Column]
  private let handle: ChunkHandle

  init(_ handle: ChunkHandle, _ columns: [Column]) {
    self.handle = handle
    self.columns = columns
    rowCount = handle.rowCount
  }

  /// The vector of column `index`, counted from 0.
  public func column(_ index: Int) -> VectorView {
    VectorView(
      duckdb_data_chunk_get_vector(handle.raw, idx_t(index)), columns[index].type, rowCount: rowCount, owner: handle)
  }

  func reader(_ index: Int) -> ValueReader {
    ValueReader(duckdb_data_chunk_get_vector(handle.raw, idx_t(index)), columns[index].type, owner: handle)
  }
}
