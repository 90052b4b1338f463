internal import CRDKafka
internal import Glibc
internal import Synchronization

/// Counts of what became of the records that a producer took.
public struct KafkaDeliveries: Sendable, Hashable {
  /// Records that the brokers have acknowledged.
  public var delivered: Int
  /// Records that were given up.
  public var failed: Int
}

/// Sends records to topics, in the background and in batches; `flush` waits for the acknowledgements.
///
/// Records are idempotent: retries inside the client neither lose nor repeat one. A key decides the partition by the
/// same hash as the Java client's. All methods may be called from any thread; they block only while the local queue is
/// full, and in `flush`.
public final class KafkaProducer: Sendable {
  private let client: KafkaClient
  private let topics = Mutex(TopicHandles())

  /// Handles of the topics sent to; librdkafka wants them freed before the client.
  private struct TopicHandles: ~Copyable, @unchecked Sendable {
    var byName: [String: OpaquePointer] = [:]
  }

  /// A producer for these brokers. Does not contact them yet.
  public init(_ configuration: KafkaConfiguration) throws(KafkaError) {
    client = try KafkaClient(RD_KAFKA_PRODUCER, configuration, .producer)
  }

  deinit {
    topics.withLock { topics in
      for handle in topics.byName.values { rd_kafka_topic_destroy(handle) }
    }
  }

  /// Queues one record. Without a key or partition the client spreads records over the partitions.
  ///
  /// Throws `recordTooLarge`, or `timedOut` if the queue stays full for longer than the connect timeout.
  public func send(
    _ payload: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer? = nil, to topic: String, partition: Int32? = nil
  ) throws(KafkaError) {
    let handle = try topicHandle(topic)
    try enqueue(payload, key, handle, topic, partition)
  }

  /// As the method on raw buffers, for a record in an array.
  public func send(
    _ payload: [UInt8], key: [UInt8]? = nil, to topic: String, partition: Int32? = nil
  ) throws(KafkaError) {
    let result = payload.withUnsafeBytes { payload -> Result<Void, KafkaError> in
      Result { () throws(KafkaError) in
        guard let key else { return try send(payload, key: nil, to: topic, partition: partition) }
        let inner = key.withUnsafeBytes { key -> Result<Void, KafkaError> in
          Result { () throws(KafkaError) in try send(payload, key: key, to: topic, partition: partition) }
        }
        try inner.get()
      }
    }
    try result.get()
  }

  /// Queues every line of a buffer of NDJSON as one record without its line end. Returns the number of lines.
  @discardableResult
  public func sendLines(
    _ lines: UnsafeRawBufferPointer, to topic: String, partition: Int32? = nil
  ) throws(KafkaError) -> Int {
    let handle = try topicHandle(topic)
    var count = 0
    try Self.forEachLine(lines) { line throws(KafkaError) in
      try enqueue(line, nil, handle, topic, partition)
      count += 1
    }
    return count
  }

  /// Sends every line as one record and waits until all of them are acknowledged.
  ///
  /// Many threads may call it at once; their records travel in common batches. After an error some of the records may be in
  /// the topic.
  /// - Parameter key: gives the key of a record, which decides its partition.
  /// - Throws: `KafkaError`: the first failure of these records, or `timedOut`.
  public func deliver(
    lines: UnsafeRawBufferPointer, to topic: String, timeout: Duration,
    key: (UnsafeRawBufferPointer) -> UnsafeRawBufferPointer?
  ) throws(KafkaError) {
    let handle = try topicHandle(topic)
    let group = KafkaDeliveryGroup()
    var sent = 0
    try Self.forEachLine(lines) { line throws(KafkaError) in
      try enqueue(line, key(line), handle, topic, nil, group)
      sent += 1
    }
    let deadline = ContinuousClock().now + timeout
    while group.answered.load(ordering: .acquiring) < sent {
      // Any caller's poll serves everybody's reports, hence short waits.
      rd_kafka_poll(client.handle, 5)
      guard ContinuousClock().now < deadline else {
        throw client.error(
          RD_KAFKA_RESP_ERR__TIMED_OUT, doing: "waiting for acknowledgements of topic \"\(topic)\"", topic: topic)
      }
    }
    if let failure = group.failure { throw client.error(failure, doing: "sending to topic \"\(topic)\"", topic: topic) }
  }

  private static func forEachLine(
    _ lines: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(KafkaError) -> Void
  ) throws(KafkaError) {
    var start = 0
    while let base = lines.baseAddress, start < lines.count {
      let line = base + start
      let left = lines.count - start
      let length = memchr(line, Int32(UInt8(ascii: "\n")), left).map { line.distance(to: $0) } ?? left
      if length > 0 { try body(UnsafeRawBufferPointer(start: line, count: length)) }
      start += length + 1
    }
  }

  private func topicHandle(_ topic: String) throws(KafkaError) -> OpaquePointer {
    let handle = topics.withLock { topics in
      if let handle = topics.byName[topic] { return handle as OpaquePointer? }
      topics.byName[topic] = rd_kafka_topic_new(client.handle, topic, nil)
      return topics.byName[topic]
    }
    guard let handle else {
      throw client.error(rd_kafka_last_error(), doing: "opening topic \"\(topic)\"", topic: topic)
    }
    return handle
  }

  private func enqueue(
    _ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer?, _ handle: OpaquePointer, _ topic: String,
    _ partition: Int32?, _ group: KafkaDeliveryGroup? = nil
  ) throws(KafkaError) {
    let opaque = group.map { Unmanaged.passRetained($0) }
    do throws(KafkaError) {
      try enqueue(payload, key, handle, topic, partition, opaque: opaque?.toOpaque())
    } catch {
      opaque?.release()
      throw error
    }
  }

  private func enqueue(
    _ payload: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer?, _ handle: OpaquePointer, _ topic: String,
    _ partition: Int32?, opaque: UnsafeMutableRawPointer?
  ) throws(KafkaError) {
    var deadline: ContinuousClock.Instant?
    while true {
      let status = rd_kafka_produce(
        handle, partition ?? RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
        UnsafeMutableRawPointer(mutating: payload.baseAddress),
        payload.count, key?.baseAddress, key?.count ?? 0, opaque)
      if status == 0 { return }
      let code = rd_kafka_last_error()
      let now = ContinuousClock().now
      deadline = deadline ?? now + client.connectTimeout
      guard code == RD_KAFKA_RESP_ERR__QUEUE_FULL, let deadline, now < deadline else {
        let reported = code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : code
        throw client.error(reported, doing: "sending to topic \"\(topic)\"", topic: topic)
      }
      rd_kafka_poll(client.handle, 50)
    }
  }

  /// Serves delivery reports without waiting; a long-running sender calls it now and then. Returns the counts so far.
  @discardableResult
  public func poll() -> KafkaDeliveries {
    rd_kafka_poll(client.handle, 0)
    return deliveries
  }

  /// What became of the records so far, as of the last `poll` or `flush`.
  public var deliveries: KafkaDeliveries {
    KafkaDeliveries(
      delivered: client.events.deliveredCount.load(ordering: .relaxed),
      failed: client.events.failedCount.load(ordering: .relaxed))
  }

  /// Waits until every queued record is acknowledged. Throws if one was given up since the producer exists, or if
  /// `timeout` passes first.
  @discardableResult
  public func flush(timeout: Duration) throws(KafkaError) -> KafkaDeliveries {
    let code = rd_kafka_flush(client.handle, Int32(clamping: timeout.milliseconds))
    if let failure = client.events.deliveryFailure {
      throw client.error(failure, doing: "\(deliveries.failed) records could not be delivered")
    }
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw client.error(code, doing: "waiting for \(rd_kafka_outq_len(client.handle)) records to be acknowledged")
    }
    return deliveries
  }
}

/// Records whose acknowledgements one caller waits for.
final class KafkaDeliveryGroup: Sendable {
  /// Records that were acknowledged or given up.
  let answered = Atomic<Int>(0)
  private let firstFailure = Mutex<rd_kafka_resp_err_t?>(nil)

  /// Why the first record that was given up was.
  var failure: rd_kafka_resp_err_t? { firstFailure.withLock { $0 } }

  func delivered(_ code: rd_kafka_resp_err_t) {
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { firstFailure.withLock { $0 = $0 ?? code } }
    answered.add(1, ordering: .releasing)
  }
}
