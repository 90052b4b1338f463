internal import DeltaLake
internal import DuckDB
internal import HTTP
internal import JSON
internal import Pipelines
internal import Query
internal import Streaming

/// The lake's tables.
enum TableRoutes {
  private static let group = "Tables"

  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    let table = Schema.object(
      [
        "name": .text(), "version": .integer(), "rows": .integer().orNull, "files": .integer(), "bytes": .integer(),
        "last_commit": .text(format: "date-time"), "description": .text().orNull, "owner": .text().orNull,
      ], required: ["name", "version", "files", "bytes"])
    let detail = Schema.object(
      [
        "name": .text(), "version": .integer(), "rows": .integer().orNull, "files": .integer(), "bytes": .integer(),
        "description": .text().orNull, "owner": .text().orNull,
        "partitioned_by": .list(of: .text()), "properties": .map(of: .text()),
        "schema": .list(
          of: .object(
            [
              "name": .text(), "type": .text(), "nullable": .boolean, "comment": .text().orNull,
              "description": .text().orNull, "unit": .text("UCUM").orNull,
              "phi": .text("What it says of a person", words: PHIClass.allCases.map(\.rawValue)).orNull,
            ],
            required: ["name", "type", "nullable"])),
        "history": .list(
          of: .object(
            ["version": .integer(), "time": .text(format: "date-time").orNull, "operation": .text().orNull],
            required: ["version"])),
        "preview": .any,
      ], required: ["name", "version", "schema", "history"])
    return [
      Endpoint(
        .get, "/tables", group: group, "Every table with its version and size", needs: .catalog,
        answers: [.init(200, "Tables", .object(["tables": .list(of: table)], required: ["tables"]))]
      ) { _ in try list(context) },
      Endpoint(
        .get, "/tables/{name}", group: group, "Schema, history and first rows of a table", needs: .catalog,
        answers: [.init(200, "The table", detail)]
      ) { call in try show(call, context) }
      .with {
        $0.details = "The preview is for roles that may read patients; others get none."
        $0.parameters = [
          .init("name", .text(longest: 200), "The table"),
          .init("history", .integer(0...1_000), "How many commits, newest first", default: "20"),
          .init("preview", .integer(0...200), "How many rows", default: "20"),
          .init("version", .integer(0...Int(Int32.max)), "The table as it was at this version"),
        ]
        $0.audit = .read("table")
      },
    ]
  }

  private static func list(_ context: ServerContext) throws -> ServerResponse {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("tables")
    writer.beginArray()
    for name in try context.lake.tableNames() {
      let snapshot = try context.lake.table(named: name).snapshot()
      writer.beginObject()
      try write(name, snapshot, to: &writer)
      writer.member("last_commit", InstantText.timestamp(microseconds: snapshot.timestamp &* 1_000, suffix: "Z"))
      let documentation = context.documentation(of: name, snapshot)
      writer.member("description", documentation.summary)
      writer.member("owner", documentation.owner)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    return .json(writer.bytes)
  }

  private static func write(_ name: String, _ snapshot: Snapshot, to writer: inout JSONWriter) throws {
    writer.member("name", name)
    writer.member("version", snapshot.version)
    writer.key("rows")
    if let rows = try snapshot.rowCount() { writer.write(rows) } else { writer.writeNull() }
    writer.member("files", Int64(snapshot.files.count))
    writer.member("bytes", snapshot.sizeInBytes)
  }

  private static func show(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    let name = call.path["name"] ?? ""
    let isAudit = name == AuditLog.tableName && call.principal.may(.audit)
    guard try isAudit || context.lake.tableNames().contains(name) else {
      throw Problem.notFound("there is no table of that name; /tables lists them")
    }
    if isAudit { context.audit.flush() }
    let table = isAudit ? try DeltaTable(at: context.audit.location) : try context.lake.table(named: name)
    let snapshot = try table.snapshot(version: call.integer("version").map(Int64.init))
    var writer = JSONWriter()
    writer.beginObject()
    try write(name, snapshot, to: &writer)
    let documentation = context.documentation(of: name, snapshot)
    writer.member("description", documentation.summary)
    writer.member("owner", documentation.owner)
    writer.member("partitioned_by", snapshot.partitionColumns)
    writer.member("properties", snapshot.metadata.configuration)
    writer.key("schema")
    writer.beginArray()
    for field in snapshot.schema.fields {
      writer.beginObject()
      writer.member("name", field.name)
      writer.member("type", typeName(field.type))
      writer.member("nullable", field.nullable)
      writer.member("comment", field.comment)
      writer.member("description", documentation[field.name]?.summary)
      writer.member("unit", documentation[field.name]?.unit)
      writer.member("phi", documentation[field.name]?.phi?.rawValue)
      writer.endObject()
    }
    writer.endArray()
    writer.key("history")
    writer.beginArray()
    let wanted = call.integer("history") ?? 20
    for commit in wanted > 0 ? try table.history(limit: wanted) : [] {
      writer.beginObject()
      writer.member("version", commit.version)
      writer.member("time", commit.timestamp.map { InstantText.timestamp(microseconds: $0 &* 1_000, suffix: "Z") })
      writer.member("operation", commit.operation)
      writer.member("metrics", commit.operationMetrics)
      writer.endObject()
    }
    writer.endArray()
    let rows = call.integer("preview") ?? 20
    if rows > 0, call.principal.may(.patients) {
      writer.key("preview")
      writer.raw(try preview(name, snapshot.version, rows, call.principal, context))
    }
    writer.endObject()
    return .json(writer.bytes)
  }

  private static func preview(
    _ name: String, _ version: Int64, _ rows: Int, _ principal: Principal, _ context: ServerContext
  ) throws -> String {
    let begin = ContinuousClock.now
    let sql = "SELECT * FROM delta(\(SQL.quote(literal: name)), version => \(version)) LIMIT \(rows)"
    let bytes = try context.query(sql, for: principal, seconds: 20) {
      try RowText.write($0, .json, rows: rows, bytes: 8 << 20, since: begin)
    }
    return String(decoding: bytes, as: UTF8.self)
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
}
