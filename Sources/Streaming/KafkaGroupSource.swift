internal import DuckDB
public import Kafka

/// A Kafka topic whose partitions several processes share: each reads those that the consumer group gives it.
///
/// Positions come from the tables at every assignment, never from the group's committed offsets, which are written for lag
/// tools only. Rebalancing is cooperative: a partition is given back between two micro-batches, after the one in hand is
/// committed, and its next owner reads the tables before it begins. A process that was taken for dead and comes back commits
/// nothing: its `txn` is stale.
public final class KafkaGroupSource: RecordSource {
  /// The topic that is read.
  public let topic: String

  private let configuration: KafkaConfiguration
  private var consumer: KafkaConsumer?
  /// Partitions that are being read.
  private var reading: Set<Int32> = []
  /// Partitions that the group has assigned and of which the runner knows: it repairs the tables before `start`.
  private var announced: Set<Int32> = []
  private var records: TopicRecords
  private var hasJoined = false

  /// A source for this topic. Does not contact the brokers yet.
  ///
  /// - Parameter group: the consumer group; `group.id` of the properties wins.
  public init(
    topic: String, configuration: KafkaConfiguration, group: String,
    options: KafkaSource.Options = KafkaSource.Options()
  ) {
    self.topic = topic
    self.configuration = TopicRecords.configuration(configuration, group: group)
    records = TopicRecords(topic: topic, options: options)
  }

  /// The partitions that are being read and those that the group has just assigned.
  public var ownedPartitions: Set<Int32>? {
    guard case .revoked(let lost, _) = consumer?.groupChange else { return reading.union(announced) }
    return reading.subtracting(lost)
  }

  /// Joins the group, or, if it has joined, reads all its partitions at these positions from now on.
  ///
  /// - Throws: `KafkaError`: `brokerUnavailable`, `unknownTopic`, `offsetOutOfRange`, authentication and authorization
  ///   errors.
  public func start(from positions: [Int32: Int64]) throws {
    guard let consumer else {
      let consumer = try KafkaConsumer(topic: topic, configuration, joinsGroup: true)
      // Tells of a wrong address, login or topic, which a group would wait for.
      _ = try consumer.partitions()
      try consumer.join()
      self.consumer = consumer
      hasJoined = false
      (reading, announced) = ([], [])
      return
    }
    records.restart()
    // After a stale commit the group may have taken partitions away already.
    try giveBack(consumer)
    try consumer.rewind(to: begin(reading, positions, consumer))
    // What nobody was told of yet is told by `next`, so that the tables are repaired first.
    guard case .assigned(let added) = consumer.groupChange, added == announced else { return }
    try consumer.accept(at: begin(added, positions, consumer))
    reading.formUnion(added)
    announced = []
    hasJoined = true
    // The owner before may not have been able to tell lag tools.
    didCommit(positions.filter { added.contains($0.key) })
  }

  private func begin(
    _ partitions: Set<Int32>, _ positions: [Int32: Int64], _ consumer: KafkaConsumer
  ) throws(KafkaError) -> [Int32: KafkaPosition] {
    var begin: [Int32: KafkaPosition] = [:]
    for partition in partitions {
      guard let wanted = positions[partition] else {
        begin[partition] = .beginning
        continue
      }
      begin[partition] = try records.begin(partition, at: wanted, consumer)
    }
    return begin
  }

  /// The next records of this process's partitions.
  ///
  /// - Throws: `PartitionsMoved` when the group has assigned partitions; `KafkaError` as `KafkaSource.next`.
  public func next(limit: BatchLimit, deadline: ContinuousClock.Instant) throws -> SourceBatch? {
    guard let consumer else { return nil }
    while true {
      try settle(consumer)
      do {
        if let batch = try records.take(from: consumer, limit: limit, deadline: deadline) { return batch }
      } catch let error as DuckDBError {
        self.consumer = nil
        throw error
      }
      guard consumer.groupChange != nil else { return nil }
    }
  }

  /// Carries out what the group wants, between two micro-batches: everything given is committed or dropped.
  private func settle(_ consumer: KafkaConsumer) throws {
    try giveBack(consumer)
    while case .assigned(let partitions) = consumer.groupChange {
      guard partitions.isEmpty else {
        announced = partitions
        throw PartitionsMoved(owned: reading.union(partitions))
      }
      try consumer.accept()
      hasJoined = true
      try giveBack(consumer)
    }
  }

  /// Gives back the partitions that the group has revoked.
  private func giveBack(_ consumer: KafkaConsumer) throws {
    while case .revoked(let partitions, let isLost) = consumer.groupChange {
      if !isLost { tell(consumer, partitions) }
      try consumer.accept()
      reading.subtract(partitions)
      announced = []
      records.forget(partitions)
    }
  }

  /// Lag tools see the last positions of partitions that go, as nobody else will tell them for a while.
  private func tell(_ consumer: KafkaConsumer, _ partitions: Set<Int32>) {
    let last = records.committed.filter { partitions.contains($0.key) }
    if !last.isEmpty { consumer.commit(last, timeout: .milliseconds(500)) }
  }

  /// Tells lag tools, without waiting for the broker.
  public func didCommit(_ positions: [Int32: Int64]) {
    records.didCommit(positions, consumer)
  }

  /// True if the group has spoken and every partition of this process was read to its end; asks the brokers.
  public func isExhausted() throws -> Bool {
    guard let consumer else { return true }
    return try hasJoined && consumer.groupChange == nil && records.gaps.isEmpty && consumer.isAtEnd()
  }

  /// Records known to wait in this process's partitions; nil if nothing is known yet. Asks no broker.
  public func waitingRecords() -> Int64? { consumer?.knownLag() }

  /// Writes the last committed positions for lag tools (waits two seconds at most) and leaves the group.
  public func close() {
    if let consumer, !records.committed.isEmpty { consumer.commit(records.committed, timeout: .seconds(2)) }
    consumer = nil
    reading = []
    announced = []
  }
}
