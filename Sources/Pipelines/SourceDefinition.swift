/// Where a pipeline's records come from, what they look like, and the tables that hold them raw and rejected.
public struct SourceDefinition: Sendable, Hashable {
  /// What SQL calls `STREAM(name)`: the parsed, typed records of a micro-batch.
  ///
  /// Its columns are ``fields`` plus ``systemColumns``.
  public var stream: String
  /// The table of raw records.
  public var bronzeTable: String
  /// The table of whole records that could not be parsed or that failed an expectation, with the reason.
  public var quarantineTable: String
  /// The Kafka topic, if records come by Kafka.
  public var kafka: KafkaInput?
  /// The landing directory, if records come as files of newline-delimited JSON.
  public var landing: LandingInput?
  /// MQTT topics whose messages are records, if records come by MQTT.
  public var mqtt: MQTTInput?
  /// What of HL7 messages becomes records, if they come by MLLP.
  public var hl7: HL7Input?
  /// How records that clients push are kept until they are in all tables.
  public var ingest = IngestInput()
  /// The record's fields in column order.
  public var fields: [RecordField]
  /// The longest record in bytes that is parsed; a longer one is kept whole in quarantine.
  public var maxRecordBytes: Int

  /// A source from its parts.
  public init(
    stream: String, bronzeTable: String, quarantineTable: String, kafka: KafkaInput? = nil,
    landing: LandingInput? = nil, fields: [RecordField], maxRecordBytes: Int = 16 << 20
  ) {
    self.stream = stream
    self.bronzeTable = bronzeTable
    self.quarantineTable = quarantineTable
    self.kafka = kafka
    self.landing = landing
    self.fields = fields
    self.maxRecordBytes = maxRecordBytes
  }

  /// What the stream's relation holds beside the record's own fields: the source's name, the record's coordinate and
  /// the time of its arrival.
  public static let systemColumns = ["_source", "_partition", "_offset", "_ingest_time"]
}

/// A Kafka topic as a source.
public struct KafkaInput: Sendable, Hashable {
  /// The topic's name.
  public var topic: String
  /// Settings for librdkafka that this pipeline alone needs, by their librdkafka names.
  public var properties: [String: String]
  /// Whether offsets that the topic no longer holds are passed over, with one line in quarantine, instead of stopping.
  public var acceptsGaps: Bool
  /// The field whose value decides the partition of records that Lakeward itself sends; nil: the first of `deduplicate`'s
  /// keys that is no time.
  public var key: String?

  /// A topic with settings.
  public init(topic: String, properties: [String: String] = [:], acceptsGaps: Bool = false, key: String? = nil) {
    self.topic = topic
    self.properties = properties
    self.acceptsGaps = acceptsGaps
    self.key = key
  }
}

/// MQTT topics as a source of records; the broker is named in `lakeward.yml`.
public struct MQTTInput: Sendable, Hashable {
  /// Topic filters, with `+` and `#`.
  public var topics: [String]
  /// The session's name at the broker; nil: `lakeward-PIPELINE`.
  public var clientId: String?
  /// A field that the message's topic is written to, at the beginning of the JSON object; nil: the topic is not kept.
  public var topicField: String?

  /// Topics to subscribe to.
  public init(topics: [String], clientId: String? = nil, topicField: String? = nil) {
    self.topics = topics
    self.clientId = clientId
    self.topicField = topicField
  }
}

/// HL7 version 2 messages as a source of records; where they are listened for stands in `lakeward.yml`.
public struct HL7Input: Sendable, Hashable {
  /// What of a message becomes a record.
  public enum Records: String, Sendable, Hashable, CaseIterable {
    /// The whole message.
    case messages
    /// Readings of vital signs of ORU^R01, one record per patient and moment.
    case vitals
  }

  /// What becomes a record.
  public var records: Records

  /// An input of these records.
  public init(records: Records) { self.records = records }
}

/// The log in which records that clients push (HTTP, MQTT, HL7) wait to be in all tables.
public struct IngestInput: Sendable, Hashable {
  /// Clients are refused while more bytes than this wait.
  public var backlogBytes = 1 << 30
  /// Seconds for which a file of the log is kept after all its records are in all tables.
  public var keepSeconds = 0.0

  /// The usual limits.
  public init() {}
}

/// A directory of newline-delimited JSON files as a source; a file may still be growing.
public struct LandingInput: Sendable, Hashable {
  /// The directory, relative to the lake's folder unless it is absolute.
  public var path: String
  /// Seconds without a change after which a file's unterminated last line counts as a record.
  public var settleSeconds: Double

  /// A directory; an unterminated line waits five seconds unless said otherwise.
  public init(path: String, settleSeconds: Double = 5) {
    self.path = path
    self.settleSeconds = settleSeconds
  }
}

/// One field of a source's JSON records and the column that it becomes.
public struct RecordField: Sendable, Hashable {
  /// The column's name in SQL.
  public var name: String
  /// The key in the JSON object.
  public var field: String
  /// The type that the value must have.
  public var type: FieldType
  /// Whether a record without this field (missing or null) goes to quarantine.
  public var isRequired: Bool
  /// The unit as a UCUM code, where the field has one.
  public var unit: String?
  /// What the field means, for people.
  public var summary: String?

  /// A field; without `field` the JSON key is the column's name.
  public init(
    name: String, field: String? = nil, type: FieldType, isRequired: Bool = false, unit: String? = nil,
    summary: String? = nil
  ) {
    self.name = name
    self.field = field ?? name
    self.type = type
    self.isRequired = isRequired
    self.unit = unit
    self.summary = summary
  }
}

/// The types of a record's fields.
public enum FieldType: String, Sendable, Hashable, CaseIterable {
  /// Any JSON string.
  case string
  /// A string of 32 hexadecimal digits with hyphens; kept as text, because Delta tables have no type for it.
  case uuid
  /// A whole number of 32 bits.
  case int
  /// A whole number of 64 bits.
  case bigint
  /// A finite number; NaN and infinities are not values.
  case double
  /// `true` or `false`.
  case boolean
  /// An ISO 8601 date, such as 2024-02-29.
  case date
  /// An ISO 8601 instant with its offset from UTC, such as 2024-02-29T12:00:00Z.
  case timestamp

  /// The type's name in the portable SQL dialect: the same type on DuckDB and on Spark.
  public var sqlName: String {
    switch self {
    case .string, .uuid: "STRING"
    case .int: "INT"
    case .bigint: "BIGINT"
    case .double: "DOUBLE"
    case .boolean: "BOOLEAN"
    case .date: "DATE"
    case .timestamp: "TIMESTAMP"
    }
  }

  /// The column's type in DuckDB. A ``timestamp`` is an instant, hence with time zone; a ``uuid`` is its text.
  public var duckDBType: String {
    switch self {
    case .string, .uuid: "VARCHAR"
    case .int: "INTEGER"
    case .bigint: "BIGINT"
    case .double: "DOUBLE"
    case .boolean: "BOOLEAN"
    case .date: "DATE"
    case .timestamp: "TIMESTAMP WITH TIME ZONE"
    }
  }
}
