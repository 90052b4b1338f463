internal import CRDKafka
internal import Synchronization

/// One `rd_kafka_t` with its error events.
///
/// librdkafka handles are thread-safe; callbacks run on the thread that calls `rd_kafka_poll`, `rd_kafka_flush` or a
/// consume function (rdkafka.h, "Threads and callbacks"), so the context needs a lock but no particular thread.
final class KafkaClient: @unchecked Sendable {
  let handle: OpaquePointer
  let addresses: String
  let connectTimeout: Duration
  /// Retained by this object for as long as the handle, which holds it unretained as its opaque.
  let events: KafkaClientEvents

  /// - Parameter joinsGroup: Whether the group's changes of assignment are noted in `events`, to be acted on later.
  init(
    _ type: rd_kafka_type_t, _ configuration: KafkaConfiguration, _ properties: ClientProperties,
    joinsGroup: Bool = false
  ) throws(KafkaError) {
    let conf = try Self.makeConf(configuration, properties)
    let events = KafkaClientEvents()
    let opaque = Unmanaged.passUnretained(events).toOpaque()
    rd_kafka_conf_set_opaque(conf, opaque)
    rd_kafka_conf_set_error_cb(conf) { _, code, reason, opaque in
      guard let opaque else { return }
      Unmanaged<KafkaClientEvents>.fromOpaque(opaque).takeUnretainedValue()
        .failed(rd_kafka_resp_err_t(code), reason.map { String(cString: $0) } ?? "")
    }
    if type == RD_KAFKA_PRODUCER {
      rd_kafka_conf_set_dr_msg_cb(conf) { _, message, opaque in
        guard let message, let opaque else { return }
        Unmanaged<KafkaClientEvents>.fromOpaque(opaque).takeUnretainedValue().delivered(message.pointee.err)
        if let group = message.pointee._private {
          // Retained once for each record by `KafkaProducer.deliver`.
          Unmanaged<KafkaDeliveryGroup>.fromOpaque(group).takeRetainedValue().delivered(message.pointee.err)
        }
      }
    }
    if joinsGroup { rd_kafka_conf_set_rebalance_cb(conf, noteRebalance) }
    if configuration.properties["debug"] == nil { rd_kafka_conf_set_log_cb(conf, nil) }

    var text = [CChar](repeating: 0, count: 512)
    guard let handle = rd_kafka_new(type, conf, &text, text.count) else {
      // The configuration object belongs to the handle only if there is one.
      rd_kafka_conf_destroy(conf)
      throw .invalidConfiguration("(combination)", Self.string(text))
    }
    self.handle = handle
    self.addresses = configuration.brokers
    self.connectTimeout = configuration.connectTimeout
    self.events = events
  }

  deinit {
    rd_kafka_destroy(handle)
  }

  private static func makeConf(
    _ configuration: KafkaConfiguration, _ properties: ClientProperties
  ) throws(KafkaError) -> OpaquePointer {
    guard let conf = rd_kafka_conf_new() else { throw .invalidConfiguration("(all)", "out of memory") }
    do throws(KafkaError) {
      guard !configuration.brokers.isEmpty else {
        throw .invalidConfiguration("bootstrap.servers", "no broker address is given")
      }
      try set(conf, "bootstrap.servers", configuration.brokers)
      let users = configuration.properties
      for (name, value) in properties.optional where users[name] == nil {
        // An older library does not know the property; it is a tuning aid only.
        rd_kafka_conf_set(conf, name, value, nil, 0)
      }
      for (name, value) in properties.defaults where users[name] == nil { try set(conf, name, value) }
      for (name, value) in properties.fixed { try set(conf, name, value) }
      for (name, value) in users.sorted(by: { $0.key < $1.key }) {
        if let own = properties.fixed[name], own != value {
          throw .invalidConfiguration(name, "is always \(own) here, or records could be lost or read twice")
        }
        if name == "bootstrap.servers" {
          throw .invalidConfiguration(name, "is set by the broker addresses")
        }
        try set(conf, name, value)
      }
    } catch {
      rd_kafka_conf_destroy(conf)
      throw error
    }
    return conf
  }

  private static func set(_ conf: OpaquePointer, _ name: String, _ value: String) throws(KafkaError) {
    var text = [CChar](repeating: 0, count: 512)
    switch rd_kafka_conf_set(conf, name, value, &text, text.count) {
    case RD_KAFKA_CONF_OK: return
    case RD_KAFKA_CONF_UNKNOWN: throw .invalidConfiguration(name, "this librdkafka does not know it")
    default:
      // The library's text repeats the value, which may be a secret; name what is known to be harmless only.
      let harmless = ["security.protocol", "sasl.mechanism", "sasl.mechanisms", "compression.codec", "isolation.level"]
      throw .invalidConfiguration(name, harmless.contains(name) ? string(text) : "the value is not valid")
    }
  }

  static func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The error for a code, with the reason that the last connection attempt gave if this is about the connection.
  func error(_ code: rd_kafka_resp_err_t, doing: String, topic: String = "") -> KafkaError {
    rd_kafka_poll(handle, 0)
    let aboutConnection = [
      RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
    ]
    if aboutConnection.contains(code), let last = events.connectionFailure {
      return KafkaError(last.code, doing: doing, detail: last.reason, addresses: addresses, topic: topic)
    }
    return KafkaError(code, doing: doing, addresses: addresses, topic: topic)
  }

  /// Repeats a request until the broker answers, the credentials turn out wrong, or `timeout` has passed.
  func request(
    _ doing: String, topic: String = "", timeout: Duration, _ body: (Int32) -> rd_kafka_resp_err_t
  ) throws(KafkaError) {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    while true {
      let left = deadline - clock.now
      let code = body(Int32(clamping: max(1, min(left, .milliseconds(500)).milliseconds)))
      if code == RD_KAFKA_RESP_ERR_NO_ERROR {
        events.connected()
        return
      }
      let error = error(code, doing: doing, topic: topic)
      guard error.isRetriable, clock.now < deadline else { throw error }
    }
  }
}

extension Duration {
  /// Whole milliseconds, rounded down.
  var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

/// What a client's callbacks report.
final class KafkaClientEvents: Sendable {
  struct ConnectionFailure: Sendable {
    var code: rd_kafka_resp_err_t
    var reason: String
    /// When the connection to the last broker was lost; nil while some broker is up.
    var allDownSince: ContinuousClock.Instant?
  }

  private let failure = Mutex<ConnectionFailure?>(nil)
  /// Changes of the group's assignment that were not acted on yet, in order.
  let changes = Mutex<[KafkaGroupChange]>([])
  /// Set before the consumer is closed: then partitions are given back at once.
  let isClosing = Atomic<Bool>(false)
  private let firstDeliveryFailure = Mutex<rd_kafka_resp_err_t?>(nil)
  let deliveredCount = Atomic<Int>(0)
  let failedCount = Atomic<Int>(0)

  var connectionFailure: ConnectionFailure? { failure.withLock { $0 } }
  var deliveryFailure: rd_kafka_resp_err_t? { firstDeliveryFailure.withLock { $0 } }

  func connected() { failure.withLock { $0 = nil } }

  func failed(_ code: rd_kafka_resp_err_t, _ reason: String) {
    failure.withLock { failure in
      if code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN {
        // Says only that all are down; the reason came before it.
        if failure == nil { failure = ConnectionFailure(code: code, reason: reason) }
        if failure?.allDownSince == nil { failure?.allDownSince = ContinuousClock().now }
      } else {
        failure = ConnectionFailure(code: code, reason: reason, allDownSince: failure?.allDownSince)
      }
    }
  }

  func delivered(_ code: rd_kafka_resp_err_t) {
    if code == RD_KAFKA_RESP_ERR_NO_ERROR {
      deliveredCount.add(1, ordering: .relaxed)
    } else {
      failedCount.add(1, ordering: .relaxed)
      firstDeliveryFailure.withLock { $0 = $0 ?? code }
    }
  }
}

/// A `rd_kafka_topic_partition_list_t` that frees itself.
struct PartitionList: ~Copyable {
  let list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(topic: String, _ positions: some Collection<(key: Int32, value: Int64)>) {
    list = rd_kafka_topic_partition_list_new(Int32(clamping: positions.count))
    for (partition, offset) in positions {
      rd_kafka_topic_partition_list_add(list, topic, partition).pointee.offset = offset
    }
  }

  deinit { rd_kafka_topic_partition_list_destroy(list) }

  /// Partition and offset of each entry that has an offset.
  var positions: [Int32: Int64] {
    var result: [Int32: Int64] = [:]
    for i in 0..<Int(list.pointee.cnt) where list.pointee.elems[i].offset >= 0 {
      result[list.pointee.elems[i].partition] = list.pointee.elems[i].offset
    }
    return result
  }
}
