public import DuckDB

/// A source gives records with a coordinate (partition, offset) that never changes between runs.
///
/// A source is used from one thread at a time. The order of calls is `start`, then any mix of `next`, `didCommit` and
/// `isExhausted`, then `close`. `start` may be called again to go back to other positions (a commit that turned out
/// stale): what was given since is given again, with the same coordinates.
public protocol RecordSource: AnyObject {
  /// The partitions that this process reads and may repair; nil: all that there are, always.
  var ownedPartitions: Set<Int32>? { get }

  /// Begins reading at these next offsets; a partition that is missing here is read from its beginning.
  func start(from positions: [Int32: Int64]) throws

  /// The next records in order of offset within each partition, at most `limit` of them.
  ///
  /// Waits until `deadline` at the latest for the first record and does not wait for more records after it.
  /// Returns nil if there is nothing at the deadline. A single record larger than `limit.bytes` is given alone.
  func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch?

  /// The records before these positions are durable in every table: the source may tell lag tools or clean up.
  func didCommit(_ positions: [Int32: Int64])

  /// True if every record that the source holds now was given by `next`.
  func isExhausted() throws -> Bool

  /// What people should know since the last call, a line each, without any record's values.
  func takeNotices() -> [String]

  /// Records that are known to wait after those that were given, without asking anybody; nil if nothing is known.
  func waitingRecords() -> Int64?

  /// Frees connections and threads. The source cannot be used afterwards.
  func close()
}

extension RecordSource {
  /// All partitions, always.
  public var ownedPartitions: Set<Int32>? { nil }
  /// Nothing.
  public func takeNotices() -> [String] { [] }

  /// Nothing is known.
  public func waitingRecords() -> Int64? { nil }
}

/// Thrown by `next` when this process got partitions that another one may have read before: whatever was computed from the
/// tables is to be read from them again, and `start` called with their positions.
public struct PartitionsMoved: Error, Sendable, Hashable {
  /// The partitions that this process reads from now on.
  public var owned: Set<Int32>
}

/// The most that one micro-batch may hold.
public struct BatchLimit: Sendable, Hashable {
  /// Number of records.
  public var records: Int
  /// Sum of the record sizes in bytes.
  public var bytes: Int

  /// A limit of this many records and bytes.
  public init(records: Int = 200_000, bytes: Int = 256 << 20) {
    self.records = records
    self.bytes = bytes
  }
}

/// Records of one micro-batch with the span of offsets that they cover.
public struct SourceBatch {
  /// The raw records with their coordinates.
  public var records: RecordBatch
  /// For each partition in the batch, the offset at which the batch begins (inclusive).
  public var first: [Int32: Int64]
  /// For each partition in the batch, the position after it: the version of the Delta `txn` action.
  public var next: [Int32: Int64]
  /// True if the limit cut the batch: more records are there already, so there is no reason to wait for them.
  public var hasMore: Bool
  /// When the oldest record came to the source, microseconds since 1970; nil if the source does not know.
  public var oldestArrival: Int64?

  /// A batch of these records that covers `first ..< next` in each partition.
  public init(records: RecordBatch, first: [Int32: Int64], next: [Int32: Int64], hasMore: Bool = false) {
    self.records = records
    self.first = first
    self.next = next
    self.hasMore = hasMore
  }
}

/// An error that says whether the same call may succeed later without anybody changing anything.
public protocol RetriableError: Error {
  /// True after an outage that may pass: a continuous run reports it, waits (`RetryDelay`) and calls again.
  var isRetriable: Bool { get }
}

/// How long to wait before each next attempt: doubles from `first` to `longest`.
public struct RetryDelay: Sendable, Hashable {
  /// The wait before the first retry.
  public let first: Duration
  /// The wait that no later one exceeds.
  public let longest: Duration
  private var last: Duration?

  /// Delays from `first` to `longest`.
  public init(first: Duration = .milliseconds(500), longest: Duration = .seconds(30)) {
    self.first = first
    self.longest = longest
  }

  /// The wait before the next attempt.
  public mutating func next() -> Duration {
    let delay = last.map { min($0 * 2, longest) } ?? first
    last = delay
    return delay
  }

  /// Begins anew, after an attempt that succeeded.
  public mutating func reset() { last = nil }
}
