internal import JSON
internal import DuckDB
import Foundation

extension DeltaEditor {
  /// The files with rows that meet a condition, and the number of these rows.
  func affectedFiles(
    _ snapshot: Snapshot, _ condition: String
  ) throws(DeltaError) -> (files: [AddFile], rows: Int64) {
    var builder = ScanBuilder(snapshot, snapshot.schema.fields)
    builder.rowPlace = true
    let all = Array(snapshot.files)
    let scan = try builder.sql(all)
    let sql = "SELECT __file, count(*) FROM \(scan) WHERE (\(condition)) IS TRUE GROUP BY 1"
    var counts: [String: Int64] = [:]
    do {
      for row in try connection.query(sql).rows() {
        if case .string(let path) = row[0], case .int(let count) = row[1] { counts[path] = count }
      }
    } catch {
      throw DeltaError(engine: error, "finding rows of \(snapshot.location)")
    }
    return (all.filter { counts[$0.path] != nil }, counts.values.reduce(0, +))
  }

  /// Works out the deletion of the rows that meet a condition.
  func deletion(_ snapshot: Snapshot, _ table: DeltaTable, _ condition: String) throws(DeltaError) -> Change {
    var change = Change()
    let affected = try affectedFiles(snapshot, condition)
    change.removed = affected.files
    change.reads = .files(Set(affected.files.map(\.key)))
    change.rows["deleted"] = affected.rows
    guard !affected.files.isEmpty else { return change }
    let scan = try DeltaReader.scanSQL(snapshot, files: affected.files)
    if snapshot.flag("delta.enableDeletionVectors"), ProtocolRules.supports("deletionVectors", snapshot.tableProtocol) {
      change.added = try markDeleted(snapshot, table, affected.files, condition)
    } else {
      change.added = try writer.write(
        "SELECT * FROM \(scan) WHERE (\(condition)) IS NOT TRUE", into: snapshot, store: table.store,
        now: table.clock())
    }
    if snapshot.flag("delta.enableChangeDataFeed") {
      change.changes = try changeFiles(
        snapshot, table, "SELECT *, 'delete' AS _change_type FROM \(scan) WHERE (\(condition)) IS TRUE")
    }
    return change
  }

  /// The files with new deletion vectors; a file that loses all its rows is not among them.
  private func markDeleted(
    _ snapshot: Snapshot, _ table: DeltaTable, _ files: [AddFile], _ condition: String
  ) throws(DeltaError) -> [AddFile] {
    var builder = ScanBuilder(snapshot, snapshot.schema.fields)
    builder.rowPlace = true
    let scan = try builder.sql(files)
    var deleted: [String: [Int64]] = [:]
    do {
      var result = try connection.stream("SELECT __file, __row FROM \(scan) WHERE (\(condition)) IS TRUE")
      while let chunk = try result.nextChunk() {
        var paths: [String] = []
        try chunk.column(0).forEachString { _, bytes in
          paths.append(bytes.map { String(decoding: $0, as: UTF8.self) } ?? "")
        }
        try chunk.column(1).withValues(as: Int64.self) { values, _ in
          for (index, path) in paths.enumerated() { deleted[path, default: []].append(values[index]) }
        }
      }
    } catch {
      throw DeltaError(engine: error, "finding rows of \(snapshot.location)")
    }
    var resolver = StatisticsResolver()
    var bitmaps: [(file: AddFile, rows: [Int64])] = []
    for file in files {
      var rows = Set(deleted[file.path] ?? [])
      if let vector = file.deletionVector { rows.formUnion(try DeletedRows(snapshot).rows(vector)) }
      let stats = try resolver.text(file.statistics)
      let physical: Int64
      if let known = FileStatistics.numRecords(stats) {
        physical = known
      } else {
        physical = try rowsInFile(file, snapshot)
      }
      guard rows.count < physical else { continue }
      var marked = file
      marked.statistics = .text(FileStatistics.loosened(stats, rows: physical))
      bitmaps.append((marked, rows.sorted()))
    }
    guard !bitmaps.isEmpty else { return [] }
    let encoded = bitmaps.map { DeletionVector.encode($0.rows) }
    let (bytes, offsets) = DeletionVector.file(encoded)
    let id = withUnsafeBytes(of: UUID().uuid) { Array($0) }
    let text = Z85.encode(id)
    guard try table.store.putIfAbsent(try DeletionVector.relativePath(text), bytes) else {
      throw DeltaError(.storage, "\(table.location): a deletion vector file of this name is there already")
    }
    return bitmaps.enumerated().map { index, item in
      var file = item.file
      file.deletionVector = DeletionVectorDescriptor(
        storageType: "u", pathOrInlineDv: text, offset: offsets[index], sizeInBytes: Int32(encoded[index].count),
        cardinality: Int64(item.rows.count))
      return file
    }
  }

  private func rowsInFile(_ file: AddFile, _ snapshot: Snapshot) throws(DeltaError) -> Int64 {
    try count(
      "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(\(Engine.list([try snapshot.localPath(file.path)])))")
  }
}

extension FileStatistics {
  /// The statistics with bounds that need not be met any more, because rows were deleted.
  static func loosened(_ text: String?, rows: Int64) -> String {
    var object = text.flatMap { JSONValue(parsing: $0)?.object } ?? [:]
    object["numRecords"] = .int(rows)
    object["tightBounds"] = .bool(false)
    return JSONValue.object(object).text
  }
}
