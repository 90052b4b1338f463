public import MQTT
public import Pipelines

extension MQTTConfiguration {
  init(_ broker: MQTTBroker) {
    self.init(
      host: broker.host, port: broker.port, usesTLS: broker.usesTLS, username: broker.username,
      password: broker.password, caFile: broker.caFile, certificateFile: broker.certificateFile,
      keyFile: broker.keyFile)
  }
}

extension MQTTBroker {
  /// Connects and says good-bye.
  ///
  /// - Throws: `MQTTError` if there is no broker, or if it refuses.
  public func requireAnswer() throws {
    try MQTTPublisher(MQTTConfiguration(self), clientId: "lakeward-check").close()
  }
}

/// Takes a pipeline's MQTT messages into its ingest, for as long as the process runs.
///
/// A message is acknowledged to the broker only after it is durable in the log or the topic, so each comes at least once;
/// the pipeline's deduplication makes that exactly once. The connection is made again, with growing pauses, whenever it is
/// lost or the records cannot be made durable.
public struct MQTTFeed: Sendable {
  /// Something that happened.
  public enum Event: Sendable {
    /// The broker has granted the subscription.
    case connected
    /// This many records became durable.
    case taken(Int)
    /// Nothing comes at the moment; it is tried again after the pause.
    case retrying(any Error, afterSeconds: Double)
  }

  private let subscriber: MQTTSubscriber
  private let ingest: any RecordIngest
  private let topicField: String?

  /// A feed of these topic filters.
  ///
  /// - Parameters:
  ///   - clientId: The name of the session that the broker keeps while nobody is connected.
  ///   - topicField: A field that gets the message's topic; nil: the topic is not kept.
  public init(
    _ configuration: MQTTConfiguration, clientId: String, topics: [String], topicField: String?,
    into ingest: any RecordIngest
  ) {
    subscriber = MQTTSubscriber(configuration, clientId: clientId, topics: topics)
    self.ingest = ingest
    self.topicField = topicField
  }

  /// Takes messages until the stop is asked for. Blocks its thread; never throws for good.
  public func run(stop: StopSignal, observe: @escaping (Event) -> Void) {
    var delay = RetryDelay()
    while !stop.isStopped {
      do {
        var records = IngestRecords()
        var hasWorked = false
        defer { if hasWorked { delay.reset() } }
        try subscriber.run(
          MQTTSubscriber.Receiver(
            connected: {
              hasWorked = true
              observe(.connected)
            },
            take: { message in
              if let topicField {
                records.append(payload: Self.payload(message.payload, topic: message.topic, field: topicField))
              } else {
                records.append(payload: message.payload)
              }
            },
            makeDurable: {
              let count = records.count
              _ = try ingest.append(records)
              records = IngestRecords()
              observe(.taken(count))
            },
            goesOn: { !stop.isStopped }))
      } catch {
        let wanted = (error as? IngestError)?.retryAfterSeconds.map(Double.init) ?? 0
        let pause = max(wanted, delay.next() / .seconds(1))
        observe(.retrying(error, afterSeconds: pause))
        stop.wait(seconds: pause)
      }
    }
    ingest.close()
  }

  /// A JSON object with the topic as its first field; anything else as it is.
  static func payload(_ payload: UnsafeRawBufferPointer, topic: String, field: String) -> [UInt8] {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    guard let start = payload.firstIndex(where: { !isSpace($0) }), payload[start] == UInt8(ascii: "{") else {
      return Array(payload)
    }
    let rest = payload[(start + 1)...]
    var text = Array("{\(quoted(field)):\(quoted(topic))".utf8)
    if rest.first(where: { !isSpace($0) }) != UInt8(ascii: "}") { text.append(UInt8(ascii: ",")) }
    return text + rest
  }

  /// A JSON string (RFC 8259, section 7).
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
