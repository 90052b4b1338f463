import DeltaLake
import DuckDB
import Foundation
import HL7
import JSON

/// Reads HL7 version 2 messages into `fhir_incoming`, as the FHIR resources that they stand for.
struct HL7Reader {
  /// The table of whole messages.
  static let messages = "hl7_messages"
  private static let read = "hl7_read"
  private let connection: Connection
  private let mapping: HL7Resources

  init(connection: Connection, zone: TimeZone) {
    self.connection = connection
    mapping = HL7Resources(zone: zone)
  }

  /// Empties the list of messages.
  func begin() throws {
    try connection.execute(
      """
      CREATE OR REPLACE TEMP TABLE \(Self.read) (file VARCHAR, line BIGINT, type VARCHAR, event VARCHAR, \
      control_id VARCHAR, message VARCHAR)
      """)
  }

  /// Reads a file of messages. A message that cannot be read becomes a row with the reason.
  func readFile(_ source: FHIRReader.Source) throws {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: source.path)))
    try append(HL7File.parts(bytes).map { (source.name, $0.line, $0.bytes) }, keeping: true)
  }

  /// Takes messages with the file (or stream) and line (or offset) that they came from.
  ///
  /// - Parameter keeping: Whether the messages go to the table of messages too.
  func append(_ messages: [(file: String, line: Int64, bytes: [UInt8])], keeping: Bool) throws {
    let incoming = try connection.appender(table: FHIRReader.table)
    let kept = try connection.appender(table: Self.read)
    for message in messages {
      let (resources, row) = rows(message)
      for resource in resources { try incoming.append(resource) }
      if keeping, let row { try kept.append(row) }
    }
    try incoming.close()
    try kept.close()
  }

  /// A message as rows of `fhir_incoming` and as a row of the table of messages; nil: it cannot be read.
  private func rows(_ source: (file: String, line: Int64, bytes: [UInt8])) -> (resources: [[Value]], message: [Value]?)
  {
    let place: [Value] = [.string(source.file), .int(source.line)]
    do throws(HL7Error) {
      let message = try HL7Message(source.bytes)
      let resources = try mapping.resources(message).enumerated().map { part, resource in
        let text = Value.string(JSONValue.object(resource.json).text)
        return place + [.int(Int64(part)), .null, .null, .null, .null, text, .null]
      }
      let words = [message.type.code, message.type.event, message.controlId, message.text]
      return (resources, place + words.map { $0.map(Value.string) ?? .null })
    } catch {
      let text = String(decoding: source.bytes, as: UTF8.self)
      let fault = Value.string("HL7 \(error.description)")
      return ([place + [.int(0), .null, .null, .null, .null, .string(text), fault]], nil)
    }
  }

  /// Appends the messages that were read to their table.
  func commit(_ tables: IntakeTables, marks: [AppTransaction]) throws {
    guard try connection.query("SELECT count(*) FROM \(Self.read)").scalar().intValue ?? 0 > 0 else { return }
    let table = try tables.messages()
    let known = try table.snapshot().transactions
    let fresh = marks.filter { known[$0.appId] == nil }
    guard !fresh.isEmpty else { return }
    let files = try DeltaWriter(connection: connection).write(
      "SELECT * FROM \(Self.read) ORDER BY file, line", into: table)
    _ = try table.append(files, transactions: fresh, operation: "IMPORT")
  }
}
