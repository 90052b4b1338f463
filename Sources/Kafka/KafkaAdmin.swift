internal import CRDKafka

/// A topic as the brokers describe it.
public struct KafkaTopic: Sendable, Hashable {
  /// One partition of a topic.
  public struct Partition: Sendable, Hashable {
    /// Partition number, from 0.
    public var id: Int32
    /// Id of the broker that leads it; -1 if none does at the moment.
    public var leader: Int32
    /// Number of brokers that hold a copy.
    public var replicas: Int
  }

  /// The topic's name.
  public var name: String
  /// Its partitions in order of number.
  public var partitions: [Partition]
}

/// Asks and changes what topics there are.
public final class KafkaAdmin: Sendable {
  private let client: KafkaClient

  /// An administration client for these brokers. Does not contact them yet.
  public init(_ configuration: KafkaConfiguration) throws(KafkaError) {
    client = try KafkaClient(RD_KAFKA_PRODUCER, configuration, .admin)
  }

  /// All topics that the user may see. Throws `brokerUnavailable` after the connect timeout.
  public func topics() throws(KafkaError) -> [KafkaTopic] {
    try client.metadata("listing topics", topic: nil).map(\.topic)
  }

  /// The topic of this name; throws `unknownTopic` if there is none.
  public func topic(_ name: String) throws(KafkaError) -> KafkaTopic { try client.topic(name) }

  /// Creates a topic; throws `topicExists` if there is one of this name.
  ///
  /// `configuration` holds topic properties such as `retention.ms`; a replication factor of -1 is the broker's default.
  public func createTopic(
    _ name: String, partitions: Int, replicationFactor: Int = -1, configuration: [String: String] = [:]
  ) throws(KafkaError) {
    var text = [CChar](repeating: 0, count: 256)
    guard
      let topic = rd_kafka_NewTopic_new(
        name, Int32(clamping: partitions), Int32(clamping: replicationFactor), &text, text.count)
    else {
      throw .invalidConfiguration("topic \"\(name)\"", KafkaClient.string(text))
    }
    defer { rd_kafka_NewTopic_destroy(topic) }
    for (key, value) in configuration { rd_kafka_NewTopic_set_config(topic, key, value) }
    guard let queue = rd_kafka_queue_new(client.handle) else { return }
    defer { rd_kafka_queue_destroy(queue) }
    let doing = "creating topic \"\(name)\""
    let milliseconds = Int32(clamping: client.connectTimeout.milliseconds)
    let options = rd_kafka_AdminOptions_new(client.handle, RD_KAFKA_ADMIN_OP_CREATETOPICS)
    defer { rd_kafka_AdminOptions_destroy(options) }
    rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, nil, 0)
    var topics: [OpaquePointer?] = [topic]
    rd_kafka_CreateTopics(client.handle, &topics, 1, options, queue)
    guard let event = rd_kafka_queue_poll(queue, milliseconds + 1000) else {
      throw client.error(RD_KAFKA_RESP_ERR__TIMED_OUT, doing: doing, topic: name)
    }
    defer { rd_kafka_event_destroy(event) }
    try check(rd_kafka_event_error(event), rd_kafka_event_error_string(event), doing, name)
    guard let result = rd_kafka_event_CreateTopics_result(event) else { return }
    var count = 0
    guard let results = rd_kafka_CreateTopics_result_topics(result, &count), count > 0, let first = results[0] else {
      return
    }
    try check(rd_kafka_topic_result_error(first), rd_kafka_topic_result_error_string(first), doing, name)
  }

  private func check(
    _ code: rd_kafka_resp_err_t, _ text: UnsafePointer<CChar>?, _ doing: String, _ topic: String
  ) throws(KafkaError) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    if code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT {
      throw client.error(code, doing: doing, topic: topic)
    }
    let detail = text.map { String(cString: $0) } ?? ""
    throw KafkaError(code, doing: doing, detail: detail, addresses: client.addresses, topic: topic)
  }
}

extension KafkaClient {
  struct TopicAnswer {
    var topic: KafkaTopic
    var code: rd_kafka_resp_err_t
  }

  /// The brokers' description of one topic, or of all.
  func metadata(_ doing: String, topic name: String?) throws(KafkaError) -> [TopicAnswer] {
    let local = name.flatMap { rd_kafka_topic_new(handle, $0, nil) }
    defer { if let local { rd_kafka_topic_destroy(local) } }
    var metadata: UnsafePointer<rd_kafka_metadata>?
    try request(doing, topic: name ?? "", timeout: connectTimeout) { milliseconds in
      rd_kafka_metadata(handle, local == nil ? 1 : 0, local, &metadata, milliseconds)
    }
    guard let metadata else { return [] }
    defer { rd_kafka_metadata_destroy(metadata) }
    return (0..<Int(metadata.pointee.topic_cnt)).map { i in
      let topic = metadata.pointee.topics[i]
      let partitions = (0..<Int(topic.partition_cnt)).map { p in
        KafkaTopic.Partition(
          id: topic.partitions[p].id, leader: topic.partitions[p].leader, replicas: Int(topic.partitions[p].replica_cnt)
        )
      }
      let name = topic.topic.map { String(cString: $0) } ?? ""
      return TopicAnswer(
        topic: KafkaTopic(name: name, partitions: partitions.sorted { $0.id < $1.id }), code: topic.err)
    }
  }

  func topic(_ name: String) throws(KafkaError) -> KafkaTopic {
    let doing = "asking for topic \"\(name)\""
    guard let answer = try metadata(doing, topic: name).first(where: { $0.topic.name == name }) else {
      throw error(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, doing: doing, topic: name)
    }
    guard answer.code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw error(answer.code, doing: doing, topic: name) }
    guard !answer.topic.partitions.isEmpty else {
      throw error(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, doing: doing, topic: name)
    }
    return answer.topic
  }
}
