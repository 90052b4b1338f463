internal import JSON
public import DuckDB

extension DeltaTable {
  /// Adds nullable columns at the end; they are null in the rows that are there.
  ///
  /// - Returns: the new version.
  /// - Throws: `schemaMismatch` if a name is taken, `invalidSchema` if a column is not nullable.
  @discardableResult
  public func addColumns(_ fields: [StructField]) throws(DeltaError) -> Int64 {
    try alter("ADD COLUMNS", ["columns": JSONValue.array(fields.map { .string($0.name) }).text]) {
      snapshot, schema, metadata throws(DeltaError) in
      for field in fields {
        guard schema[field.name] == nil else {
          throw DeltaError(.schemaMismatch, "\(self.location) already has a column \(field.name)")
        }
        guard field.nullable else {
          throw DeltaError(.invalidSchema, "the new column \(field.name) must be nullable, since old rows lack it")
        }
        schema.fields.append(field)
      }
      if snapshot.columnMapping != .none {
        var highest = max(
          schema.highestFieldId, metadata.configuration["delta.columnMapping.maxColumnId"].flatMap { Int64($0) } ?? 0)
        schema = schema.mapped(&highest)
        metadata.configuration["delta.columnMapping.maxColumnId"] = String(highest)
      }
    }
  }

  /// Gives a top-level column a wider type; old files keep theirs (the table feature `typeWidening`).
  @discardableResult
  public func widenColumn(_ name: String, to type: DataType) throws(DeltaError) -> Int64 {
    try alter("CHANGE COLUMN", ["column": name]) { _, schema, metadata throws(DeltaError) in
      guard let index = schema.fields.firstIndex(where: { $0.name == name }) else {
        throw DeltaError(.invalidArgument, "\(self.location) has no column \(name)")
      }
      let old = schema.fields[index].type
      guard let from = old.primitiveName, let to = type.primitiveName, SchemaRules.isWidening(from: old, to: type)
      else {
        throw DeltaError(
          .schemaMismatch, "column \(name) cannot be widened from \(old.sqlType) to \(type.sqlType)",
          hint: "write the table anew with the other type")
      }
      var changes = schema.fields[index].metadata["delta.typeChanges"]?.array ?? []
      changes.append(.object(["fromType": .string(from), "toType": .string(to)]))
      schema.fields[index].metadata["delta.typeChanges"] = .array(changes)
      schema.fields[index].type = type
      metadata.configuration["delta.enableTypeWidening"] = "true"
    }
  }

  /// Sets table properties; a nil value removes one. The protocol is raised as they need.
  @discardableResult
  public func setProperties(_ properties: [String: String?]) throws(DeltaError) -> Int64 {
    try alter("SET TBLPROPERTIES", ["properties": properties.keys.sorted().joined(separator: ", ")]) {
      snapshot, _, metadata throws(DeltaError) in
      for (key, value) in properties {
        guard !key.hasPrefix("delta.columnMapping.") else {
          throw DeltaError(.invalidArgument, "\(key) can only be chosen when a table is made")
        }
        metadata.configuration[key] = value
      }
      let isOn = metadata.configuration["delta.enableInCommitTimestamps"] == "true"
      if isOn, !snapshot.flag("delta.enableInCommitTimestamps") {
        metadata.configuration["delta.inCommitTimestampEnablementVersion"] = String(snapshot.version + 1)
        metadata.configuration["delta.inCommitTimestampEnablementTimestamp"] = String(
          max(self.clock(), snapshot.timestamp + 1))
      }
    }
  }

  /// Adds a CHECK constraint after testing it on every row.
  ///
  /// - Parameters:
  ///   - condition: SQL over the columns; a row that does not make it true is refused.
  ///   - connection: runs the test.
  /// - Throws: `constraintViolation` if a row does not meet it.
  @discardableResult
  public func addConstraint(
    _ name: String, _ condition: String, connection: Connection
  ) throws(DeltaError) -> Int64 {
    try alter("ADD CONSTRAINT", ["name": name, "expr": condition], readsRows: true) {
      snapshot, _, metadata throws(DeltaError) in
      let key = "delta.constraints.\(name.lowercased())"
      guard metadata.configuration[key] == nil else {
        throw DeltaError(.invalidArgument, "\(self.location) already has a constraint \(name)")
      }
      let scan = try DeltaReader.scanSQL(snapshot)
      let wrong = try DeltaEditor(connection: connection).count(
        "SELECT count(*) FROM \(scan) WHERE (\(condition)) IS NOT TRUE")
      guard wrong == 0 else {
        throw DeltaError(
          .constraintViolation, "\(wrong) rows of \(self.location) break the new constraint \(name)",
          hint: "correct or delete them first")
      }
      metadata.configuration[key] = condition
    }
  }

  /// Drops a CHECK constraint.
  @discardableResult
  public func dropConstraint(_ name: String) throws(DeltaError) -> Int64 {
    try alter("DROP CONSTRAINT", ["name": name]) { _, _, metadata throws(DeltaError) in
      guard metadata.configuration.removeValue(forKey: "delta.constraints.\(name.lowercased())") != nil else {
        throw DeltaError(.invalidArgument, "\(self.location) has no constraint \(name)")
      }
    }
  }

  func alter(
    _ operation: String, _ parameters: [String: String], readsRows: Bool = false,
    _ change: (Snapshot, inout Schema, inout TableMetadata) throws(DeltaError) -> Void
  ) throws(DeltaError) -> Int64 {
    for _ in 0..<25 {
      let snapshot = try update()
      try ProtocolRules.checkWritable(snapshot.tableProtocol)
      var schema = snapshot.schema
      var metadata = snapshot.metadata
      try change(snapshot, &schema, &metadata)
      metadata.schemaString = schema.json
      var pending = PendingCommit(operation: operation)
      pending.parameters = parameters
      pending.reads = readsRows ? .everyRow : .nothing
      if let raised = snapshot.tableProtocol.raised(schema, metadata) {
        try ProtocolRules.checkWritable(raised)
        pending.actions.append(.tableProtocol(raised))
      }
      pending.actions.append(.metadata(metadata))
      switch try commit(pending, from: snapshot) {
      case .committed(let result): return result.version
      case .stale, .conflict: continue
      }
    }
    throw DeltaError(.conflict, "\(location): \(operation) lost against other writers", hint: "try again")
  }
}

extension TableProtocol {
  /// The protocol with the features that schema and properties need; nil if it has them all.
  func raised(_ schema: Schema, _ metadata: TableMetadata) -> TableProtocol? {
    let needed = NewTable.requiredFeatures(schema, metadata.configuration)
    let missing = needed.filter { !ProtocolRules.supports($0, self) }
    guard !missing.isEmpty else { return nil }
    let writer = Set(ProtocolRules.writerFeatures(self)).union(missing)
    var reader = Set(readerFeatures ?? []).union(missing.intersection(ProtocolRules.readableFeatures))
    if minReaderVersion == 2 { reader.insert("columnMapping") }
    return TableProtocol(
      minReaderVersion: reader.isEmpty ? 1 : 3, minWriterVersion: 7,
      readerFeatures: reader.isEmpty ? nil : reader.sorted(),
      writerFeatures: writer.union(reader).sorted())
  }
}
