public import JSON

extension Snapshot {
  /// A live data file, with its statistics read.
  public struct FileDetails: Sendable {
    /// The file.
    public var file: AddFile
    /// Partition values by logical column name; nil is null.
    public var partitionValues: [(column: String, value: String?)]
    /// Rows that are not deleted; nil without statistics.
    public var rows: Int64?
    /// `numRecords`, `minValues`, `maxValues` and `nullCount` by physical column name; nil without statistics. The
    /// bounds are values of rows.
    public var statistics: JSONObject?
  }

  /// The live data files with what the log says about them, in the order of `files`.
  ///
  /// - Throws: a checkpoint that holds the statistics cannot be read.
  public func fileDetails() throws(DeltaError) -> [FileDetails] {
    var resolver = StatisticsResolver()
    var details: [FileDetails] = []
    for file in files {
      let text = try resolver.text(file.statistics)
      let statistics = text.flatMap { JSONValue(parsing: $0)?.object }
      let partitions = partitionColumns.map { name in
        let physical = schema[name]?.physicalName(columnMapping) ?? name
        return (column: name, value: file.partitionValues[physical] ?? nil)
      }
      let rows = statistics?["numRecords"]?.int.map { $0 - (file.deletionVector?.cardinality ?? 0) }
      details.append(FileDetails(file: file, partitionValues: partitions, rows: rows, statistics: statistics))
    }
    return details
  }
}
