import DuckDB
import Streaming

/// Records in memory, by partition; offsets are places in the arrays.
final class MemorySource: RecordSource {
  private let partitions: [Int32: [String]]
  private var positions: [Int32: Int64] = [:]
  private(set) var committed: [Int32: Int64] = [:]

  init(_ partitions: [Int32: [String]]) { self.partitions = partitions }

  func start(from positions: [Int32: Int64]) { self.positions = positions }

  func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch? {
    let batch = RecordBatch()
    let source = try batch.source("memory")
    var first: [Int32: Int64] = [:]
    var next: [Int32: Int64] = [:]
    for (partition, records) in partitions.sorted(by: { $0.key < $1.key }) {
      let start = Int(positions[partition] ?? 0)
      let end = min(records.count, start + limit.records - batch.count)
      guard start < end else { continue }
      for offset in start..<end {
        try batch.append(Array(records[offset].utf8), source: source, partition: partition, offset: Int64(offset))
      }
      first[partition] = Int64(start)
      next[partition] = Int64(end)
      positions[partition] = Int64(end)
    }
    return batch.isEmpty ? nil : SourceBatch(records: batch, first: first, next: next)
  }

  func didCommit(_ positions: [Int32: Int64]) { committed.merge(positions) { $1 } }

  func isExhausted() -> Bool { partitions.allSatisfy { (positions[$0.key] ?? 0) >= Int64($0.value.count) } }

  func close() {}
}
