internal import DuckDB
internal import Kafka

/// What the two ways of reading a topic share: positions, gaps that retention has left, and batches to fill.
struct TopicRecords {
  let topic: String
  let options: KafkaSource.Options
  /// The next offset of each partition that has one.
  var positions: [Int32: Int64] = [:]
  /// Offsets that retention has deleted before they were read and that no batch has told of yet.
  private(set) var gaps: [Int32: Range<Int64>] = [:]
  /// What lag tools were told.
  private(set) var committed: [Int32: Int64] = [:]
  private var spare: RecordBatch?

  init(topic: String, options: KafkaSource.Options) {
    self.topic = topic
    self.options = options
  }

  /// The configuration with the group under which lag tools see the progress; `group.id` of the properties wins.
  static func configuration(_ configuration: KafkaConfiguration, group: String) -> KafkaConfiguration {
    var configuration = configuration
    configuration.properties["group.id"] = configuration.properties["group.id"] ?? group
    return configuration
  }

  /// Forgets where partitions stand.
  mutating func restart() {
    positions = [:]
    gaps = [:]
  }

  /// Forgets partitions that another process reads from now on.
  mutating func forget(_ partitions: Set<Int32>) {
    for partition in partitions {
      positions[partition] = nil
      gaps[partition] = nil
      committed[partition] = nil
    }
  }

  /// Where to begin in a partition whose next offset is `wanted`: there, or at the oldest record that is left.
  ///
  /// - Throws: `offsetOutOfRange` if retention has deleted records before they were read and gaps are not accepted.
  mutating func begin(
    _ partition: Int32, at wanted: Int64, _ consumer: KafkaConsumer
  ) throws(KafkaError) -> KafkaPosition {
    let available = try consumer.watermarks(partition: partition)
    positions[partition] = wanted
    guard wanted < available.lowerBound else { return .offset(wanted) }
    guard options.acceptsGaps else {
      throw KafkaError.lostOffsets(topic: topic, partition: partition, wanted: wanted, available: available)
    }
    gaps[partition] = wanted..<available.lowerBound
    return .offset(available.lowerBound)
  }

  /// The next records; nil if none came before the deadline.
  ///
  /// - Throws: `KafkaError`; `DuckDBError` if the consumer has moved past records that no batch holds, so that only a new
  ///   start is safe.
  mutating func take(
    from consumer: KafkaConsumer, limit: BatchLimit, deadline: ContinuousClock.Instant
  ) throws -> SourceBatch? {
    let batch = try emptyBatch()
    let source = try batch.source(topic)
    guard gaps.isEmpty else { return try takeGaps(into: batch, source) }
    var failure: DuckDBError?
    let longest = options.maxRecordBytes
    let span = try consumer.consume(maxRecords: limit.records, maxBytes: limit.bytes, deadline: deadline) { record in
      guard failure == nil else { return }
      do throws(DuckDBError) {
        try batch.append(
          record.payload, source: source, partition: record.partition, offset: record.offset, maxRecordBytes: longest)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    guard span.records > 0 else { return nil }
    var first = span.first
    for partition in span.first.keys { first[partition] = positions[partition] ?? span.first[partition] }
    positions.merge(span.next) { _, new in new }
    var given = SourceBatch(records: batch, first: first, next: span.next, hasMore: span.isFull)
    given.oldestArrival = span.oldestTimestamp.map { $0 * 1_000 }
    return given
  }

  /// One record flagged missing for each gap.
  private mutating func takeGaps(into batch: RecordBatch, _ source: Int) throws -> SourceBatch {
    for (partition, gap) in gaps.sorted(by: { $0.key < $1.key }) {
      try batch.appendMissing(source: source, partition: partition, offset: gap.lowerBound)
    }
    let given = SourceBatch(
      records: batch, first: gaps.mapValues(\.lowerBound), next: gaps.mapValues(\.upperBound), hasMore: true)
    positions.merge(given.next) { _, new in new }
    gaps = [:]
    return given
  }

  /// Tells lag tools, without waiting for the broker.
  mutating func didCommit(_ positions: [Int32: Int64], _ consumer: KafkaConsumer?) {
    guard !positions.isEmpty else { return }
    committed.merge(positions) { _, new in new }
    consumer?.commit(positions)
  }

  /// A batch to fill: the last one again if nobody else holds it any more, so that its memory serves on.
  private mutating func emptyBatch() throws -> RecordBatch {
    if spare != nil, isKnownUniquelyReferenced(&spare), let batch = spare, (try? batch.removeAll()) != nil {
      return batch
    }
    let batch = RecordBatch()
    spare = batch
    return batch
  }
}
