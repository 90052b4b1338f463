internal import DuckDB
public import Kafka

extension KafkaError: RetriableError {}

/// The records of a Kafka topic: partition and offset are Kafka's own, the source's name is the topic's.
///
/// All partitions are read, those too that are added to the topic while this runs. Positions come from the tables; the
/// group's committed offsets are written for lag tools and never read.
public final class KafkaSource: RecordSource {
  /// How a topic is read.
  public struct Options: Sendable {
    /// Longer records are flagged oversize, in bytes.
    public var maxRecordBytes = RecordBatch.defaultMaxRecordBytes
    /// What to do when retention has deleted records before they were read: false throws `offsetOutOfRange`, true gives
    /// one record flagged missing at the first lost offset and goes on at the oldest record that is left.
    public var acceptsGaps = false
    /// How often the topic is looked at for new partitions.
    public var partitionRefresh: Duration = .seconds(30)

    /// The options of a topic that is not told otherwise.
    public init() {}
  }

  /// The topic that is read.
  public let topic: String

  private let configuration: KafkaConfiguration
  private let options: Options
  private var consumer: KafkaConsumer?
  private var positions: [Int32: Int64] = [:]
  private var partitions: Set<Int32> = []
  private var gaps: [Int32: Range<Int64>] = [:]
  private var committed: [Int32: Int64] = [:]
  private var lastRefresh = ContinuousClock.now
  private var spare: RecordBatch?

  /// A source for this topic. Does not contact the brokers yet.
  ///
  /// - Parameter group: the consumer group under which lag tools see the progress; `group.id` of the properties wins.
  public init(topic: String, configuration: KafkaConfiguration, group: String, options: Options = Options()) {
    self.topic = topic
    self.configuration = {
      var configuration = configuration
      if configuration.properties["group.id"] == nil { configuration.properties["group.id"] = group }
      return configuration
    }()
    self.options = options
  }

  /// Connects, checks that the topic holds these positions, and begins to fetch.
  ///
  /// - Throws: `KafkaError`: `brokerUnavailable` after the connect timeout, `unknownTopic`, `offsetOutOfRange`,
  ///   authentication and authorization errors.
  public func start(from positions: [Int32: Int64]) throws {
    consumer = nil
    let consumer = try KafkaConsumer(topic: topic, configuration)
    let partitions = Set(try consumer.partitions())
    var begin: [Int32: KafkaPosition] = [:]
    var gaps: [Int32: Range<Int64>] = [:]
    for partition in partitions { begin[partition] = .beginning }
    for (partition, wanted) in positions {
      guard partitions.contains(partition) else {
        throw KafkaError.missingPartition(topic: topic, partition: partition, count: partitions.count)
      }
      let start = try consumer.beginning(partition: partition, at: wanted, acceptsGaps: options.acceptsGaps)
      begin[partition] = .offset(start)
      if start > wanted { gaps[partition] = wanted..<start }
    }
    try consumer.assign(begin)
    self.consumer = consumer
    self.positions = positions
    self.partitions = partitions
    self.gaps = gaps
    committed = [:]
    lastRefresh = .now
  }

  /// The next records of all partitions.
  ///
  /// - Throws: `KafkaError`; `offsetOutOfRange` names the partition, the offset that was wanted and what the broker
  ///   holds. After an error that is not retriable the source gives nothing more until `start`.
  public func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch? {
    guard let consumer else { return nil }
    try refreshPartitions(consumer)
    let batch = try emptyBatch()
    let source = try batch.source(topic)
    if !gaps.isEmpty { return try gapBatch(batch, source) }
    var failure: DuckDBError?
    let span = try consumer.consume(maxRecords: limit.records, maxBytes: limit.bytes, deadline: deadline) { record in
      guard failure == nil else { return }
      do throws(DuckDBError) {
        try batch.append(
          record.payload, source: source, partition: record.partition, offset: record.offset,
          maxRecordBytes: options.maxRecordBytes)
      } catch {
        failure = error
      }
    }
    if let failure {
      // The consumer has moved past records that no batch holds: only a new start is safe.
      self.consumer = nil
      throw failure
    }
    guard span.records > 0 else { return nil }
    var first = span.first
    for partition in span.first.keys { first[partition] = positions[partition] ?? span.first[partition] }
    positions.merge(span.next) { _, new in new }
    var given = SourceBatch(records: batch, first: first, next: span.next, hasMore: span.isFull)
    given.oldestArrival = span.oldestTimestamp.map { $0 * 1_000 }
    return given
  }

  /// Tells lag tools, without waiting for the broker.
  public func didCommit(_ positions: [Int32: Int64]) {
    committed.merge(positions) { _, new in new }
    consumer?.commit(positions)
  }

  /// True if every partition was read to its end; asks the brokers.
  public func isExhausted() throws -> Bool {
    guard let consumer else { return true }
    return try gaps.isEmpty && consumer.isAtEnd()
  }

  /// Records known to wait in all partitions; nil if nothing is known yet. Asks no broker.
  public func waitingRecords() -> Int64? { consumer?.knownLag() }

  /// Writes the last committed positions for lag tools (waits two seconds at most) and disconnects.
  public func close() {
    if let consumer, !committed.isEmpty { consumer.commit(committed, timeout: .seconds(2)) }
    consumer = nil
  }

  private func refreshPartitions(_ consumer: KafkaConsumer) throws {
    guard ContinuousClock.now - lastRefresh >= options.partitionRefresh else { return }
    lastRefresh = .now
    do throws(KafkaError) {
      let added = Set(try consumer.partitions()).subtracting(partitions)
      guard !added.isEmpty else { return }
      try consumer.assignMore(Dictionary(uniqueKeysWithValues: added.map { ($0, .beginning) }))
      partitions.formUnion(added)
    } catch {
      // During an outage reading itself reports it.
      guard error.isRetriable else { throw error }
    }
  }

  private func gapBatch(_ batch: RecordBatch, _ source: Int) throws -> SourceBatch {
    let records = try SourceBatch(gaps: gaps, into: batch, source: source)
    positions.merge(records.next) { _, new in new }
    gaps = [:]
    return records
  }

  /// A batch to fill: the last one again if nobody else holds it any more, so that its memory serves on.
  private func emptyBatch() throws -> RecordBatch {
    if spare != nil, isKnownUniquelyReferenced(&spare), let batch = spare, (try? batch.removeAll()) != nil {
      return batch
    }
    let batch = RecordBatch()
    spare = batch
    return batch
  }
}

extension KafkaConsumer {
  /// Where to begin when `wanted` is the next offset: there, or at the oldest record that is left.
  ///
  /// - Throws: `offsetOutOfRange` if retention has deleted records before they were read and gaps are not accepted.
  func beginning(partition: Int32, at wanted: Int64, acceptsGaps: Bool) throws(KafkaError) -> Int64 {
    let available = try watermarks(partition: partition)
    guard wanted < available.lowerBound else { return wanted }
    guard acceptsGaps else {
      throw KafkaError.lostOffsets(topic: topic, partition: partition, wanted: wanted, available: available)
    }
    return available.lowerBound
  }
}

extension SourceBatch {
  /// One record flagged missing for each gap.
  init(gaps: [Int32: Range<Int64>], into batch: RecordBatch, source: Int) throws {
    for (partition, gap) in gaps.sorted(by: { $0.key < $1.key }) {
      try batch.appendMissing(source: source, partition: partition, offset: gap.lowerBound)
    }
    self.init(
      records: batch, first: gaps.mapValues(\.lowerBound), next: gaps.mapValues(\.upperBound), hasMore: true)
  }
}
