/// Where the brokers are and how to talk to them.
public struct KafkaConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
  /// Bootstrap addresses, `HOST:PORT` with commas between them.
  public var brokers: String
  /// librdkafka properties that are passed through (`security.protocol`, `sasl.*`, `ssl.*`, `fetch.*` and so on);
  /// names and values as in librdkafka's CONFIGURATION.md.
  public var properties: [String: String]
  /// How long a first contact with the brokers may take before it counts as failed.
  public var connectTimeout: Duration

  /// A configuration for these brokers.
  public init(brokers: String, properties: [String: String] = [:], connectTimeout: Duration = .seconds(10)) {
    self.brokers = brokers
    self.properties = properties
    self.connectTimeout = connectTimeout
  }

  /// The addresses and the names of the properties; values may be secrets and are left out.
  public var description: String {
    let names = properties.keys.sorted().joined(separator: ", ")
    return names.isEmpty ? brokers : "\(brokers) (\(names))"
  }

  /// Shows what `description` shows, so that a dump holds no secrets either.
  public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

/// The properties of one client: what exactly-once reading needs, defaults, and the user's own, in that order.
struct ClientProperties {
  /// Set always; a user who sets one of these gets an error, because data could be lost or repeated.
  var fixed: [String: String]
  /// Set unless the user sets them.
  var defaults: [String: String]
  /// Set unless the user sets them, and passed over if this version of the library does not know them.
  var optional: [String: String] = [:]

  static let consumer = ClientProperties(
    fixed: [
      "enable.auto.commit": "false",
      "enable.auto.offset.store": "false",
      "enable.partition.eof": "true",
      "auto.offset.reset": "error",
    ],
    defaults: [
      "client.id": "lakeward",
      "group.id": "lakeward",
      "fetch.wait.max.ms": "100",
      "fetch.error.backoff.ms": "100",
      "fetch.message.max.bytes": "4194304",
      "queued.min.messages": "200000",
      "queued.max.messages.kbytes": "65536",
      "reconnect.backoff.max.ms": "5000",
      "topic.metadata.refresh.interval.ms": "30000",
    ],
    optional: ["fetch.queue.backoff.ms": "20"])

  /// A consumer that shares a topic's partitions with others of its group.
  static let groupConsumer = ClientProperties(
    fixed: consumer.fixed.merging(["partition.assignment.strategy": "cooperative-sticky"]) { $1 },
    // A process that was killed is missed after the session timeout: others take its partitions then.
    defaults: consumer.defaults.merging(["session.timeout.ms": "10000", "heartbeat.interval.ms": "2000"]) { $1 },
    optional: consumer.optional)

  static let producer = ClientProperties(
    fixed: ["enable.idempotence": "true"],
    defaults: [
      "client.id": "lakeward",
      "linger.ms": "20",
      "partitioner": "murmur2_random",
      "queue.buffering.max.messages": "500000",
      "queue.buffering.max.kbytes": "262144",
      "reconnect.backoff.max.ms": "5000",
    ])

  static let admin = ClientProperties(fixed: [:], defaults: ["client.id": "lakeward"])
}
