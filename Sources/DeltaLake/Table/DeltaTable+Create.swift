internal import JSON
import Foundation

extension DeltaTable {
  /// Makes a table: version 0 with protocol and metadata. A table that is there with the same schema and partitioning
  /// is opened.
  ///
  /// - Parameter configuration: table properties, such as `delta.appendOnly` or `delta.checkpointInterval`.
  /// - Throws: `alreadyExists` if a different table is there; `invalidSchema`, `invalidArgument`; errors of the store.
  public static func create(
    at location: String, schema: Schema, partitionColumns: [String] = [], name: String? = nil,
    description: String? = nil, configuration: [String: String] = [:]
  ) throws(DeltaError) -> DeltaTable {
    try create(
      in: try ObjectStores.store(for: location), schema: schema, partitionColumns: partitionColumns, name: name,
      description: description, configuration: configuration)
  }

  /// Makes a table in a store; `clock` gives milliseconds since 1970.
  public static func create(
    in store: any ObjectStore, schema: Schema, partitionColumns: [String] = [], name: String? = nil,
    description: String? = nil, configuration: [String: String] = [:],
    clock: @escaping @Sendable () -> Int64 = DeltaTable.systemClock
  ) throws(DeltaError) -> DeltaTable {
    var metadata = TableMetadata(
      id: UUID().uuidString.lowercased(), name: name, description: description, schemaString: "",
      partitionColumns: partitionColumns, configuration: configuration, createdTime: clock())
    var schema = schema
    let tableProtocol = try NewTable.prepare(&schema, &metadata)
    metadata.schemaString = schema.json
    let now = clock()
    var fields: JSONObject = ["timestamp": .int(now)]
    if configuration["delta.enableInCommitTimestamps"] == "true" { fields["inCommitTimestamp"] = .int(now) }
    fields["operation"] = .string("CREATE TABLE")
    fields["operationParameters"] = .object([
      "partitionBy": .string(JSONValue.array(partitionColumns.map(JSONValue.string)).text),
      "description": description.map(JSONValue.string) ?? .null,
    ])
    fields["isBlindAppend"] = .bool(true)
    fields["engineInfo"] = .string(CommitInfo.engine)
    let bytes = ActionEncoder.encode([
      .commitInfo(CommitInfo(version: 0, fields: fields)), .tableProtocol(tableProtocol), .metadata(metadata),
    ])
    let hasLog = !(try store.list(LogPath.folder, startingAt: nil).filter { !$0.path.contains("/.") }.isEmpty)
    if !hasLog, try store.putIfAbsent(LogPath.commit(0).path, bytes) {
      return try DeltaTable(store: store, clock: clock)
    }
    let table = try DeltaTable(store: store, clock: clock)
    let existing = try table.update()
    guard NewTable.isSame(existing.schema, schema), existing.partitionColumns == partitionColumns else {
      throw DeltaError(
        .alreadyExists, "\(store.location) is a table with another schema or partitioning",
        hint: "choose another place, or evolve that table's schema")
    }
    return table
  }
}

extension CommitInfo {
  /// The name under which this program writes.
  static let engine = "Lakeward"
}

/// Decides the protocol of a new table from its schema and properties.
enum NewTable {
  static func prepare(_ schema: inout Schema, _ metadata: inout TableMetadata) throws(DeltaError) -> TableProtocol {
    guard !schema.fields.isEmpty else { throw DeltaError(.invalidSchema, "the table has no columns") }
    let lowered = schema.names.map { $0.lowercased() }
    if let twice = lowered.first(where: { name in lowered.filter { $0 == name }.count > 1 }) {
      throw DeltaError(.invalidSchema, "two columns are named \(twice) but for upper and lower case")
    }
    for column in metadata.partitionColumns {
      guard let field = schema[column] else {
        throw DeltaError(.invalidSchema, "the partition column \(column) is not in the schema")
      }
      if field.type.primitiveName == nil || field.type == .variant {
        throw DeltaError(.invalidSchema, "the partition column \(column) has a type that cannot partition")
      }
    }
    guard schema.fields.count > metadata.partitionColumns.count else {
      throw DeltaError(.invalidSchema, "all columns are partition columns", hint: "leave one out of the partitioning")
    }
    if let mode = metadata.configuration["delta.columnMapping.mode"], mode != "none" {
      guard mode == "name" || mode == "id" else {
        throw DeltaError(.invalidArgument, "the column mapping mode \(mode) is unknown", hint: "use name or id")
      }
      var highest = schema.highestFieldId
      schema = schema.mapped(&highest)
      metadata.configuration["delta.columnMapping.maxColumnId"] = String(highest)
    } else {
      try checkNames(schema.fields)
    }
    let table = tableProtocol(schema, metadata.configuration)
    try ProtocolRules.checkWritable(table)
    return table
  }

  /// Without column mapping, Parquet writers of other engines refuse these characters.
  private static func checkNames(_ fields: [StructField]) throws(DeltaError) {
    for field in fields {
      if field.name.isEmpty || field.name.contains(where: { " ,;{}()\n\t=".contains($0) }) {
        throw DeltaError(
          .invalidSchema, "the column name \(field.name) is empty or holds one of ' ,;{}()=' or a line break",
          hint: "rename the column or set delta.columnMapping.mode to name")
      }
      if case .structure(let members) = field.type { try checkNames(members) }
    }
  }

  /// The lowest protocol that carries the schema and the properties.
  static func tableProtocol(_ schema: Schema, _ configuration: [String: String]) -> TableProtocol {
    var features = requiredFeatures(schema, configuration)
    let legacy: Set<String> = ["appendOnly", "invariants"]
    if features.subtracting(legacy).isEmpty { return TableProtocol(minReaderVersion: 1, minWriterVersion: 2) }
    features.formUnion(legacy)
    let readerFeatures = features.intersection(ProtocolRules.readableFeatures)
    return TableProtocol(
      minReaderVersion: readerFeatures.isEmpty ? 1 : 3, minWriterVersion: 7,
      readerFeatures: readerFeatures.isEmpty ? nil : readerFeatures.sorted(), writerFeatures: features.sorted())
  }

  static func requiredFeatures(_ schema: Schema, _ configuration: [String: String]) -> Set<String> {
    var features: Set<String> = []
    let whole = DataType.structure(schema.fields)
    if whole.contains(where: { $0 == .timestampNTZ }) { features.insert("timestampNtz") }
    if whole.contains(where: { $0 == .variant }) { features.insert("variantType") }
    if configuration["delta.enableDeletionVectors"] == "true" { features.insert("deletionVectors") }
    if configuration["delta.enableChangeDataFeed"] == "true" { features.insert("changeDataFeed") }
    if configuration["delta.enableTypeWidening"] == "true" { features.insert("typeWidening") }
    if configuration["delta.enableRowTracking"] == "true" { features.formUnion(["rowTracking", "domainMetadata"]) }
    if configuration["delta.enableInCommitTimestamps"] == "true" { features.insert("inCommitTimestamp") }
    if configuration["delta.checkpointPolicy"] == "v2" { features.insert("v2Checkpoint") }
    if configuration["delta.columnMapping.mode"] ?? "none" != "none" { features.insert("columnMapping") }
    if configuration["delta.appendOnly"] == "true" { features.insert("appendOnly") }
    if configuration.keys.contains(where: { $0.hasPrefix("delta.constraints.") }) {
      features.insert("checkConstraints")
    }
    return features
  }

  /// Whether two schemas have the same columns of the same types.
  static func isSame(_ left: Schema, _ right: Schema) -> Bool {
    left.fields.elementsEqual(right.fields) { first, second in
      first.name == second.name && first.type.bare == second.type.bare
    }
  }
}

extension DataType {
  /// The type without nullability and metadata inside it.
  var bare: DataType {
    switch self {
    case .structure(let fields): .structure(fields.map { StructField($0.name, $0.type.bare) })
    case .array(let element, _): .array(element.bare, containsNull: true)
    case .map(let key, let value, _): .map(key.bare, value.bare, valueContainsNull: true)
    default: self
    }
  }

  /// The type with ids and physical names given to every field that lacks them.
  func mapped(_ highest: inout Int64) -> DataType {
    switch self {
    case .structure(let fields): return .structure(fields.map { $0.mapped(&highest) })
    case .array(let element, let containsNull): return .array(element.mapped(&highest), containsNull: containsNull)
    case .map(let key, let value, let containsNull):
      return .map(key.mapped(&highest), value.mapped(&highest), valueContainsNull: containsNull)
    default: return self
    }
  }

  var highestFieldId: Int64 {
    switch self {
    case .structure(let fields): fields.map { max($0.fieldId ?? 0, $0.type.highestFieldId) }.max() ?? 0
    case .array(let element, _): element.highestFieldId
    case .map(let key, let value, _): max(key.highestFieldId, value.highestFieldId)
    default: 0
    }
  }
}

extension StructField {
  func mapped(_ highest: inout Int64) -> StructField {
    var field = self
    if field.fieldId == nil {
      highest += 1
      field.metadata["delta.columnMapping.id"] = .int(highest)
      field.metadata["delta.columnMapping.physicalName"] = .string("col-" + UUID().uuidString.lowercased())
    }
    field.type = type.mapped(&highest)
    return field
  }
}

extension Schema {
  var highestFieldId: Int64 { DataType.structure(fields).highestFieldId }

  func mapped(_ highest: inout Int64) -> Schema { Schema(fields.map { $0.mapped(&highest) }) }
}
