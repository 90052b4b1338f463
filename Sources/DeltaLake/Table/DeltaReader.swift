public import DuckDB

/// Turns a snapshot into SQL that DuckDB runs.
public struct DeltaReader {
  /// A parenthesised SELECT that gives the table's rows and columns, for a FROM clause:
  /// `SELECT … FROM (scanSQL) AS t WHERE …`. Instants assume that the connection's TimeZone is UTC.
  ///
  /// - Parameters:
  ///   - snapshot: the version to read.
  ///   - columns: logical names in the wanted order; nil for all.
  ///   - filters: conditions that wanted rows meet: they only leave out files, so the query must still state them.
  ///   - files: read only these files of the snapshot; nil for all.
  /// - Throws: `missingFile`, `corruptDeletionVector`, `corruptLog` (a bad partition value), `invalidArgument` (an
  ///   unknown column).
  public static func scanSQL(
    _ snapshot: Snapshot, columns: [String]? = nil, filters: [ColumnFilter] = [], files: [AddFile]? = nil
  ) throws(DeltaError) -> String {
    var fields = snapshot.schema.fields
    if let columns {
      fields = []
      for name in columns {
        guard let field = snapshot.schema[name] else {
          throw DeltaError(
            .invalidArgument, "\(snapshot.location) has no column \(name)",
            hint: "its columns are \(snapshot.schema.names.joined(separator: ", "))")
        }
        fields.append(field)
      }
    }
    let wanted: [AddFile]
    if let files { wanted = files } else { wanted = try snapshot.files(matching: filters) }
    return try ScanBuilder(snapshot, fields).sql(wanted)
  }

  /// Those of some files that hold a row which a restriction leaves, whether or not it is deleted.
  ///
  /// - Parameters:
  ///   - files: live files of the version.
  ///   - columns: what the restriction reads.
  ///   - alias: what it calls the table.
  ///   - restriction: SQL behind `FROM table AS alias`: a semi join or WHERE.
  /// - Throws: errors of reading and of the SQL.
  public static func filesWithRows(
    of snapshot: Snapshot, among files: [AddFile], columns: [String], alias: String, restriction: String,
    on connection: Connection
  ) throws(DeltaError) -> [AddFile] {
    var builder = ScanBuilder(snapshot, columns.compactMap { snapshot.schema[$0] })
    builder.filePlace = true
    let bare = files.map { file in
      var file = file
      file.deletionVector = nil
      return file
    }
    let scan = try builder.sql(bare)
    do {
      let rows = try connection.query("SELECT DISTINCT \(alias).__place FROM \(scan) AS \(alias) \(restriction)").rows()
      return rows.compactMap { $0[0].intValue }.filter(files.indices.contains).sorted().map { files[$0] }
    } catch {
      throw DeltaError(engine: error, "finding rows of \(snapshot.location)")
    }
  }
}

/// Builds the SELECT over a set of files.
struct ScanBuilder {
  let snapshot: Snapshot
  var fields: [StructField]
  /// Extra columns: the place of each row, for deletes and updates.
  var rowPlace = false
  /// An extra column: the place of the row's file among the files, none of which has a deletion vector.
  var filePlace = false
  /// Row numbers to keep, for a scan of one file; nil for all.
  var onlyRows: [Int64]?

  init(_ snapshot: Snapshot, _ fields: [StructField]) {
    self.snapshot = snapshot
    self.fields = fields
  }

  func sql(_ files: [AddFile]) throws(DeltaError) -> String {
    if !files.isEmpty, DataType.structure(fields).contains(where: { $0 == .variant }),
      try !VariantFiles.areAnnotated(files, snapshot)
    {
      var plain = self
      plain.fields = fields.map { StructField($0.name, $0.type.withPlainVariants, metadata: $0.metadata) }
      return try plain.sql(files)
    }
    let whole = files.filter { $0.deletionVector == nil }
    let cut = files.filter { $0.deletionVector != nil }
    var selects: [String] = []
    if !whole.isEmpty { selects.append(try select(whole, deleted: nil)) }
    if !cut.isEmpty { selects.append(try select(cut, deleted: try DeletedRows(snapshot).sql(cut))) }
    if selects.isEmpty {
      var columns = fields.map { "NULL::\($0.type.sqlType) AS \(quoted(identifier: $0.name))" }
      if rowPlace { columns += ["NULL::VARCHAR AS __file", "NULL::BIGINT AS __row"] }
      if filePlace { columns.append("NULL::BIGINT AS __place") }
      selects = ["SELECT \(columns.joined(separator: ", ")) WHERE false"]
    }
    return "(" + selects.joined(separator: " UNION ALL ") + ")"
  }

  private func select(_ files: [AddFile], deleted: String?) throws(DeltaError) -> String {
    var paths: [String] = []
    for file in files { paths.append(try snapshot.localPath(file.path)) }
    let partitions = Set(snapshot.partitionColumns)
    let stored = fields.filter { !partitions.contains($0.name) && $0.type != .void }
    var outputs: [String] = []
    for field in fields {
      let name = quoted(identifier: field.name)
      if field.type == .void {
        outputs.append("NULL::\(field.type.sqlType) AS \(name)")
      } else if partitions.contains(field.name) {
        outputs.append("\(try partitionSQL(field, files)) AS \(name)")
      } else {
        let physical = FileColumn(field, snapshot.columnMapping)
        outputs.append("\(physical.output(quoted(identifier: field.name))) AS \(name)")
      }
    }
    if rowPlace {
      outputs.append("\(constants(files.map { quoted(literal: $0.path) }, type: "VARCHAR")) AS __file")
      outputs.append("file_row_number AS __row")
    }
    if filePlace { outputs.append("file_index::BIGINT AS __place") }
    let schema = try schemaSQL(stored)
    let source = "read_parquet(\(Engine.list(paths)), hive_partitioning = false, schema = \(schema))"
    var sql = "SELECT \(outputs.joined(separator: ", ")) FROM \(source)"
    if let deleted { sql += " WHERE (file_index::BIGINT, file_row_number) NOT IN (\(deleted))" }
    if let onlyRows {
      sql += " WHERE file_row_number IN (SELECT r FROM \(try RowNumbers.sql(onlyRows, id: nil)) AS kept(r))"
    }
    return sql
  }

  /// The columns to look for in the files. One column that no file has stands in when only others are wanted.
  private func schemaSQL(_ stored: [StructField]) throws(DeltaError) -> String {
    let byId = snapshot.columnMapping == .id && stored.allSatisfy { $0.fieldId != nil }
    var entries = stored.map { field in
      let column = FileColumn(field, snapshot.columnMapping)
      let key = byId ? String(field.fieldId ?? 0) : quoted(literal: field.physicalName(snapshot.columnMapping))
      return
        "\(key): {name: \(quoted(literal: field.name)), type: \(quoted(literal: column.fileType)), default_value: NULL}"
    }
    if entries.isEmpty {
      entries = ["'__lakeward_none': {name: '__lakeward_none', type: 'INTEGER', default_value: NULL}"]
    }
    return "MAP {\(entries.joined(separator: ", "))}"
  }

  private func partitionSQL(_ field: StructField, _ files: [AddFile]) throws(DeltaError) -> String {
    let physical = field.physicalName(snapshot.columnMapping)
    var values: [String] = []
    for file in files {
      values.append(
        try PartitionValue.sqlLiteral(file.partitionValues[physical] ?? nil, field.type, column: field.name))
    }
    return constants(values, type: field.type.sqlType)
  }

  private func constants(_ values: [String], type: String) -> String {
    if let first = values.first, values.allSatisfy({ $0 == first }) { return first }
    return "([\(values.joined(separator: ", "))]::\(type)[])[file_index::BIGINT + 1]"
  }
}

extension Snapshot {
  /// The local path of a data file as logged.
  func localPath(_ logged: String) throws(DeltaError) -> String {
    if FilePath.isAbsolute(logged) {
      guard let path = FilePath.localPath(absolute: logged) else {
        throw DeltaError(.unsupportedFeature, "a data file has an absolute URI that is not a file: \(logged)")
      }
      return path
    }
    return try store.localPath(FilePath.decode(logged))
  }
}
