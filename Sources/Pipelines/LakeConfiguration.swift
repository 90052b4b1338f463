/// Where a lake and its surroundings are: `lakeward.yml`, with defaults that need no file.
public struct LakeConfiguration: Sendable, Hashable {
  /// The lake's folder: tables, landing directories and registered models live below it.
  public var lake: String
  /// Kafka bootstrap servers, `HOST:PORT[,HOST:PORT…]`; nil: pipelines read their landing directories.
  public var brokers: String?
  /// Settings for librdkafka, by their librdkafka names.
  public var kafkaProperties: [String: String]
  /// The MQTT broker; nil: nothing is read by MQTT.
  public var mqtt: MQTTBroker?
  /// Where HL7 messages are listened for; nil: nowhere.
  public var hl7: HL7Listening?
  /// The folder that holds one folder per pipeline.
  public var pipelines: String
  /// The folder of registered models.
  public var models: String
  /// What stands under `notifiers`, which room Alerts reads.
  public var notifiers: YAMLNode?
  /// What stands under `alerts`, which room Alerts reads.
  public var alerts: YAMLNode?
  /// What stands under `schedule`, which room Schedule reads.
  public var schedule: YAMLNode?
  /// The folder that relative paths of the file start from; empty: the working directory.
  public var folder = ""
  /// Where tables are that are not in the lake's folder: a path or URI by table name.
  public var tablePlaces: [String: String] = [:]
  /// Where versions of models are published; nil: nowhere.
  public var mlflow: MLflowSettings?
  /// Who is told what runs make of which tables; nil: nobody.
  public var openLineage: OpenLineageSettings?
  /// BigQuery; nil: nothing is mirrored there.
  public var bigquery: BigQueryConfiguration?
  /// Threads of the query engine; nil: one per processor.
  public var threads: Int?
  /// The query engine's memory limit in bytes; nil: the engine's own choice.
  public var memoryLimitBytes: Int?
  /// The folder of the dashboard's pages.
  public var dashboards: String
  /// How the API and the dashboard are served; nil: only when a command asks, on this machine alone.
  public var server: ServerDefinition?

  /// A configuration; `models` is the folder `models` of the lake unless given.
  public init(
    lake: String = "lake", brokers: String? = nil, kafkaProperties: [String: String] = [:],
    pipelines: String = "pipelines", dashboards: String = "dashboards", models: String? = nil, threads: Int? = nil,
    memoryLimitBytes: Int? = nil
  ) {
    self.lake = lake
    self.brokers = brokers
    self.kafkaProperties = kafkaProperties
    self.pipelines = pipelines
    self.dashboards = dashboards
    self.models = models ?? lake + "/models"
    self.threads = threads
    self.memoryLimitBytes = memoryLimitBytes
  }
}

/// Where HL7 messages are listened for (MLLP over TCP, without TLS).
public struct HL7Listening: Sendable, Hashable {
  /// The address that is listened on.
  public var host: String
  /// The TCP port; 0: any free one.
  public var port: Int
  /// The zone of times without an offset: a name of the tz database or an offset; nil: UTC.
  public var timeZone: String?

  /// The place at an address, `[HOST:]PORT`; nil if that is no address. The host is this machine alone unless it is given.
  public init?(address: String) {
    let parts = address.split(separator: ":", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let port = Int(parts[parts.count - 1]), (0...65_535).contains(port),
      parts.count == 1 || !parts[0].isEmpty
    else { return nil }
    host = parts.count == 2 ? String(parts[0]) : "127.0.0.1"
    self.port = port
  }
}

/// An MLflow tracking server.
public struct MLflowSettings: Sendable, Hashable {
  /// Its address, `http://HOST:PORT`.
  public var trackingURI: String
  /// The experiment that runs go into.
  public var experiment: String

  /// Settings from their parts.
  public init(trackingURI: String, experiment: String = "lakeward") {
    self.trackingURI = trackingURI
    self.experiment = experiment
  }
}

/// An MQTT broker and the login to it.
public struct MQTTBroker: Sendable, Hashable {
  /// Host name or address.
  public var host: String
  /// TCP port.
  public var port: Int
  /// Whether the connection is encrypted: `mqtts://`.
  public var usesTLS: Bool
  /// User name, if the broker wants one.
  public var username: String?
  /// Password, if the broker wants one.
  public var password: String?
  /// File of certificates (PEM) that the broker's is checked against; nil: the system's.
  public var caFile: String?
  /// File of Lakeward's own certificate (PEM), if the broker wants one.
  public var certificateFile: String?
  /// File of the key to it (PEM).
  public var keyFile: String?

  /// The broker at an address, `[mqtt://|mqtts://]HOST[:PORT]`; nil if that is no address. The port is 1883, or 8883 with
  /// `mqtts`, unless it is given.
  public init?(address: String) {
    var rest = Substring(address)
    usesTLS = rest.hasPrefix("mqtts://")
    for scheme in ["mqtts://", "mqtt://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    guard !rest.isEmpty, !rest.contains(where: { "/@ ".contains($0) }) else { return nil }
    port = usesTLS ? 8883 : 1883
    host = String(rest)
    // An IPv6 address has colons of its own and stands in brackets.
    if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("]") {
      guard let number = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(number) else { return nil }
      port = number
      host = String(rest[..<colon])
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty else { return nil }
  }
}
