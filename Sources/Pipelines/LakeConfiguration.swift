/// Where a lake and its surroundings are: `lakeward.yml`, with defaults that need no file.
public struct LakeConfiguration: Sendable, Hashable {
  /// The lake's folder: tables, landing directories and registered models live below it.
  public var lake: String
  /// Kafka bootstrap servers, `HOST:PORT[,HOST:PORT…]`; nil: pipelines read their landing directories.
  public var brokers: String?
  /// Settings for librdkafka, by their librdkafka names.
  public var kafkaProperties: [String: String]
  /// The folder that holds one folder per pipeline.
  public var pipelines: String
  /// The folder of registered models.
  public var models: String
  /// Threads of the query engine; nil: one per processor.
  public var threads: Int?
  /// The query engine's memory limit in bytes; nil: the engine's own choice.
  public var memoryLimitBytes: Int?

  /// A configuration; `models` is the folder `models` of the lake unless given.
  public init(
    lake: String = "lake", brokers: String? = nil, kafkaProperties: [String: String] = [:],
    pipelines: String = "pipelines", models: String? = nil, threads: Int? = nil, memoryLimitBytes: Int? = nil
  ) {
    self.lake = lake
    self.brokers = brokers
    self.kafkaProperties = kafkaProperties
    self.pipelines = pipelines
    self.models = models ?? lake + "/models"
    self.threads = threads
    self.memoryLimitBytes = memoryLimitBytes
  }
}
