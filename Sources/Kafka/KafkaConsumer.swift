internal import CRDKafka

/// Where to begin reading a partition.
public enum KafkaPosition: Sendable, Hashable {
  /// At the oldest record that the broker holds.
  case beginning
  /// After the newest record that the broker holds now.
  case end
  /// At this offset; that the broker does not hold it is an error, never a reason to begin elsewhere.
  case offset(Int64)

  var wireOffset: Int64 {
    switch self {
    case .beginning: Int64(RD_KAFKA_OFFSET_BEGINNING)
    case .end: Int64(RD_KAFKA_OFFSET_END)
    case .offset(let offset): offset
    }
  }
}

/// One record as it lies in the client's receive buffer: valid only during the call that gives it.
public struct KafkaRecord: ~Copyable {
  /// The record's value; empty for a tombstone.
  public let payload: UnsafeRawBufferPointer
  /// The record's key; empty if it has none.
  public let key: UnsafeRawBufferPointer
  /// Partition of the topic.
  public let partition: Int32
  /// Offset in the partition.
  public let offset: Int64
}

/// What one call of `KafkaConsumer.consume` took.
public struct KafkaSpan: Sendable, Hashable {
  /// Number of records.
  public var records = 0
  /// Sum of the payload sizes in bytes.
  public var bytes = 0
  /// Offset of the first record, per partition in the span.
  public var first: [Int32: Int64] = [:]
  /// Offset after the last record, per partition in the span.
  public var next: [Int32: Int64] = [:]
  /// True if a limit ended it, so that more records may have arrived already.
  public var isFull = false
  /// The time of the oldest partition's first record, milliseconds since 1970: when it was produced, or when the broker
  /// took it, as the topic is set up; nil if the records have no time.
  public var oldestTimestamp: Int64?

  /// A span of no records.
  public init() {}
}

/// Reads partitions of one topic at explicit offsets: assigned by hand, or by a consumer group (`join`).
///
/// Records are fetched ahead by librdkafka's own threads and handed out in batches by `consume`, which blocks: call it
/// from one dedicated thread, never from the cooperative pool. The offset to go on with is the caller's business (the
/// table is the checkpoint); `commit` only tells lag tools.
public final class KafkaConsumer {
  /// The topic that is read.
  public let topic: String

  let client: KafkaClient
  let isGroupMember: Bool
  private let queue: OpaquePointer
  private let chunk: UnsafeMutablePointer<OptionalMessage>
  private var chunkCount = 0
  private var chunkIndex = 0
  private var tracks: [Track] = []
  private var failure: KafkaError?
  private var lastOutage: ContinuousClock.Instant?
  /// Records and payload bytes given out since this consumer exists.
  public private(set) var consumed: (records: Int, bytes: Int) = (0, 0)

  typealias OptionalMessage = UnsafeMutablePointer<rd_kafka_message_t>?
  private static let chunkSize = 8192

  /// Progress in one partition; index in `tracks` = partition number (Kafka numbers them from 0 without gaps).
  private struct Track {
    var isAssigned = false
    /// Offset of the next record; -1 while not known (begun at the beginning or the end).
    var next: Int64 = -1
    /// The broker had nothing at or after this offset when it was reached; -1 before that.
    var end: Int64 = -1
    /// Offset of the first record in the span being taken; -1 if there is none.
    var firstInSpan: Int64 = -1
  }

  /// A consumer for this topic. Does not contact the brokers yet.
  ///
  /// - Parameter joinsGroup: Whether `join` will be called, so that the group decides about the partitions.
  public init(topic: String, _ configuration: KafkaConfiguration, joinsGroup: Bool = false) throws(KafkaError) {
    client = try KafkaClient(
      RD_KAFKA_CONSUMER, configuration, joinsGroup ? .groupConsumer : .consumer, joinsGroup: joinsGroup)
    isGroupMember = joinsGroup
    self.topic = topic
    queue = rd_kafka_queue_get_consumer(client.handle)
    chunk = .allocate(capacity: Self.chunkSize)
  }

  deinit {
    dropChunk()
    chunk.deallocate()
    if isGroupMember { leave() } else { rd_kafka_assign(client.handle, nil) }
    rd_kafka_queue_destroy(queue)
  }

  /// The topic's partition numbers, asked from the brokers.
  public func partitions() throws(KafkaError) -> [Int32] {
    let topic = try client.topic(topic)
    return topic.partitions.map(\.id)
  }

  /// Reads from these partitions at these positions from now on, and from no others.
  public func assign(_ positions: [Int32: KafkaPosition]) throws(KafkaError) {
    try assign(positions, incrementally: false)
  }

  /// Reads from these partitions too.
  public func assignMore(_ positions: [Int32: KafkaPosition]) throws(KafkaError) {
    try assign(positions, incrementally: true)
  }

  private func assign(_ positions: [Int32: KafkaPosition], incrementally: Bool) throws(KafkaError) {
    if let wrong = positions.keys.first(where: { $0 < 0 }) {
      throw .missingPartition(topic: topic, partition: wrong, count: tracks.count)
    }
    let list = PartitionList(topic: topic, positions.mapValues(\.wireOffset))
    if incrementally {
      if let error = rd_kafka_incremental_assign(client.handle, list.list) {
        let code = rd_kafka_error_code(error)
        rd_kafka_error_destroy(error)
        throw client.error(code, doing: "assigning partitions of topic \"\(topic)\"", topic: topic)
      }
    } else {
      dropChunk()
      tracks = []
      failure = nil
      let code = rd_kafka_assign(client.handle, list.list)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        throw client.error(code, doing: "assigning partitions of topic \"\(topic)\"", topic: topic)
      }
    }
    for (partition, position) in positions {
      while tracks.count <= partition { tracks.append(Track()) }
      tracks[Int(partition)] = Track(isAssigned: true)
      if case .offset(let offset) = position { tracks[Int(partition)].next = offset }
    }
  }

  /// Reads no more from these partitions, and forgets what was fetched of them.
  func unassign(_ partitions: some Collection<Int32>) throws(KafkaError) {
    for index in chunkIndex..<chunkCount {
      guard let message = chunk[index], partitions.contains(message.pointee.partition) else { continue }
      rd_kafka_message_destroy(message)
      chunk[index] = nil
    }
    for partition in partitions where tracks.indices.contains(Int(partition)) { tracks[Int(partition)] = Track() }
    let list = PartitionList(topic: topic, Dictionary(uniqueKeysWithValues: partitions.map { ($0, -1001) }))
    guard let error = rd_kafka_incremental_unassign(client.handle, list.list) else { return }
    let code = rd_kafka_error_code(error)
    rd_kafka_error_destroy(error)
    throw client.error(code, doing: "giving back partitions of topic \"\(topic)\"", topic: topic)
  }

  /// Forgets a failure, so that reading is tried again.
  func forgetFailure() { failure = nil }

  /// Takes records that have arrived, at most `maxRecords` of them and at most `maxBytes` of payload (one record that is
  /// larger is given alone). Waits until `deadline` for the first one and not for more after it; returns an empty span
  /// if none came. `body` sees each record once, in order of offset within each partition.
  ///
  /// A failure is thrown once all records before it have been given, and again at each further call until `assign`. An
  /// outage of all brokers that lasts longer than the connect timeout is thrown (once per such time); reading goes on
  /// by itself when a broker is back.
  public func consume(
    maxRecords: Int, maxBytes: Int, deadline: ContinuousClock.Instant, _ body: (borrowing KafkaRecord) -> Void
  ) throws(KafkaError) -> KafkaSpan {
    var span = KafkaSpan()
    let clock = ContinuousClock()
    while true {
      if chunkIndex == chunkCount {
        let left = span.records > 0 ? .zero : max(.zero, min(deadline - clock.now, .milliseconds(100)))
        fetchChunk(waiting: left)
        // The caller decides first what a change of the group's assignment means.
        if isGroupMember, hasGroupChange { break }
      }
      let isFull = take(maxRecords: maxRecords, maxBytes: maxBytes, into: &span, body)
      if isFull || failure != nil {
        span.isFull = isFull && failure == nil
        break
      }
      if chunkIndex == chunkCount, chunkCount < Self.chunkSize {
        if span.records > 0 { break }
        try checkConnection()
        if clock.now >= deadline { break }
      }
    }
    if span.records == 0, let failure { throw failure }
    finish(&span)
    return span
  }

  /// Takes what lies in the client's queue; waits for one message if there is none.
  private func fetchChunk(waiting: Duration) {
    chunkIndex = 0
    chunkCount = max(0, rd_kafka_consume_batch_queue(queue, 0, chunk, Self.chunkSize))
    if chunkCount == 0, waiting > .zero {
      // With room for more than one message the library would wait until all of it is filled.
      let milliseconds = Int32(clamping: max(1, waiting.milliseconds))
      chunkCount = max(0, rd_kafka_consume_batch_queue(queue, milliseconds, chunk, 1))
      if chunkCount == 1 {
        chunkCount += max(0, rd_kafka_consume_batch_queue(queue, 0, chunk + 1, Self.chunkSize - 1))
      }
    }
    rd_kafka_poll(client.handle, 0)
  }

  /// Gives out messages of the chunk; true if the span is full.
  private func take(
    maxRecords: Int, maxBytes: Int, into span: inout KafkaSpan, _ body: (borrowing KafkaRecord) -> Void
  ) -> Bool {
    while chunkIndex < chunkCount {
      guard let message = chunk[chunkIndex] else {
        chunkIndex += 1
        continue
      }
      let partition = Int(message.pointee.partition)
      let isOurs = tracks.indices.contains(partition) && tracks[partition].isAssigned
      if message.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR {
        if isOurs, message.pointee.err == RD_KAFKA_RESP_ERR__PARTITION_EOF {
          tracks[partition].end = message.pointee.offset
        } else if message.pointee.err != RD_KAFKA_RESP_ERR__PARTITION_EOF {
          // What was read before the failure is given first; the message stays for the next call.
          if span.records > 0 { return true }
          failure = failure(of: message)
        }
      } else if isOurs, message.pointee.offset >= tracks[partition].next {
        let length = message.pointee.len
        if span.records > 0, span.records >= maxRecords || span.bytes + length > maxBytes { return true }
        let offset = message.pointee.offset
        body(
          KafkaRecord(
            payload: UnsafeRawBufferPointer(start: message.pointee.payload, count: length),
            key: UnsafeRawBufferPointer(start: message.pointee.key, count: message.pointee.key_len),
            partition: message.pointee.partition, offset: offset))
        if tracks[partition].firstInSpan < 0 {
          tracks[partition].firstInSpan = offset
          let time = rd_kafka_message_timestamp(message, nil)
          if time > 0 { span.oldestTimestamp = min(span.oldestTimestamp ?? time, time) }
        }
        tracks[partition].next = offset + 1
        span.records += 1
        span.bytes += length
      }
      rd_kafka_message_destroy(message)
      chunk[chunkIndex] = nil
      chunkIndex += 1
      if failure != nil { return true }
    }
    return span.records >= maxRecords || span.bytes >= maxBytes
  }

  private func finish(_ span: inout KafkaSpan) {
    guard span.records > 0 else { return }
    client.events.connected()
    lastOutage = nil
    consumed.records += span.records
    consumed.bytes += span.bytes
    for partition in tracks.indices where tracks[partition].firstInSpan >= 0 {
      span.first[Int32(partition)] = tracks[partition].firstInSpan
      span.next[Int32(partition)] = tracks[partition].next
      tracks[partition].firstInSpan = -1
    }
  }

  private func failure(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> KafkaError? {
    let code = message.pointee.err
    let partition = message.pointee.partition
    let doing = "reading topic \"\(topic)\"" + (partition >= 0 ? " partition \(partition)" : "")
    switch code {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      guard tracks.indices.contains(Int(partition)), tracks[Int(partition)].next >= 0 else { break }
      let wanted = tracks[Int(partition)].next
      // Without an answer the error names what is known.
      let available = (try? watermarks(partition: partition)) ?? 0..<0
      return .lostOffsets(topic: topic, partition: partition, wanted: wanted, available: available)
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE:
      // Tracked by the error callback; the library reconnects by itself.
      return nil
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED where isGroupMember:
      // The group has taken the partitions; that change is noted, and the library joins again by itself.
      return nil
    default: break
    }
    let detail = rd_kafka_message_errstr(message).map { String(cString: $0) } ?? ""
    return KafkaError(code, doing: doing, detail: detail, addresses: client.addresses, topic: topic)
  }

  private func checkConnection() throws(KafkaError) {
    guard let last = client.events.connectionFailure else { return }
    let error = KafkaError(
      last.code, doing: "reading topic \"\(topic)\"", detail: last.reason, addresses: client.addresses, topic: topic)
    guard error.isRetriable else { throw error }
    let now = ContinuousClock().now
    guard let down = last.allDownSince, now - max(down, lastOutage ?? down) >= client.connectTimeout else { return }
    lastOutage = now
    throw error
  }

  private func dropChunk() {
    while chunkIndex < chunkCount {
      if let message = chunk[chunkIndex] { rd_kafka_message_destroy(message) }
      chunkIndex += 1
    }
    chunkIndex = 0
    chunkCount = 0
  }
}

extension KafkaConsumer {
  /// The offsets that the broker holds in a partition: from the oldest record to after the newest one.
  public func watermarks(partition: Int32) throws(KafkaError) -> Range<Int64> {
    var low: Int64 = 0
    var high: Int64 = 0
    try client.request(
      "asking for the offsets of topic \"\(topic)\" partition \(partition)", topic: topic,
      timeout: client.connectTimeout
    ) { milliseconds in
      rd_kafka_query_watermark_offsets(client.handle, topic, partition, &low, &high, milliseconds)
    }
    return low..<max(low, high)
  }

  /// True if everything that the brokers hold now in the assigned partitions was given by `consume`, and `consume` has
  /// seen the end of each of them.
  public func isAtEnd() throws(KafkaError) -> Bool {
    for partition in tracks.indices where tracks[partition].isAssigned {
      // The end counts too: past the last record there may be transaction markers, and a broker's answer about its
      // newest offset may lag behind its records.
      let track = tracks[partition]
      guard track.end >= max(0, track.next) else { return false }
      if track.end < (try watermarks(partition: Int32(partition)).upperBound) { return false }
    }
    return true
  }

  /// Records that are known to wait in the assigned partitions, by the end offsets that came with the last fetches; nil
  /// if nothing is known yet. Asks no broker.
  public func knownLag() -> Int64? {
    var lag: Int64?
    for partition in tracks.indices where tracks[partition].isAssigned {
      var low: Int64 = -1
      var high: Int64 = -1
      let code = rd_kafka_get_watermark_offsets(client.handle, topic, Int32(partition), &low, &high)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { continue }
      let next = tracks[partition].next >= 0 ? tracks[partition].next : max(0, low)
      lag = (lag ?? 0) + max(0, high - max(next, tracks[partition].end))
    }
    return lag
  }

  /// Writes these next offsets as the group's committed offsets, for lag tools. Does not wait for the broker.
  public func commit(_ positions: [Int32: Int64]) {
    let list = PartitionList(topic: topic, positions)
    rd_kafka_commit(client.handle, list.list, 1)
  }

  /// As `commit`, but waits for the broker's answer for at most `timeout`. Returns false if none came or it refused.
  @discardableResult
  public func commit(_ positions: [Int32: Int64], timeout: Duration) -> Bool {
    let list = PartitionList(topic: topic, positions)
    guard let answers = rd_kafka_queue_new(client.handle) else { return false }
    defer { rd_kafka_queue_destroy(answers) }
    guard rd_kafka_commit_queue(client.handle, list.list, answers, nil, nil) == RD_KAFKA_RESP_ERR_NO_ERROR,
      let event = rd_kafka_queue_poll(answers, Int32(clamping: timeout.milliseconds))
    else { return false }
    defer { rd_kafka_event_destroy(event) }
    return rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR
  }

  /// The group's committed offsets in these partitions, as lag tools see them.
  public func committed(_ partitions: [Int32]) throws(KafkaError) -> [Int32: Int64] {
    let unknown = Int64(RD_KAFKA_OFFSET_INVALID)
    let list = PartitionList(topic: topic, Dictionary(uniqueKeysWithValues: partitions.map { ($0, unknown) }))
    let pointer = list.list
    try client.request("asking for committed offsets", topic: topic, timeout: client.connectTimeout) {
      rd_kafka_committed(client.handle, pointer, $0)
    }
    return list.positions
  }
}
