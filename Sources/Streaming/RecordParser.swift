public import DuckDB
public import Pipelines

/// Writes the SQL that turns raw JSON records into typed columns in one pass.
///
/// A record that is not a JSON object, lacks a required field, or holds a value that its field's type cannot take
/// gets a reason instead; `RecordParserFunction` says exactly what each type takes.
public struct RecordParser: Sendable {
  /// The column that says why a record cannot be used; NULL for a good one.
  public static let reasonColumn = "_reason"

  private let fields: [RecordField]
  private let function: RecordParserFunction

  /// A parser of records with these fields.
  public init(fields: [RecordField]) {
    self.fields = fields
    function = RecordParserFunction(
      name: Self.name(for: fields),
      fields: fields.map {
        .init(column: $0.name, key: $0.field, type: Self.type(of: $0.type), isRequired: $0.isRequired)
      })
  }

  /// Makes the function that `select` calls known to the connection's database, unless it is already.
  public func register(on connection: Connection) throws {
    guard try !connection.knows(function) else { return }
    do {
      try connection.register(function)
    } catch {
      // Another connection may have been quicker.
      guard try connection.knows(function) else { throw error }
    }
  }

  /// Fields that records had since the last call and that are not among the parser's.
  func takeUnknownFields(on connection: Connection) throws -> [UnknownField] {
    try connection.takeUnknownKeys(of: function).map { UnknownField(key: $0.name, kind: $0.kind) }
  }

  /// A SELECT that parses `relation`, which has the columns of a bronze table.
  ///
  /// Its columns are the record's fields, `_reason`, and the stream's system columns.
  public func select(from relation: String) -> String {
    let columns = (fields.map(\.name) + [Self.reasonColumn]).map { SQL.quote(identifier: $0) }
    return """
      SELECT \(columns.map { "s.\($0) AS \($0)" }.joined(separator: ",\n  ")),
        "source" AS _source, "partition" AS _partition, "offset" AS _offset, ingest_time AS _ingest_time
      FROM (
        SELECT "source", "partition", "offset", ingest_time, \(function.name)(raw, raw_encoding) AS s
        FROM \(relation)
      )
      """
  }

  /// A name that equal fields share, so that pipelines in one database do not meet: FNV-1a over what the parser does.
  private static func name(for fields: [RecordField]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for field in fields {
      for part in [field.name, field.field, field.type.rawValue, field.isRequired ? "required" : ""] {
        for byte in part.utf8 + [0xFF] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      }
    }
    return "parse_record_" + String(hash, radix: 16)
  }

  private static func type(of type: FieldType) -> RecordParserFunction.FieldType {
    switch type {
    case .string: .string
    case .uuid: .uuid
    case .int: .int
    case .bigint: .bigint
    case .double: .double
    case .boolean: .boolean
    case .date: .date
    case .timestamp: .timestamp
    }
  }
}
