public import Kafka
internal import MQTT
public import Observability
public import Pipelines

/// How a pipeline gets its records: the one place that decides between its topic and its landing directory.
///
/// Kafka where brokers are known and the pipeline names a topic, else the landing directory. What clients push (HTTP, MQTT,
/// HL7) goes where the pipeline reads: into the topic, or into the landing directory's ingest log.
public struct PipelineInputs: Sendable {
  /// What a pipeline reads.
  public enum Kind: Sendable {
    /// A topic.
    case kafka(KafkaInput, KafkaConfiguration)
    /// A landing directory, by its resolved path.
    case landing(LandingInput, directory: String)
  }

  /// What this pipeline reads.
  public let kind: Kind
  private let pipeline: Pipeline
  private let definition: SourceDefinition
  private let lake: Lake
  private let broker: MQTTBroker?

  /// The inputs of a pipeline.
  ///
  /// - Parameter brokers: Bootstrap servers that win over the configuration's.
  /// - Throws: `StreamingError.noSource`.
  public init(
    pipeline: Pipeline, lake: Lake, configuration: LakeConfiguration, brokers: String? = nil
  ) throws(StreamingError) {
    guard let definition = pipeline.source else { throw .noSource(pipeline: pipeline.name) }
    self.pipeline = pipeline
    self.definition = definition
    self.lake = lake
    broker = configuration.mqtt
    if let brokers = brokers ?? configuration.brokers, let kafka = definition.kafka {
      let properties = configuration.kafkaProperties.merging(kafka.properties) { $1 }
      kind = .kafka(kafka, KafkaConfiguration(brokers: brokers, properties: properties))
    } else if let landing = definition.landing {
      kind = .landing(landing, directory: lake.resolve(landing.path))
    } else {
      throw .noSource(pipeline: pipeline.name)
    }
  }

  /// Whether several processes may run the pipeline at the same time, each with a part of the records.
  public var isShared: Bool {
    switch kind {
    case .kafka: true
    case .landing: false
    }
  }

  /// A new source of the pipeline's records.
  ///
  /// - Parameter sharing: Whether the partitions of a topic are shared with other processes that run the pipeline; else
  ///   this process reads all of them.
  public func source(sharing: Bool) throws -> any RecordSource { try withBackfills(liveSource(sharing: sharing)) }

  private func withBackfills(_ live: any RecordSource) throws -> any RecordSource {
    let (definition, lake, name) = (definition, lake, pipeline.name)
    let backfills = Backfills(lake: lake, pipeline: name)
    return try BackfillingSource(live: live, backfills: backfills) { entry in
      var options = LandingSource.Options(maxRecordBytes: definition.maxRecordBytes)
      options.partition = entry.partition
      // Nobody writes to these files any more.
      options.rules.settle = .zero
      options.fields = definition.fields
      return try LandingSource(directory: entry.directory, splits: backfills.splits(entry), options: options)
    }
  }

  /// The pipeline's backfills alone.
  public func backfillSource() throws -> any RecordSource { try withBackfills(NoRecords()) }

  private func liveSource(sharing: Bool) throws -> any RecordSource {
    switch kind {
    case .kafka(let kafka, let configuration):
      var options = KafkaSource.Options()
      options.maxRecordBytes = definition.maxRecordBytes
      options.acceptsGaps = kafka.acceptsGaps
      let group = "lakeward-\(pipeline.name)"
      return sharing
        ? KafkaGroupSource(topic: kafka.topic, configuration: configuration, group: group, options: options)
        : KafkaSource(topic: kafka.topic, configuration: configuration, group: group, options: options)
    case .landing(let landing, let directory):
      var options = LandingSource.Options(maxRecordBytes: definition.maxRecordBytes)
      // A stream that is to be quick must look often.
      options.pollInterval = .seconds(max(0.01, min(0.1, pipeline.trigger.intervalSeconds / 4)))
      options.rules.settle = .seconds(landing.settleSeconds)
      options.fields = definition.fields
      options.keepLogSeconds = definition.ingest.keepSeconds
      return try LandingSource(
        directory: directory, splits: lake.splitsLocation(pipeline: pipeline.name), options: options)
    }
  }

  /// A new way into the pipeline for records that clients push.
  ///
  /// - Parameters:
  ///   - channel: How they come: `http`, `mqtt`, `hl7`.
  ///   - log: Is told which files a crash had left with a torn line, never what stood there.
  /// - Throws: `IngestError`.
  public func ingest(channel: String, log: Logger = .silent) throws(IngestError) -> any RecordIngest {
    switch kind {
    case .kafka(let kafka, let configuration):
      do throws(KafkaError) {
        return try TopicIngest(topic: kafka.topic, configuration: configuration, keyField: keyField(kafka))
      } catch {
        throw .refused(reason: error.description)
      }
    case .landing(_, let directory):
      var options = IngestLog.Options()
      options.backlogBytes = Int64(definition.ingest.backlogBytes)
      let opened = try IngestLog(landing: directory, channel: channel, options: options)
      for file in opened.tornFiles {
        log.warning(
          "a torn line was cut off: its sender was not told that it is durable",
          ["pipeline": .name(pipeline.name), "file": .name(file), "lines": .count(1)])
      }
      return opened
    }
  }

  /// The feed of the pipeline's MQTT topics; nil if it has none or no broker is configured.
  ///
  /// - Throws: `IngestError`.
  public func mqttFeed(log: Logger = .silent) throws(IngestError) -> MQTTFeed? {
    guard let mqtt = definition.mqtt, let broker else { return nil }
    return MQTTFeed(
      MQTTConfiguration(broker), clientId: mqtt.clientId ?? "lakeward-\(pipeline.name)", topics: mqtt.topics,
      topicField: mqtt.topicField, into: try ingest(channel: "mqtt", log: log))
  }

  /// Where the pipeline's part of HL7 messages goes; nil if it takes none.
  ///
  /// - Throws: `IngestError`.
  public func hl7Destination(log: Logger = .silent) throws(IngestError) -> HL7Feed.Destination? {
    guard let hl7 = definition.hl7 else { return nil }
    return HL7Feed.Destination(
      pipeline: pipeline.name, records: hl7.records, ingest: try ingest(channel: "hl7", log: log))
  }

  /// The field that decides a record's partition: as configured, or the first key by which repeats are recognised.
  private func keyField(_ kafka: KafkaInput) -> String? {
    if let key = kafka.key { return key }
    let keys = pipeline.streamingTables.compactMap(\.deduplicate).first?.keys ?? []
    for key in keys {
      let field = definition.fields.first { $0.name.lowercased() == key.lowercased() }
      if let field, field.type != .timestamp, field.type != .date { return field.field }
    }
    return nil
  }
}
