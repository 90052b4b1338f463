internal import CDuckDB

/// A table function that scans whatever batch is bound to it, with the columns `raw` VARCHAR, `raw_encoding` VARCHAR,
/// `source` VARCHAR, `partition` INTEGER and `offset` BIGINT (quote the last two in SQL).
///
/// Threads take pieces of 20,480 records; only the columns that a statement needs are made, and `raw` is not copied.
/// DuckDB runs a scan on several threads where the statement need not keep the order of rows: set
/// `preserve_insertion_order` to false for `COPY` and `CREATE TABLE … AS`.
public final class RecordBatchScan: Sendable {
  // The C object locks itself.
  private nonisolated(unsafe) let raw: OpaquePointer
  /// Name of the table function.
  public let name: String

  fileprivate init(_ name: String, on connection: Connection) throws(DuckDBError) {
    guard let raw = lakeward_scan_create() else {
      throw DuckDBError(.outOfMemory, "no memory for the table function \(name)")
    }
    self.raw = raw
    self.name = name
    guard lakeward_scan_register(connection.raw, name, raw) == DuckDBSuccess else {
      throw DuckDBError(.catalog, "the table function \(name) could not be registered: the name may be taken")
    }
  }

  deinit { lakeward_scan_release(raw) }

  /// Statements that begin from now on read `batch`, which stays alive while it is bound or scanned, and read-only.
  public func bind(_ batch: RecordBatch) {
    batch.seal()
    lakeward_scan_bind(raw, batch.raw)
  }

  /// Statements that begin from now on read no rows.
  public func clear() { lakeward_scan_bind(raw, nil) }
}

extension Connection {
  /// Makes the table function `name()` known to every connection of the database.
  ///
  /// - Throws: the name is taken.
  public func registerRecordBatch(name: String) throws(DuckDBError) -> RecordBatchScan {
    try RecordBatchScan(name, on: self)
  }
}
