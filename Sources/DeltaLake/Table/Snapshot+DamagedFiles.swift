internal import DuckDB

extension Snapshot {
  /// The first data file that is not whole, told as an error; nil if every one can be read to its end.
  ///
  /// An engine that fails over many files does not always say at which. This reads each by itself, every column of it.
  public func damage() -> DeltaError? {
    for file in files {
      do {
        let path = try localPath(file.path)
        _ = try Engine.connect().query(
          "SELECT count(hash(f)) FROM read_parquet(\(Engine.list([path])), hive_partitioning = false) AS f")
      } catch {
        return DeltaError(
          .storage, "\(location): the data file \(file.path) cannot be read",
          hint: "restore it from a backup, or have the table made again (lakeward replay, lakeward refresh)")
      }
    }
    return nil
  }
}
