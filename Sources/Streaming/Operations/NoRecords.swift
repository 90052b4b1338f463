internal import DuckDB

/// A source that holds nothing: a run over it only brings tables level.
final class NoRecords: RecordSource {
  func start(from positions: [Int32: Int64]) {}
  func next(limit: BatchLimit, deadline: ContinuousClock.Instant) -> SourceBatch? { nil }
  func didCommit(_ positions: [Int32: Int64]) {}
  func isExhausted() -> Bool { true }
  func takeNotices() -> [String] { [] }
  func close() {}
}
