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
  private let options: KafkaSource.Options
  private var consumer: KafkaConsumer?
  /// Partitions that are being read.
  private var reading: Set<Int32> = []
  /// Partitions that the group has assigned and of which the runner knows: it repairs the tables before `start`.
  private var announced: Set<Int32> = []
  private var positions: [Int32: Int64] = [:]
  private var gaps: [Int32: Range<Int64>] = [:]
  private var committed: [Int32: Int64] = [:]
  private var hasJoined = false
  private var spare: RecordBatch?

  /// A source for this topic. Does not contact the brokers yet.
  ///
  /// - Parameter group: the consumer group; `group.id` of the properties wins.
  public init(
    topic: String, configuration: KafkaConfiguration, group: String,
    options: KafkaSource.Options = KafkaSource.Options()
  ) {
    self.topic = topic
    self.configuration = {
      var configuration = configuration
      if configuration.properties["group.id"] == nil { configuration.properties["group.id"] = group }
      return configuration
    }()
    self.options = options
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
    gaps = [:]
    self.positions = [:]
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
      let start = try consumer.beginning(partition: partition, at: wanted, acceptsGaps: options.acceptsGaps)
      begin[partition] = .offset(start)
      self.positions[partition] = wanted
      if start > wanted { gaps[partition] = wanted..<start }
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
      let batch = try emptyBatch()
      let source = try batch.source(topic)
      if !gaps.isEmpty {
        let records = try SourceBatch(gaps: gaps, into: batch, source: source)
        positions.merge(records.next) { _, new in new }
        gaps = [:]
        return records
      }
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
      if span.records == 0 {
        guard consumer.groupChange != nil else { return nil }
        continue
      }
      var first = span.first
      for partition in span.first.keys { first[partition] = positions[partition] ?? span.first[partition] }
      positions.merge(span.next) { _, new in new }
      return SourceBatch(records: batch, first: first, next: span.next, hasMore: span.isFull)
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
      for partition in partitions {
        positions[partition] = nil
        gaps[partition] = nil
        committed[partition] = nil
      }
    }
  }

  /// Lag tools see the last positions of partitions that go, as nobody else will tell them for a while.
  private func tell(_ consumer: KafkaConsumer, _ partitions: Set<Int32>) {
    let last = committed.filter { partitions.contains($0.key) }
    if !last.isEmpty { consumer.commit(last, timeout: .milliseconds(500)) }
  }

  /// Tells lag tools, without waiting for the broker.
  public func didCommit(_ positions: [Int32: Int64]) {
    guard !positions.isEmpty else { return }
    committed.merge(positions) { _, new in new }
    consumer?.commit(positions)
  }

  /// True if the group has spoken and every partition of this process was read to its end; asks the brokers.
  public func isExhausted() throws -> Bool {
    guard let consumer else { return true }
    return try hasJoined && consumer.groupChange == nil && gaps.isEmpty && consumer.isAtEnd()
  }

  /// Records known to wait in this process's partitions; nil if nothing is known yet. Asks no broker.
  public func waitingRecords() -> Int64? { consumer?.knownLag() }

  /// Writes the last committed positions for lag tools (waits two seconds at most) and leaves the group.
  public func close() {
    if let consumer, !committed.isEmpty { consumer.commit(committed, timeout: .seconds(2)) }
    consumer = nil
    reading = []
    announced = []
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
