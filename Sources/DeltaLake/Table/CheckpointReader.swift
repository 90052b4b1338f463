internal import JSON
internal import DuckDB

/// Reads checkpoints of every kind into a log state.
struct CheckpointReader {
  let store: any ObjectStore

  func read(_ checkpoint: LogSegment.Checkpoint) throws(DeltaError) -> LogState {
    var state = LogState(version: checkpoint.version)
    var inline: [Action] = []
    var sidecars: [Sidecar] = []
    var parquet: [String] = []
    switch checkpoint {
    case .json(_, let path):
      try ActionDecoder.decode(try store.read(path), file: path) { inline.append($0) }
    case .parquet(_, let paths):
      parquet = paths
      let part = try ParquetPart(paths, store)
      inline = try part.smallActions()
      if !part.hasFileActions { parquet = [] }
    }
    for case .sidecar(let sidecar) in inline { sidecars.append(sidecar) }
    parquet += sidecars.map { sidecar in
      let path = FilePath.decode(sidecar.path)
      return path.contains("/") ? path : LogPath.sidecarFolder + "/" + path
    }
    state.apply(inline, version: checkpoint.version)
    guard !parquet.isEmpty else { return state }
    state.checkpoint = CheckpointFiles(version: checkpoint.version, parquet: parquet)
    guard let metadata = state.metadata else { return state }
    let part = try ParquetPart(parquet, store)
    let base = try part.adds(
      partitionColumns: try Self.physicalPartitionColumns(metadata), fields: try metadata.physicalFields())
    let files = Array(state.files)
    state.files = FileSet(base: FileSegment(base))
    for file in files { state.files.insert(file) }
    return state
  }

  private static func physicalPartitionColumns(_ metadata: TableMetadata) throws(DeltaError) -> [String] {
    guard !metadata.partitionColumns.isEmpty else { return [] }
    let schema = try Schema(json: metadata.schemaString)
    return metadata.partitionColumns.map { schema[$0]?.physicalName(metadata.columnMapping) ?? $0 }
  }
}

extension TableMetadata {
  /// How columns are found in files.
  var columnMapping: ColumnMapping {
    ColumnMapping(rawValue: configuration["delta.columnMapping.mode"] ?? "none") ?? .none
  }

  /// The columns with the names that they have in files, at every level of structs.
  func physicalFields() throws(DeltaError) -> [StructField] {
    func renamed(_ field: StructField) -> StructField {
      var type = field.type
      if case .structure(let members) = type { type = .structure(members.map(renamed)) }
      return StructField(field.physicalName(columnMapping), type)
    }
    return try Schema(json: schemaString).fields.map(renamed)
  }
}

/// Parquet files of actions, seen through DuckDB.
struct ParquetPart {
  private let connection: Connection
  let source: String
  private let types: [String: LogicalType]
  private let name: String

  init(_ paths: [String], _ store: any ObjectStore) throws(DeltaError) {
    var local: [String] = []
    for path in paths { local.append(try store.localPath(path)) }
    connection = try Engine.connect()
    name = paths.first ?? ""
    source = "read_parquet(\(Engine.list(local)), union_by_name = true)"
    do {
      let columns = try connection.query("SELECT * FROM \(source) LIMIT 0").columns
      types = Dictionary(columns.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first })
    } catch {
      throw Self.failure(error, name)
    }
  }

  private static func failure(_ error: any Error, _ name: String) -> DeltaError {
    if let error = error as? DeltaError { return error }
    let failure = DeltaError(engine: error, "checkpoint \(name)")
    return failure.code == .diskFull
      ? failure
      : DeltaError(.corruptLog, failure.message, hint: "delete the checkpoint if the commits before it are all there")
  }

  var hasFileActions: Bool { types["add"] != nil || types["remove"] != nil }

  func has(_ action: String, _ field: String) -> Bool {
    guard case .structure(let fields) = types[action] else { return false }
    return fields.contains { $0.name == field }
  }

  /// The field of an action as SQL, NULL where the files lack it.
  func field(_ action: String, _ field: String, as type: String) -> String {
    has(action, field) ? "\(action).\(quoted(identifier: field))::\(type)" : "NULL::\(type)"
  }

  func rows(_ sql: String) throws(DeltaError) -> [[Value]] {
    do { return try connection.query(sql).rows() } catch { throw Self.failure(error, name) }
  }

  /// Everything but file actions, through the same decoder as commits.
  func smallActions() throws(DeltaError) -> [Action] {
    let names = ["protocol", "metaData", "txn", "domainMetadata", "sidecar"].filter { types[$0] != nil }
    guard !names.isEmpty else { return [] }
    let members = names.map { "\(quoted(identifier: $0)) := \(quoted(identifier: $0))" }.joined(separator: ", ")
    let condition = names.map { "\(quoted(identifier: $0)) IS NOT NULL" }.joined(separator: " OR ")
    var actions: [Action] = []
    do {
      let rows = try connection.query(
        "SELECT to_json(struct_pack(\(members)))::VARCHAR FROM \(source) WHERE \(condition)"
      )
      .rows()
      for row in rows {
        guard case .string(let line)? = row.first else { continue }
        try ActionDecoder.decode(Array(line.utf8), file: name) { actions.append($0) }
      }
    } catch {
      throw Self.failure(error, name)
    }
    return actions
  }

  /// The live files; statistics stay where they are.
  ///
  /// - Parameter fields: the table's columns by physical names.
  func adds(partitionColumns: [String], fields: [StructField]) throws(DeltaError) -> [AddFile] {
    guard types["add"] != nil else { return [] }
    let hasVector = has("add", "deletionVector")
    let hasTags = has("add", "tags")
    var columns = [
      "add.path", field("add", "size", as: "BIGINT"), field("add", "modificationTime", as: "BIGINT"),
      field("add", "baseRowId", as: "BIGINT"), field("add", "defaultRowCommitVersion", as: "BIGINT"),
      field("add", "clusteringProvider", as: "VARCHAR"),
      hasTags ? "CASE WHEN add.tags IS NOT NULL THEN to_json(add.tags)::VARCHAR END" : "NULL::VARCHAR",
      hasVector ? "add.deletionVector.storageType" : "NULL::VARCHAR",
      hasVector ? "add.deletionVector.pathOrInlineDv" : "NULL::VARCHAR",
      hasVector ? "add.deletionVector.offset::BIGINT" : "NULL::BIGINT",
      hasVector ? "add.deletionVector.sizeInBytes::BIGINT" : "NULL::BIGINT",
      hasVector ? "add.deletionVector.cardinality::BIGINT" : "NULL::BIGINT",
    ]
    for column in partitionColumns {
      columns.append("map_extract_value(add.partitionValues, \(quoted(literal: column)))::VARCHAR")
    }
    let statistics = statisticsColumn(fields)
    do {
      var files: [AddFile] = []
      var result = try connection.stream(
        "SELECT \(columns.joined(separator: ", ")) FROM \(source) WHERE add.path IS NOT NULL")
      while let chunk = try result.nextChunk() {
        try append(chunk, partitionColumns, statistics, to: &files)
      }
      return files
    } catch {
      throw Self.failure(error, name)
    }
  }

  private func append(
    _ chunk: DataChunk, _ partitionColumns: [String], _ statistics: StatisticsColumn?, to files: inout [AddFile]
  ) throws {
    let paths = try strings(chunk, 0)
    let numbers = try [1, 2, 3, 4, 9, 10, 11].map { try integers(chunk, $0) }
    let texts = try [5, 6, 7, 8].map { try strings(chunk, $0) }
    let partitions = try partitionColumns.indices.map { try strings(chunk, 12 + $0) }
    for row in 0..<chunk.rowCount {
      guard let path = paths[row] else { continue }
      var file = AddFile(path: path, size: numbers[0][row] ?? 0, modificationTime: numbers[1][row] ?? 0)
      file.dataChange = false
      file.baseRowId = numbers[2][row]
      file.defaultRowCommitVersion = numbers[3][row]
      file.clusteringProvider = texts[0][row]
      if let tags = texts[1][row] { file.tags = Self.tags(tags) }
      if let type = texts[2][row], let vector = texts[3][row] {
        file.deletionVector = DeletionVectorDescriptor(
          storageType: type, pathOrInlineDv: vector, offset: numbers[4][row].flatMap { Int32(exactly: $0) },
          sizeInBytes: Int32(clamping: numbers[5][row] ?? 0), cardinality: numbers[6][row] ?? 0)
      }
      for (index, column) in partitionColumns.enumerated() {
        file.partitionValues.updateValue(partitions[index][row], forKey: column)
      }
      if let statistics { file.statistics = .stored(statistics, row: files.count) }
      files.append(file)
    }
  }

  private static func tags(_ text: String) -> [String: String?]? {
    var text = text
    return text.withUTF8 { bytes in
      var reader = JSONReader(bytes)
      return try? reader.readStringMap()
    }
  }

  /// SQL for the statistics of an action as JSON, from text, else from the parsed struct; nil if there are none.
  func statisticsSQL(_ fields: [StructField]) -> String? {
    guard case .structure(let members) = types["add"] else { return nil }
    let parsed = members.first { $0.name == "stats_parsed" }.map {
      ParsedStatistics.sql("add.stats_parsed", $0.type, fields)
    }
    guard has("add", "stats") else { return parsed }
    return parsed.map { "coalesce(add.stats::VARCHAR, \($0))" } ?? "add.stats::VARCHAR"
  }

  /// The statistics in the row order of `adds`.
  private func statisticsColumn(_ fields: [StructField]) -> StatisticsColumn? {
    guard let expression = statisticsSQL(fields) else { return nil }
    let sql = "SELECT \(expression) FROM \(source) WHERE add.path IS NOT NULL"
    let name = name
    return StatisticsColumn {
      do {
        let connection = try Engine.connect()
        var texts: [String?] = []
        var result = try connection.stream(sql)
        while let chunk = try result.nextChunk() { texts += try strings(chunk, 0) }
        return texts
      } catch {
        throw Self.failure(error, name)
      }
    }
  }
}

private func strings(_ chunk: DataChunk, _ index: Int) throws -> [String?] {
  var values: [String?] = []
  values.reserveCapacity(chunk.rowCount)
  try chunk.column(index).forEachString { _, bytes in
    values.append(bytes.map { String(decoding: $0, as: UTF8.self) })
  }
  return values
}

private func integers(_ chunk: DataChunk, _ index: Int) throws -> [Int64?] {
  try chunk.column(index).withValues(as: Int64.self) { values, validity in
    values.indices.map { validity.isValid($0) ? values[$0] : nil }
  }
}
