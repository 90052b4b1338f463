internal import JSON
public import DuckDB
import Foundation

/// Changes the rows of a table: overwrite, delete, update, merge. Each change is one commit; when another writer's
/// commit gets in the way, the change is worked out again on the new version.
///
/// SQL conditions and expressions name the table's columns. A row whose condition is NULL is left alone.
public struct DeltaEditor {
  /// What a change did.
  public struct Outcome: Sendable, Hashable {
    /// The version that the table now has.
    public var version: Int64
    /// Rows that the change touched, by kind: `deleted`, `updated`, `inserted`, `copied`.
    public var rows: [String: Int64]
    /// Files that entered the table.
    public var filesAdded: Int
    /// Files that left it.
    public var filesRemoved: Int
    /// Bytes of the files that entered.
    public var bytesAdded: Int64 = 0
    /// Bytes of the files that left.
    public var bytesRemoved: Int64 = 0
  }

  let connection: Connection
  let writer: DeltaWriter
  /// How often a change is worked out again before `conflict` is thrown.
  let attempts = 25

  /// An editor that runs its queries on a connection, whose TimeZone should be UTC.
  public init(connection: Connection, options: DeltaWriter.Options = .init()) {
    self.connection = connection
    writer = DeltaWriter(connection: connection, options: options)
  }

  /// A worked-out change.
  struct Change {
    var removed: [AddFile] = []
    var added: [AddFile] = []
    var changes: [ChangeFile] = []
    var extra: [Action] = []
    var rows: [String: Int64] = [:]
    var reads: ReadSet = .nothing
    var isNothing: Bool { removed.isEmpty && added.isEmpty && extra.isEmpty }
  }

  /// Works out and commits a change, again when another writer was faster.
  func commit(
    _ table: DeltaTable, _ operation: String, _ parameters: [String: String], dataChange: Bool = true,
    transactions: [AppTransaction] = [], _ work: (Snapshot) throws(DeltaError) -> Change
  ) throws(DeltaError) -> Outcome {
    var reason = ""
    for _ in 0..<attempts {
      let snapshot = try table.update()
      try ProtocolRules.checkWritable(snapshot.tableProtocol)
      let change = try work(snapshot)
      if change.isNothing, transactions.isEmpty {
        return Outcome(version: snapshot.version, rows: change.rows, filesAdded: 0, filesRemoved: 0)
      }
      if dataChange, !change.removed.isEmpty, snapshot.flag("delta.appendOnly") {
        throw DeltaError(
          .appendOnly, "\(table.location) only takes new rows", hint: "set delta.appendOnly to false to change rows")
      }
      var pending = PendingCommit(operation: operation)
      pending.parameters = parameters
      pending.reads = change.reads
      pending.transactions = transactions
      for (kind, count) in change.rows { pending.metrics["num\(kind.capitalized)Rows"] = String(count) }
      pending.metrics["numAddedFiles"] = String(change.added.count)
      pending.metrics["numRemovedFiles"] = String(change.removed.count)
      let now = table.clock()
      pending.actions = change.extra
      pending.actions += change.removed.map { .remove(RemoveFile($0, at: now, dataChange: dataChange)) }
      pending.actions += change.added.map { file in
        var file = file
        file.dataChange = dataChange
        return .add(file)
      }
      pending.actions += change.changes.map(Action.cdc)
      switch try table.commit(pending, from: snapshot) {
      case .committed(let result):
        return Outcome(
          version: result.version, rows: change.rows, filesAdded: change.added.count,
          filesRemoved: change.removed.count, bytesAdded: change.added.reduce(0) { $0 + $1.size },
          bytesRemoved: change.removed.reduce(0) { $0 + $1.size })
      case .stale(let appId, let version):
        throw DeltaError(
          .conflict, "\(table.location) already has version \(version) of application \(appId)",
          hint: "nothing was written; go on after that version")
      case .conflict(let text): reason = text
      }
    }
    throw DeltaError(
      .conflict, "\(table.location): \(operation) lost against other writers \(attempts) times: \(reason)",
      hint: "try again when fewer writers are at work")
  }

  /// Replaces all rows, or those that meet a condition, by the rows of a query.
  ///
  /// - Parameter condition: SQL over the table's columns; every new row must meet it.
  /// - Throws: `constraintViolation` if a new row does not meet the condition; the errors of writing and committing.
  public func overwrite(
    _ table: DeltaTable, with select: String, where condition: String? = nil, transactions: [AppTransaction] = []
  ) throws(DeltaError) -> Outcome {
    var parameters = ["mode": "Overwrite"]
    parameters["predicate"] = condition
    return try commit(table, "WRITE", parameters, transactions: transactions) { snapshot throws(DeltaError) in
      var change = Change()
      if let condition {
        change = try deletion(snapshot, table, condition)
        let wrong = try count("SELECT count(*) FROM (\(select)\n) WHERE (\(condition)) IS NOT TRUE")
        guard wrong == 0 else {
          throw DeltaError(
            .constraintViolation, "\(wrong) of the new rows do not meet the condition of the replacement",
            hint: "leave them out or widen the condition; nothing was written")
        }
      } else {
        change.removed = Array(snapshot.files)
        change.reads = .table
      }
      let files = try writer.write(select, into: snapshot, store: table.store, now: table.clock())
      change.added += files
      change.rows["inserted"] = files.reduce(0) { $0 + (FileStatistics.numRecords($1.statisticsText) ?? 0) }
      if snapshot.flag("delta.enableChangeDataFeed") {
        change.changes += try changeFiles(snapshot, table, "SELECT *, 'insert' AS _change_type FROM (\(select)\n)")
        if condition == nil {
          let old = try DeltaReader.scanSQL(snapshot)
          change.changes += try changeFiles(snapshot, table, "SELECT *, 'delete' AS _change_type FROM \(old)")
        }
      }
      return change
    }
  }

  /// Deletes the rows that meet a condition, all rows if there is none.
  public func delete(from table: DeltaTable, where condition: String? = nil) throws(DeltaError) -> Outcome {
    let parameters = ["predicate": JSONValue.array(condition.map { [.string($0)] } ?? []).text]
    return try commit(table, "DELETE", parameters) { snapshot throws(DeltaError) in
      guard let condition else {
        var change = Change()
        change.removed = Array(snapshot.files)
        change.reads = .table
        change.rows["deleted"] = try snapshot.rowCount() ?? 0
        return change
      }
      return try deletion(snapshot, table, condition)
    }
  }

  /// Sets columns of the rows that meet a condition, of all rows if there is none.
  ///
  /// - Parameter assignments: SQL expressions over the row before the change, by column name.
  public func update(
    _ table: DeltaTable, set assignments: [String: String], where condition: String? = nil
  ) throws(DeltaError) -> Outcome {
    let parameters = ["predicate": JSONValue.array(condition.map { [.string($0)] } ?? []).text]
    return try commit(table, "UPDATE", parameters) { snapshot throws(DeltaError) in
      for name in assignments.keys where snapshot.schema[name] == nil {
        throw DeltaError(.invalidArgument, "\(table.location) has no column \(name) to update")
      }
      let test = condition ?? "true"
      let affected = try affectedFiles(snapshot, test)
      var change = Change()
      change.removed = affected.files
      change.reads = .files(Set(affected.files.map(\.key)))
      change.rows["updated"] = affected.rows
      guard !affected.files.isEmpty else { return change }
      let scan = try DeltaReader.scanSQL(snapshot, files: affected.files)
      let changed = Self.assigned(snapshot.schema, assignments)
      let columns = snapshot.schema.fields.map { field in
        let name = quoted(identifier: field.name)
        guard let value = changed[field.name] else { return name }
        return "CASE WHEN (\(test)) IS TRUE THEN \(value) ELSE \(name) END AS \(name)"
      }
      change.added = try writer.write(
        "SELECT \(columns.joined(separator: ", ")) FROM \(scan)", into: snapshot, store: table.store, now: table.clock()
      )
      if snapshot.flag("delta.enableChangeDataFeed") {
        let after = snapshot.schema.fields.map { field in
          "\(changed[field.name] ?? quoted(identifier: field.name)) AS \(quoted(identifier: field.name))"
        }
        change.changes = try changeFiles(
          snapshot, table,
          "SELECT *, 'update_preimage' AS _change_type FROM \(scan) WHERE (\(test)) IS TRUE UNION ALL BY NAME "
            + "SELECT \(after.joined(separator: ", ")), 'update_postimage' AS _change_type FROM \(scan) "
            + "WHERE (\(test)) IS TRUE")
      }
      return change
    }
  }

  /// The expressions by the schema's spelling of the column, cast to its type.
  static func assigned(_ schema: Schema, _ assignments: [String: String], alias: String = "") -> [String: String] {
    var result: [String: String] = [:]
    for (name, expression) in assignments {
      if let field = schema[name] { result[field.name] = "CAST((\(expression)) AS \(field.type.sqlType))" }
    }
    return result
  }

  func count(_ sql: String) throws(DeltaError) -> Int64 {
    do {
      guard case .int(let value) = try connection.query(sql).scalar() else { return 0 }
      return value
    } catch {
      throw DeltaError(engine: error, "counting rows")
    }
  }

  /// Writes the rows of a query, which has a column `_change_type`, as files of the change data feed.
  func changeFiles(
    _ snapshot: Snapshot, _ table: DeltaTable, _ select: String
  ) throws(DeltaError) -> [ChangeFile] {
    let files = try writer.write(
      select, into: snapshot, store: table.store, now: table.clock(), folder: LogPath.changeDataFolder,
      extraColumns: [StructField("_change_type", .string)])
    return files.map { ChangeFile(path: $0.path, partitionValues: $0.partitionValues, size: $0.size) }
  }
}

extension AddFile {
  /// Statistics that are at hand as text.
  var statisticsText: String? {
    guard case .text(let text) = statistics else { return nil }
    return text
  }
}
