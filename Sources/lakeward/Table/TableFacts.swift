internal import Query
internal import DeltaLake
internal import DuckDB
internal import Pipelines

/// What `lakeward table` tells about a snapshot.
struct TableFacts {
  private let snapshot: Snapshot
  private let rows: Int64
  private let documentation: TableDocumentation

  init(_ snapshot: Snapshot, documentation: TableDocumentation, _ connection: Connection) throws {
    self.snapshot = snapshot
    self.documentation = documentation
    rows = try Self.rowCount(snapshot, connection)
  }

  static let schemaColumns = columns([
    ("column", .varchar), ("type", .varchar), ("nullable", .varchar), ("partition", .varchar), ("unit", .varchar),
    ("phi", .varchar), ("description", .varchar),
  ])

  /// One row per column of the table.
  var schemaRows: [[Value]] {
    snapshot.schema.fields.map { field in
      let place = snapshot.partitionColumns.firstIndex(of: field.name)
      return [
        .string(field.name), .string(Self.typeName(field.type)), .string(field.nullable ? "yes" : "no"),
        place.map { .string(String($0 + 1)) } ?? .string(""), .string(documentation[field.name]?.unit ?? ""),
        .string(documentation[field.name]?.phi?.rawValue ?? ""), .string(documentation[field.name]?.summary ?? ""),
      ]
    }
  }

  /// The lines above the columns.
  var heading: String {
    let metadata = snapshot.metadata
    let protocols = snapshot.tableProtocol
    var lines = [("table", snapshot.location)]
    if let name = metadata.name { lines.append(("name", name)) }
    if let description = documentation.summary { lines.append(("description", description)) }
    if let owner = documentation.owner { lines.append(("owner", owner)) }
    lines += [
      ("id", metadata.id),
      (
        "version",
        "\(snapshot.version), of \(InstantText.timestamp(microseconds: snapshot.timestamp &* 1_000, suffix: "Z"))"
      ),
      ("rows", Console.grouped(rows)),
      ("files", "\(Console.grouped(snapshot.files.count)), \(Console.grouped(snapshot.sizeInBytes)) bytes"),
      ("partitioned by", snapshot.partitionColumns.isEmpty ? "–" : snapshot.partitionColumns.joined(separator: ", ")),
      ("protocol", "reader \(protocols.minReaderVersion), writer \(protocols.minWriterVersion)"),
    ]
    if let features = protocols.readerFeatures, !features.isEmpty {
      lines.append(("reader features", features.sorted().joined(separator: ", ")))
    }
    if let features = protocols.writerFeatures, !features.isEmpty {
      lines.append(("writer features", features.sorted().joined(separator: ", ")))
    }
    lines += metadata.configuration.sorted { $0.key < $1.key }.map { ("property", "\($0.key) = \($0.value)") }
    lines += snapshot.transactions.sorted { $0.key < $1.key }.map { ("txn", "\($0.key) at \($0.value)") }
    let width = lines.map(\.0.count).max() ?? 0
    return lines.map { name, text in
      name + String(repeating: " ", count: width + 2 - name.count) + TableWriter.printable(text) + "\n"
    }.joined() + "\n"
  }

  /// Everything as one JSON object.
  var json: Value {
    let metadata = snapshot.metadata
    let protocols = snapshot.tableProtocol
    let names = ["name", "type", "nullable", "partition", "comment", "description", "unit", "phi"]
    let columns = snapshot.schema.fields.map { field -> Value in
      let values: [Value] = [
        .string(field.name), .string(Self.typeName(field.type)), .bool(field.nullable),
        .bool(snapshot.partitionColumns.contains(field.name)), Self.text(field.comment),
        Self.text(documentation[field.name]?.summary), Self.text(documentation[field.name]?.unit),
        Self.text(documentation[field.name]?.phi?.rawValue),
      ]
      return .structure(zip(names, values).map(Value.Field.init))
    }
    func texts(_ values: [String]) -> Value { .list(values.map(Value.string)) }
    return .structure([
      .init("location", .string(snapshot.location)), .init("name", Self.text(metadata.name)),
      .init("description", Self.text(documentation.summary)), .init("owner", Self.text(documentation.owner)),
      .init("id", .string(metadata.id)),
      .init("version", .int(snapshot.version)), .init("timestamp", Self.instant(snapshot.timestamp)),
      .init("rows", .int(rows)), .init("files", .int(Int64(snapshot.files.count))),
      .init("bytes", .int(snapshot.sizeInBytes)), .init("partition_columns", texts(snapshot.partitionColumns)),
      .init("min_reader_version", .int(Int64(protocols.minReaderVersion))),
      .init("min_writer_version", .int(Int64(protocols.minWriterVersion))),
      .init("reader_features", texts(protocols.readerFeatures ?? [])),
      .init("writer_features", texts(protocols.writerFeatures ?? [])),
      .init("properties", Self.map(metadata.configuration, .json)),
      .init(
        "transactions",
        .map(snapshot.transactions.sorted { $0.key < $1.key }.map { .init(.string($0.key), .int($0.value)) })),
      .init("columns", .list(columns)),
    ])
  }

  /// Rows by the statistics, else by asking the Parquet files.
  static func rowCount(_ snapshot: Snapshot, _ connection: Connection) throws -> Int64 {
    if let count = try snapshot.rowCount() { return count }
    let scan = try DeltaReader.scanSQL(snapshot)
    return Int64(try connection.query("SELECT count(*) FROM \(scan)").scalar().intValue ?? 0)
  }

  /// Delta's name of a type, with nested types in brackets: `array<double>`.
  static func typeName(_ type: DataType) -> String {
    switch type {
    case .structure(let fields): "struct<\(fields.map { "\($0.name): \(typeName($0.type))" }.joined(separator: ", "))>"
    case .array(let element, _): "array<\(typeName(element))>"
    case .map(let key, let value, _): "map<\(typeName(key)), \(typeName(value))>"
    default: type.primitiveName ?? "?"
    }
  }

  /// Milliseconds since 1970 as an instant.
  static func instant(_ milliseconds: Int64) -> Value { .timestampTZ(microseconds: milliseconds &* 1_000) }

  /// A text or NULL.
  static func text(_ text: String?) -> Value { text.map(Value.string) ?? .null }

  /// Pairs: an object in JSON, else `a=1 b=2`.
  static func map(_ pairs: [String: String], _ format: OutputFormat) -> Value {
    let sorted = pairs.sorted { $0.key < $1.key }
    if format == .table { return .string(sorted.map { "\($0.key)=\($0.value)" }.joined(separator: " ")) }
    return .map(sorted.map { .init(.string($0.key), .string($0.value)) })
  }

  /// Columns of names and types.
  static func columns(_ columns: [(String, LogicalType)]) -> [Column] {
    columns.map { Column(name: $0.0, type: $0.1) }
  }
}
