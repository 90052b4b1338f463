public import Foundation
internal import HL7
internal import JSON
internal import Pipelines
internal import Synchronization

/// Takes HL7 messages into the pipelines that want them and answers when they are durable.
///
/// AA is given after every pipeline's log is synced (or its topic has acknowledged). A message that cannot be read is made
/// durable too, with the reason, and goes to quarantine; its sender gets AE. What could not be made durable gets AR: the sender
/// keeps it and sends it again, and the pipelines' deduplication drops what was there already.
public final class HL7Feed: Sendable {
  /// A pipeline that takes a part of each message.
  public struct Destination: Sendable {
    let pipeline: String
    let records: HL7Input.Records
    let ingest: any RecordIngest
  }

  /// What became of a message.
  public enum Event: Sendable {
    /// It is durable.
    case taken
    /// It is faulty, and durable with the reason, which names segment and field.
    case faulty(String)
    /// It is not durable.
    case rejected(String)
  }

  private let destinations: [Destination]
  private let zone: TimeZone
  private let observe: @Sendable (Event) -> Void
  private let answers = Atomic<Int>(0)

  /// - Parameters:
  ///   - zone: The zone of times without an offset, where MSH-7 has none either.
  ///   - observe: Told about each message, on the thread that brought it.
  public init(_ destinations: [Destination], zone: TimeZone, observe: @escaping @Sendable (Event) -> Void) {
    self.destinations = destinations
    self.zone = zone
    self.observe = observe
  }

  /// Makes a message durable and gives the framed answer. May be called from any thread and blocks it.
  ///
  /// - Parameter bytes: The message without its frame; nil: it was longer than is taken.
  public func answer(_ bytes: [UInt8]?) -> [UInt8] {
    guard let bytes else {
      return framed(.rejected(reason: "the message is longer than \(HL7Message.longest) bytes"), to: nil)
    }
    var message: HL7Message?
    var fault: HL7Error?
    do throws(HL7Error) {
      let read = try HL7Message(bytes)
      message = read
      _ = try HL7Resources(zone: zone).resources(read)
    } catch {
      fault = error
    }
    do throws(IngestError) {
      for (destination, records) in records(bytes, message, fault) where !records.isEmpty {
        _ = try destination.ingest.append(payloads: records.map { Array($0.text.utf8) })
      }
    } catch {
      return framed(.rejected(reason: error.description), to: message)
    }
    return framed(fault.map(HL7Acknowledgement.faulty) ?? .accepted, to: message)
  }

  /// Frees the pipelines' logs after the messages in hand.
  public func close() { for destination in destinations { destination.ingest.close() } }

  private func framed(_ answer: HL7Acknowledgement, to message: HL7Message?) -> [UInt8] {
    switch answer {
    case .accepted: observe(.taken)
    case .faulty(let error): observe(.faulty(error.description))
    case .rejected(let reason): observe(.rejected(reason))
    }
    let number = answers.add(1, ordering: .relaxed).newValue
    let time = Self.now(separators: false)
    return MLLPFrames.framed(answer.text(to: message, id: "\(time.prefix(14))-\(number)", time: time))
  }

  /// The records of a message for each pipeline. Pipelines of whole messages keep all of them, faulty ones with the reason.
  /// Where there is none, the others get what they cannot use with the reason, for their quarantine: nobody is told that
  /// something is kept which is kept nowhere.
  private func records(
    _ bytes: [UInt8], _ message: HL7Message?, _ fault: HL7Error?
  ) -> [(Destination, [JSONValue])] {
    let areKept = destinations.contains { $0.records == .messages }
    return destinations.map { destination in
      if destination.records == .messages {
        return (destination, [whole(bytes, message, fault: fault?.description)])
      }
      let readings = fault == nil ? message.map { HL7Vitals.records($0, zone: zone) } ?? [] : []
      if !readings.isEmpty || areKept { return (destination, readings.map(JSONValue.object)) }
      return (destination, [whole(bytes, message, fault: fault?.description ?? "the message holds no vital sign")])
    }
  }

  private func whole(_ bytes: [UInt8], _ message: HL7Message?, fault: String?) -> JSONValue {
    var record: JSONObject = [:]
    if let message {
      let time = HL7Time(message, zone: zone)
      record["control_id"] = message.controlId.map(JSONValue.string)
      record["sender"] = .string([3, 4].compactMap { message.header.text($0) }.joined(separator: "@"))
      record["message_type"] = message.type.code.map(JSONValue.string)
      record["trigger_event"] = message.type.event.map(JSONValue.string)
      // A time of day without a date, or none at all, cannot tell messages apart.
      record["sent_at"] = time.iso(message.header.text(7)).flatMap { $0.count > 10 ? .string($0) : nil }
    }
    if record["sent_at"] == nil { record["sent_at"] = .string(Self.now(separators: true)) }
    if let fault { record["fault"] = .string(fault) }
    if let text = message?.text ?? String(validating: bytes, as: UTF8.self) {
      record["message"] = .string(text)
    } else {
      record["message"] = .string(Data(bytes).base64EncodedString())
      record["encoding"] = .string("base64")
    }
    return .object(record)
  }

  /// Now in UTC, as HL7 or as ISO 8601 writes it.
  private static func now(separators: Bool) -> String {
    let iso = Date().formatted(.iso8601)
    return separators ? iso : iso.filter(\.isNumber) + "+0000"
  }
}
