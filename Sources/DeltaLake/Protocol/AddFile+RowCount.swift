extension AddFile {
  /// Rows in the file, deleted ones included; nil if its statistics do not say or still lie in a checkpoint.
  public var rowCount: Int64? {
    guard case .text(let text) = statistics else { return nil }
    return FileStatistics.numRecords(text)
  }
}
