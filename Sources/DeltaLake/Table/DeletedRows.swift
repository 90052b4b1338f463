internal import DuckDB
import Foundation
import Synchronization

/// The deleted rows of files, as SQL for a scan.
struct DeletedRows {
  let snapshot: Snapshot

  init(_ snapshot: Snapshot) { self.snapshot = snapshot }

  /// The row numbers that a descriptor deletes, ascending.
  func rows(_ vector: DeletionVectorDescriptor) throws(DeltaError) -> [Int64] {
    let bytes: [UInt8]
    switch vector.storageType {
    case "i":
      guard let decoded = Z85.decode(vector.pathOrInlineDv), decoded.count >= Int(vector.sizeInBytes) else {
        throw DeltaError(.corruptDeletionVector, "an inline deletion vector is not Z85 or too short")
      }
      bytes = Array(decoded.prefix(Int(max(0, vector.sizeInBytes))))
    case "u":
      bytes = try entry(try DeletionVector.relativePath(vector.pathOrInlineDv), snapshot.store, vector)
    case "p":
      guard let path = FilePath.localPath(absolute: vector.pathOrInlineDv), let slash = path.lastIndex(of: "/") else {
        throw DeltaError(.unsupportedFeature, "a deletion vector lies outside the local file system")
      }
      let store = LocalStore(String(path[..<slash]))
      bytes = try entry(String(path[path.index(after: slash)...]), store, vector)
    default:
      throw DeltaError(.unsupportedFeature, "a deletion vector has the storage type \(vector.storageType)")
    }
    let rows = try DeletionVector.decode(bytes)
    guard rows.count == vector.cardinality else {
      throw DeltaError(.corruptDeletionVector, "a deletion vector holds another number of rows than the log says")
    }
    return rows
  }

  private func entry(
    _ path: String, _ store: any ObjectStore, _ vector: DeletionVectorDescriptor
  ) throws(DeltaError) -> [UInt8] {
    let start = Int64(vector.offset ?? 1)
    guard start >= 0, vector.sizeInBytes >= 0 else {
      throw DeltaError(.corruptDeletionVector, "a deletion vector has a negative place or size")
    }
    let bytes = try store.read(path, range: start..<(start + Int64(vector.sizeInBytes) + 8))
    return try DeletionVector.entry(of: bytes, sizeInBytes: Int(vector.sizeInBytes))
  }

  /// A query that gives (position of the file in the list, row number) of every deleted row.
  func sql(_ files: [AddFile]) throws(DeltaError) -> String {
    var selects: [String] = []
    for (index, file) in files.enumerated() {
      guard let vector = file.deletionVector else { continue }
      let rows = try RowNumbers.sql(try rows(vector), id: snapshot.metadata.id + file.path + vector.uniqueId)
      selects.append("SELECT \(index)::BIGINT, r FROM \(rows) AS deleted(r)")
    }
    return selects.isEmpty ? "SELECT -1::BIGINT, -1::BIGINT" : selects.joined(separator: " UNION ALL ")
  }
}

/// Row numbers as a table in SQL: in the text itself when they are few, else as a Parquet file in a folder of this
/// process that is removed when it ends.
enum RowNumbers {
  private static let inlineLimit = 2000
  private static let known = Mutex<(folder: String?, paths: [String: String])>((nil, [:]))

  /// A table expression of one column; `id` names the rows for good, so that their file is made only once.
  static func sql(_ rows: [Int64], id: String?) throws(DeltaError) -> String {
    if rows.count <= inlineLimit {
      return "(SELECT unnest([\(rows.map(String.init).joined(separator: ", "))]::BIGINT[]))"
    }
    return "read_parquet(\(quoted(literal: try path(for: rows, id: id))))"
  }

  private static func path(for rows: [Int64], id: String?) throws(DeltaError) -> String {
    if let id, let path = known.withLock({ $0.paths[id] }) { return path }
    let path = try folder() + "/" + UUID().uuidString.lowercased() + ".parquet"
    let raw = path + ".csv"
    do {
      defer { try? FileManager.default.removeItem(atPath: raw) }
      let lines = rows.map(String.init).joined(separator: "\n")
      try Data(lines.utf8).write(to: URL(fileURLWithPath: raw))
      let connection = try Engine.connect()
      try connection.execute(
        "COPY (SELECT r FROM read_csv(\(quoted(literal: raw)), header = false, columns = {'r': 'BIGINT'})) "
          + "TO \(quoted(literal: path)) (FORMAT parquet)")
    } catch {
      throw DeltaError(engine: error, "preparing a deletion vector")
    }
    if let id { known.withLock { $0.paths[id] = path } }
    return path
  }

  private static func folder() throws(DeltaError) -> String {
    try known.withLock { state throws(DeltaError) in
      if let folder = state.folder { return folder }
      let folder = FileManager.default.temporaryDirectory.path + "/lakeward-rows-\(UUID().uuidString.lowercased())"
      try PosixFileSystem().makeFolder(folder)
      state.folder = folder
      atexit { RowNumbers.removeAll() }
      return folder
    }
  }

  private static func removeAll() {
    if let folder = known.withLock({ $0.folder }) { try? FileManager.default.removeItem(atPath: folder) }
  }
}
