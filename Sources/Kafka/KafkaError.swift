internal import CRDKafka

/// A failure of a Kafka client, told in one line with the address or topic concerned and a remedy.
///
/// The text comes from librdkafka's error code and reason; it names brokers, topics, partitions, offsets and property
/// names, never a record's content and never the value of a property that may hold a secret.
public struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong, as far as a caller may want to act on it.
  public enum Reason: Sendable, Hashable {
    /// No broker answers at these addresses.
    case brokerUnavailable(addresses: String)
    /// The broker refused the user's credentials, or demands some.
    case authenticationFailed(addresses: String)
    /// The TLS handshake failed.
    case secureConnectionFailed(addresses: String)
    /// The user is known but may not do this with the topic, group or cluster of this name.
    case notAuthorized(resource: String)
    /// The broker has no topic of this name.
    case unknownTopic(String)
    /// The topic has no such partition.
    case unknownPartition(topic: String, partition: Int32)
    /// The broker does not hold the offset at which to go on; `available` is what it holds.
    case offsetOutOfRange(topic: String, partition: Int32, wanted: Int64, available: Range<Int64>)
    /// A configuration property is unknown, has a wrong value or may not be set.
    case invalidConfiguration(property: String)
    /// A record is larger than the broker or the client allows.
    case recordTooLarge(topic: String)
    /// The topic exists already.
    case topicExists(String)
    /// The broker or the local queue did not get through the work in time.
    case timedOut
    /// Any other error of the library or the broker; see `code`.
    case other
  }

  /// What went wrong.
  public let reason: Reason
  /// librdkafka's error code (`rd_kafka_resp_err_t`): negative for the client's own, positive for the protocol's.
  public let code: Int32
  /// What was being done and what the library or the broker said about it.
  public let message: String
  /// What a person can do about it; empty if nothing general can be said.
  public let hint: String

  /// The symbolic name of `code`, such as `_TRANSPORT` or `UNKNOWN_TOPIC_OR_PART`.
  public var name: String { String(cString: rd_kafka_err2name(rd_kafka_resp_err_t(code))) }

  /// True if the same call may succeed later without anybody changing the configuration.
  public var isRetriable: Bool {
    switch reason {
    case .brokerUnavailable, .timedOut, .unknownTopic: true
    case .authenticationFailed, .secureConnectionFailed, .notAuthorized, .unknownPartition, .offsetOutOfRange,
      .invalidConfiguration, .recordTooLarge, .topicExists:
      false
    case .other: Self.retriableCodes.contains(code)
    }
  }

  /// One line: message, code name, remedy.
  public var description: String {
    let cause = code == 0 ? "" : " [\(name)]"
    return "kafka: \(message)\(cause)\(hint.isEmpty ? "" : ". \(hint)")"
  }

  /// Broker errors that the protocol marks as passing (kafka.apache.org/protocol, "Error Codes", retriable).
  private static let retriableCodes: Set<Int32> = Set(
    [
      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
      RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
      RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR__WAIT_COORD,
    ].map(\.rawValue))
}

extension KafkaError {
  /// The error for a library code met while doing `doing` ("reading topic patient_data").
  init(
    _ code: rd_kafka_resp_err_t, doing: String, detail: String = "", addresses: String, topic: String = ""
  ) {
    let said = detail.isEmpty ? String(cString: rd_kafka_err2str(code)) : detail
    let reason = Self.reason(code, addresses: addresses, topic: topic)
    self.init(
      reason: reason, code: code.rawValue, message: Self.message(reason, doing: doing, said: said),
      hint: Self.hint(reason))
  }

  private static func reason(_ code: rd_kafka_resp_err_t, addresses: String, topic: String) -> Reason {
    switch code {
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE:
      .brokerUnavailable(addresses: addresses)
    case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
      RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
      .authenticationFailed(addresses: addresses)
    case RD_KAFKA_RESP_ERR__SSL: .secureConnectionFailed(addresses: addresses)
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: .notAuthorized(resource: "topic \(topic)")
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: .notAuthorized(resource: "the consumer group")
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: .notAuthorized(resource: "the cluster")
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
      RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      .unknownTopic(topic)
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: .recordTooLarge(topic: topic)
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: .topicExists(topic)
    case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT: .timedOut
    default: .other
    }
  }

  private static func message(_ reason: Reason, doing: String, said: String) -> String {
    switch reason {
    case .brokerUnavailable(let addresses): "no broker answers at \(addresses) (\(doing): \(said))"
    case .authenticationFailed(let addresses): "the broker at \(addresses) refused the login (\(doing): \(said))"
    case .secureConnectionFailed(let addresses): "no TLS connection to \(addresses) (\(doing): \(said))"
    case .notAuthorized(let resource): "no permission for \(resource) (\(doing))"
    case .unknownTopic(let topic): "there is no topic \"\(topic)\" (\(doing))"
    default: "\(doing): \(said)"
    }
  }

  private static func hint(_ reason: Reason) -> String {
    switch reason {
    case .brokerUnavailable: "Start the broker, or correct its address (kafka.brokers in lakeward.yml)"
    case .authenticationFailed:
      "Check security.protocol, sasl.mechanism, sasl.username and sasl.password in the kafka properties"
        + (KafkaLibrary.isAtLeast(2, 6, 1)
          ? "" : "; SCRAM with brokers of Kafka 4 needs librdkafka 2.6.1 or newer, this is \(KafkaLibrary.version)")
    case .secureConnectionFailed: "Check security.protocol and ssl.ca.location in the kafka properties"
    case .notAuthorized(let resource): "Have the Kafka administrator grant this user access to \(resource)"
    case .unknownTopic: "Create the topic, or correct its name (source.kafka.topic in pipeline.yml)"
    case .unknownPartition: "The topic may have been created anew with fewer partitions"
    case .offsetOutOfRange(_, _, let wanted, let available):
      wanted < available.lowerBound
        ? "Keep records longer (retention.ms of the topic); go on without the lost ones only by accepting the gap"
        : "The topic was probably deleted and created anew: start with new tables, or restore the topic"
    case .invalidConfiguration: "Correct the kafka properties in lakeward.yml"
    case .recordTooLarge: "Raise message.max.bytes in the kafka properties and on the broker"
    case .topicExists: "Use the existing topic, or another name"
    case .timedOut: "The broker is overloaded or the network slow: try again"
    case .other: ""
    }
  }

  /// The loud form of "the broker no longer (or not yet) holds the offset at which to go on".
  public static func lostOffsets(
    topic: String, partition: Int32, wanted: Int64, available: Range<Int64>
  ) -> KafkaError {
    let lost =
      wanted < available.lowerBound
      ? "\(available.lowerBound - wanted) offsets were deleted before they were read"
      : "the topic ends before that"
    let reason = Reason.offsetOutOfRange(topic: topic, partition: partition, wanted: wanted, available: available)
    return KafkaError(
      reason: reason, code: RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE.rawValue,
      message: "topic \"\(topic)\" partition \(partition): offset \(wanted) is wanted next, but the broker holds "
        + "\(available.lowerBound) to \(available.upperBound) (end exclusive); \(lost)",
      hint: hint(reason))
  }

  /// A position names a partition that the topic, of `count` partitions, does not have.
  public static func missingPartition(topic: String, partition: Int32, count: Int) -> KafkaError {
    let reason = Reason.unknownPartition(topic: topic, partition: partition)
    return KafkaError(
      reason: reason, code: RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION.rawValue,
      message: "topic \"\(topic)\" has \(count) partitions and no partition \(partition), of which records were read",
      hint: hint(reason))
  }

  /// A property that cannot be set.
  static func invalidConfiguration(_ property: String, _ detail: String) -> KafkaError {
    let reason = Reason.invalidConfiguration(property: property)
    return KafkaError(
      reason: reason, code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue, message: "property \(property): \(detail)",
      hint: hint(reason))
  }
}
