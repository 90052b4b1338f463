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
  private var records: TopicRecords
  private var partitions: Set<Int32> = []
  private var lastRefresh = ContinuousClock.now

  /// A source for this topic. Does not contact the brokers yet.
  ///
  /// - Parameter group: the consumer group under which lag tools see the progress; `group.id` of the properties wins.
  public init(topic: String, configuration: KafkaConfiguration, group: String, options: Options = Options()) {
    self.topic = topic
    self.configuration = TopicRecords.configuration(configuration, group: group)
    self.options = options
    records = TopicRecords(topic: topic, options: options)
  }

  /// Connects, checks that the topic holds these positions, and begins to fetch.
  ///
  /// - Throws: `KafkaError`: `brokerUnavailable` after the connect timeout, `unknownTopic`, `offsetOutOfRange`,
  ///   authentication and authorization errors.
  public func start(from positions: [Int32: Int64]) throws {
    consumer = nil
    let consumer = try KafkaConsumer(topic: topic, configuration)
    let partitions = Set(try consumer.partitions())
    var records = TopicRecords(topic: topic, options: options)
    var begin: [Int32: KafkaPosition] = [:]
    for partition in partitions { begin[partition] = .beginning }
    for (partition, wanted) in positions {
      guard partitions.contains(partition) else {
        throw KafkaError.missingPartition(topic: topic, partition: partition, count: partitions.count)
      }
      begin[partition] = try records.begin(partition, at: wanted, consumer)
    }
    try consumer.assign(begin)
    self.consumer = consumer
    self.partitions = partitions
    self.records = records
    lastRefresh = .now
  }

  /// The next records of all partitions.
  ///
  /// - Throws: `KafkaError`; `offsetOutOfRange` names the partition, the offset that was wanted and what the broker
  ///   holds. After an error that is not retriable the source gives nothing more until `start`.
  public func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch? {
    guard let consumer else { return nil }
    try refreshPartitions(consumer)
    do {
      return try records.take(from: consumer, limit: limit, deadline: deadline)
    } catch let error as DuckDBError {
      self.consumer = nil
      throw error
    }
  }

  /// Tells lag tools, without waiting for the broker.
  public func didCommit(_ positions: [Int32: Int64]) {
    records.didCommit(positions, consumer)
  }

  /// True if every partition was read to its end; asks the brokers.
  public func isExhausted() throws -> Bool {
    guard let consumer else { return true }
    return try records.gaps.isEmpty && consumer.isAtEnd()
  }

  /// Records known to wait in all partitions; nil if nothing is known yet. Asks no broker.
  public func waitingRecords() -> Int64? { consumer?.knownLag() }

  /// Writes the last committed positions for lag tools (waits two seconds at most) and disconnects.
  public func close() {
    if let consumer, !records.committed.isEmpty { consumer.commit(records.committed, timeout: .seconds(2)) }
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
}
