internal import Glibc
public import Kafka

/// Sends records to a pipeline's topic and answers after all replicas have acknowledged them (`acks=all`).
public final class TopicIngest: RecordIngest {
  private let producer: KafkaProducer
  private let topic: String
  private let key: RecordKey?
  private let timeout: Duration

  /// An ingest into this topic. Does not contact the brokers yet.
  ///
  /// - Parameters:
  ///   - keyField: The field at the top level of a record whose value decides its partition, so that repeats of a record
  ///     come to the process that knows the first. Records without it, and all records if it is nil, go by their whole text.
  ///   - timeout: How long the brokers may take.
  /// - Throws: `KafkaError` for properties that cannot be set.
  public init(
    topic: String, configuration: KafkaConfiguration, keyField: String?, timeout: Duration = .seconds(20)
  ) throws(KafkaError) {
    var configuration = configuration
    let defaults = ["linger.ms": "5", "message.timeout.ms": String(timeout.components.seconds * 1000)]
    configuration.properties.merge(defaults) { given, _ in given }
    producer = try KafkaProducer(configuration)
    self.topic = topic
    self.timeout = timeout
    key = keyField.map(RecordKey.init)
  }

  /// Sends the records and returns after they are acknowledged.
  ///
  /// - Throws: `IngestError.unavailable` if the brokers did not acknowledge all of them in time; some may be there.
  public func append(_ records: IngestRecords) throws(IngestError) -> IngestReceipt {
    guard records.count > 0 else { return IngestReceipt(records: 0, bytes: 0) }
    let outcome = records.bytes.withUnsafeBytes { bytes -> Result<Void, KafkaError> in
      Result { () throws(KafkaError) in
        try producer.deliver(lines: bytes, to: topic, timeout: timeout) { record in
          key?.value(in: record) ?? record
        }
      }
    }
    do throws(KafkaError) {
      try outcome.get()
    } catch {
      throw .unavailable(reason: error.description, retryAfterSeconds: error.isRetriable ? 5 : 30)
    }
    return IngestReceipt(records: records.count, bytes: records.bytes.count)
  }

  /// Nothing is held back: every append has waited for its records.
  public func close() {}
}

/// Finds the value of one field at the top level of a JSON object without parsing the rest.
struct RecordKey: Sendable {
  private let name: [UInt8]

  /// - Parameter field: The key in the JSON object.
  init(field: String) { name = Array(field.utf8) }

  /// The bytes of the field's value as they stand in the record, quotes left out; nil if there is no such field or the
  /// record is no JSON object. The key is compared byte by byte, so one written with escapes is not found.
  func value(in record: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var scan = Scan(text: record)
    scan.skipSpace()
    guard scan.take(UInt8(ascii: "{")) else { return nil }
    while true {
      scan.skipSpace()
      guard let key = scan.string() else { return nil }
      scan.skipSpace()
      guard scan.take(UInt8(ascii: ":")) else { return nil }
      scan.skipSpace()
      guard let value = scan.value() else { return nil }
      if key.elementsEqual(name) { return value }
      scan.skipSpace()
      guard scan.take(UInt8(ascii: ",")) else { return nil }
    }
  }

  private struct Scan {
    let text: UnsafeRawBufferPointer
    var at = 0

    mutating func skipSpace() {
      while at < text.count, text[at] == 0x20 || text[at] == 0x09 || text[at] == 0x0A || text[at] == 0x0D { at += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
      guard at < text.count, text[at] == byte else { return false }
      at += 1
      return true
    }

    /// The inside of a string.
    mutating func string() -> UnsafeRawBufferPointer? {
      guard take(UInt8(ascii: "\"")) else { return nil }
      let start = at
      while at < text.count {
        if text[at] == UInt8(ascii: "\\") {
          at += 2
        } else if text[at] == UInt8(ascii: "\"") {
          at += 1
          return UnsafeRawBufferPointer(rebasing: text[start..<(at - 1)])
        } else {
          at += 1
        }
      }
      return nil
    }

    /// A value: a string's inside, or the text of anything else.
    mutating func value() -> UnsafeRawBufferPointer? {
      guard at < text.count else { return nil }
      if text[at] == UInt8(ascii: "\"") { return string() }
      let start = at
      var depth = 0
      while at < text.count {
        switch text[at] {
        case UInt8(ascii: "\""):
          guard string() != nil else { return nil }
          continue
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          if depth == 0 { return UnsafeRawBufferPointer(rebasing: text[start..<at]) }
          depth -= 1
        case UInt8(ascii: ",") where depth == 0: return UnsafeRawBufferPointer(rebasing: text[start..<at])
        default: break
        }
        at += 1
      }
      return nil
    }
  }
}
