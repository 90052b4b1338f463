public import DuckDB
import Foundation

/// Writes the rows of a query as data files of a table.
public struct DeltaWriter {
  /// How Parquet files are written.
  public struct Options: Sendable, Hashable {
    /// `zstd`, `snappy`, `gzip`, `lz4` or `uncompressed`.
    public var compression: String
    /// Level for zstd; nil for DuckDB's own.
    public var compressionLevel: Int?
    /// Greatest number of rows in a row group.
    public var rowGroupSize: Int
    /// About how many bytes of a row group are gathered in memory before it is written, however few rows they are; nil: no
    /// limit. DuckDB takes it only on a connection whose `preserve_insertion_order` is false.
    public var rowGroupBytes: Int64?
    /// 1 for encodings that every reader knows; 2 for denser ones (delta-encoded integers, times and strings), which
    /// delta-rs, DuckDB and Spark from 3.3 on read.
    public var parquetVersion: Int
    /// Begin another file when one has reached about this size, bytes; nil for one file (per partition).
    public var fileSizeBytes: Int64?
    /// Whether columns whose values repeat are written with a dictionary.
    public var usesDictionaries: Bool

    /// Options for the files of a table.
    public init(
      compression: String = "zstd", compressionLevel: Int? = nil, rowGroupSize: Int = 122_880,
      rowGroupBytes: Int64? = nil, parquetVersion: Int = 1, fileSizeBytes: Int64? = nil, usesDictionaries: Bool = true
    ) {
      self.compression = compression
      self.compressionLevel = compressionLevel
      self.rowGroupSize = rowGroupSize
      self.rowGroupBytes = rowGroupBytes
      self.parquetVersion = parquetVersion
      self.fileSizeBytes = fileSizeBytes
      self.usesDictionaries = usesDictionaries
    }
  }

  private let connection: Connection
  let options: Options

  /// A writer that runs its queries on a connection, whose TimeZone should be UTC.
  public init(connection: Connection, options: Options = Options()) {
    self.connection = connection
    self.options = options
  }

  /// Runs a SELECT and writes its rows as files below the table. The files are durable on return and belong to no
  /// version until a commit names them.
  ///
  /// Columns are matched by name; a column that the query lacks is null.
  /// - Returns: one action per file, none if there is no row.
  /// - Throws: `schemaMismatch` naming the columns, `constraintViolation` (NOT NULL, CHECK), `diskFull`, `storage`,
  ///   and `engine` for SQL that DuckDB refuses.
  public func write(_ select: String, into table: DeltaTable) throws(DeltaError) -> [AddFile] {
    try write(select, into: try table.update(), store: table.store, now: table.clock())
  }

  /// As `write(_:into:)`, for a version that `Snapshot.redefined` gave.
  public func write(
    _ select: String, into table: DeltaTable, as definition: Snapshot
  ) throws(DeltaError) -> [AddFile] {
    try write(select, into: definition, store: table.store, now: table.clock())
  }

  func write(
    _ select: String, into snapshot: Snapshot, store: any ObjectStore, now: Int64, folder: String? = nil,
    extraColumns: [StructField] = []
  ) throws(DeltaError) -> [AddFile] {
    try ProtocolRules.checkWritable(snapshot.tableProtocol)
    let described = try describe(select)
    let plan = try WritePlan(snapshot, described, extra: extraColumns)
    let staging = try store.stagingFolder() + (folder.map { "/" + $0 } ?? "")
    let isPartitioned = !snapshot.partitionColumns.isEmpty
    let target: String
    var settings = ["FORMAT parquet", "RETURN_STATS", "COMPRESSION \(options.compression)"]
    if let level = options.compressionLevel, options.compression == "zstd" {
      settings.append("COMPRESSION_LEVEL \(level)")
    }
    settings.append("ROW_GROUP_SIZE \(options.rowGroupSize)")
    if let bytes = options.rowGroupBytes { settings.append("ROW_GROUP_SIZE_BYTES \(bytes)") }
    if options.parquetVersion == 2 { settings.append("PARQUET_VERSION v2") }
    // A dictionary of more entries than this saves no room beside compression, and looking for it costs a fifth of the
    // writing time.
    settings.append("DICTIONARY_SIZE_LIMIT \(options.usesDictionaries ? 4_000 : 1)")
    if let ids = plan.fieldIds { settings.append("FIELD_IDS \(ids)") }
    if isPartitioned || options.fileSizeBytes != nil {
      target = staging
      settings += ["FILENAME_PATTERN 'part-{uuid}'", "OVERWRITE_OR_IGNORE"]
      if isPartitioned {
        settings.append("PARTITION_BY (\(plan.partitionNames.map(quoted(identifier:)).joined(separator: ", ")))")
      }
      if let size = options.fileSizeBytes, !isPartitioned { settings.append("FILE_SIZE_BYTES \(size)") }
    } else {
      target = staging + "/part-\(UUID().uuidString.lowercased()).parquet"
    }
    if folder != nil { try PosixFileSystem().makeFolder(staging) }
    let rows = try copy(plan.selectSQL(select), to: target, settings)
    return try actions(rows, plan, snapshot, store, now: now)
  }

  private func describe(_ select: String) throws(DeltaError) -> [(name: String, type: DataType)] {
    let columns: [Column]
    do {
      columns = try connection.query("SELECT * FROM (\(select)\n) LIMIT 0").columns
    } catch {
      throw DeltaError(engine: error, "examining the rows to write")
    }
    var result: [(name: String, type: DataType)] = []
    for column in columns { result.append((column.name, try DataType(sqlType: column.type.description))) }
    return result
  }

  private func copy(_ select: String, to target: String, _ settings: [String]) throws(DeltaError) -> [[Value]] {
    do {
      return try connection.query(
        "COPY (\(select)\n) TO \(quoted(literal: target)) (\(settings.joined(separator: ", ")))"
      ).rows()
    } catch {
      if let range = error.detail.range(of: WritePlan.violationMark) {
        let what = error.detail[range.upperBound...].prefix { $0 != "\n" && $0 != ";" }
        throw DeltaError(
          .constraintViolation, "rows break \(what)",
          hint: "correct the rows or drop the constraint; nothing was written")
      }
      throw DeltaError(engine: error, "writing data files")
    }
  }

  private func actions(
    _ rows: [[Value]], _ plan: WritePlan, _ snapshot: Snapshot, _ store: any ObjectStore, now: Int64
  ) throws(DeltaError) -> [AddFile] {
    var files: [AddFile] = []
    var paths: [String] = []
    let root = try store.stagingFolder()
    for row in rows {
      guard row.count >= 6, let path = row[0].stringValue, let count = row[1].intValue, let size = row[2].intValue,
        path.hasPrefix(root + "/")
      else { throw DeltaError(.engine, "DuckDB did not say what it wrote") }
      let relative = String(path.dropFirst(root.count + 1))
      guard count > 0 else {
        try store.delete(relative)
        continue
      }
      let stats = FileStatistics.json(
        rows: Int64(count), columns: Self.statistics(row[4]), fields: plan.physicalFields, scope: plan.statistics)
      var file = AddFile(
        path: FilePath.encode(relative), size: Int64(size), modificationTime: now, stats: stats)
      let values = Self.partitionValues(row[5])
      for column in plan.partitionNames {
        file.partitionValues.updateValue((values[column] ?? nil).flatMap { $0.isEmpty ? nil : $0 }, forKey: column)
      }
      files.append(file)
      paths.append(relative)
    }
    try store.publish(paths)
    return files
  }

  private static func statistics(_ value: Value) -> [[String]: FileStatistics.ColumnStatistics] {
    guard case .map(let entries) = value else { return [:] }
    var result: [[String]: FileStatistics.ColumnStatistics] = [:]
    for entry in entries {
      guard let key = entry.key.stringValue, let path = columnPath(key), case .map(let facts) = entry.value else {
        continue
      }
      var column = FileStatistics.ColumnStatistics()
      var hasNaN = false
      for fact in facts {
        let text = fact.value.stringValue
        switch fact.key.stringValue {
        case "min": column.minimum = text
        case "max": column.maximum = text
        case "null_count": column.nullCount = text.flatMap { Int64($0) }
        case "has_nan": hasNaN = text == "true"
        default: break
        }
      }
      if hasNaN {
        column.minimum = nil
        column.maximum = nil
      }
      result[path] = column
    }
    return result
  }

  /// The parts of a path such as `"a"."b ""c"""`; nil if it is not one.
  private static func columnPath(_ text: String) -> [String]? {
    var parts: [String] = []
    var rest = text[...]
    while true {
      guard rest.popFirst() == "\"" else { return nil }
      var part = ""
      while let character = rest.popFirst() {
        if character == "\"" {
          guard rest.first == "\"" else { break }
          rest.removeFirst()
        }
        part.append(character)
      }
      parts.append(part)
      if rest.isEmpty { return parts }
      guard rest.popFirst() == "." else { return nil }
    }
  }

  private static func partitionValues(_ value: Value) -> [String: String?] {
    guard case .map(let entries) = value else { return [:] }
    var result: [String: String?] = [:]
    for entry in entries {
      if let key = entry.key.stringValue { result.updateValue(entry.value.stringValue, forKey: key) }
    }
    return result
  }
}
