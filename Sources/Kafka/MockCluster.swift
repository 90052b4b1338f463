internal import CRDKafka

/// librdkafka's mock brokers: real TCP listeners on loopback ports that any client of this machine can use.
///
/// For tests and the demo. Holds at most 5 MiB or 100,000 records per partition and silently drops the oldest ones
/// beyond that (rdkafka_mock.c), so a demo spreads its topic over many partitions or keeps its reader close behind.
public final class MockCluster: @unchecked Sendable {
  /// Addresses for `KafkaConfiguration`.
  public let brokers: String

  // rdkafka_mock.h: the cluster's functions lock inside and may be called from any thread.
  private let client: KafkaClient
  private let cluster: OpaquePointer

  /// Protocol requests that can be made to fail (kafka.apache.org/protocol, "Api Keys").
  public enum Request: Int16, Sendable {
    /// Sending records.
    case produce = 0
    /// Reading records.
    case fetch = 1
    /// Asking for the oldest or newest offset.
    case listOffsets = 2
    /// Describing topics.
    case metadata = 3
    /// Writing a group's offsets.
    case offsetCommit = 8
  }

  /// Starts a cluster of this many brokers on free ports.
  public init(brokerCount: Int = 1) throws(KafkaError) {
    // The library wants some client handle to run the cluster's thread; its own brokers are never contacted.
    client = try KafkaClient(
      RD_KAFKA_PRODUCER, KafkaConfiguration(brokers: "127.0.0.1:1"),
      ClientProperties(
        fixed: [:], defaults: ["reconnect.backoff.ms": "3600000", "reconnect.backoff.max.ms": "3600000"])
    )
    guard let cluster = rd_kafka_mock_cluster_new(client.handle, Int32(clamping: brokerCount)) else {
      throw .invalidConfiguration("mock cluster", "no listener could be opened on a loopback port")
    }
    self.cluster = cluster
    brokers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
  }

  deinit {
    rd_kafka_mock_cluster_destroy(cluster)
  }

  /// Creates a topic.
  public func createTopic(_ name: String, partitions: Int) throws(KafkaError) {
    try check(rd_kafka_mock_topic_create(cluster, name, Int32(clamping: partitions), 1), "creating topic \"\(name)\"")
  }

  /// Makes every broker drop its connections and refuse new ones, or accept them again.
  public func setBrokersDown(_ down: Bool) throws(KafkaError) {
    try check(
      down ? rd_kafka_mock_broker_set_down(cluster, -1) : rd_kafka_mock_broker_set_up(cluster, -1),
      "switching brokers \(down ? "off" : "on")")
  }

  /// Makes the next requests of this kind fail with these protocol error codes, one each.
  public func fail(_ request: Request, with codes: [Int32]) {
    let errors = codes.map { rd_kafka_resp_err_t($0) }
    rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, errors.count, errors)
  }

  /// Makes the metadata answer for a topic this protocol error code (0: none).
  public func setTopicError(_ topic: String, _ code: Int32) {
    rd_kafka_mock_topic_set_error(cluster, topic, rd_kafka_resp_err_t(code))
  }

  private func check(_ code: rd_kafka_resp_err_t, _ doing: String) throws(KafkaError) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    throw KafkaError(code, doing: doing, addresses: brokers)
  }
}
