import DeltaLake
import DuckDB
import Foundation

/// A small real table, from whose log the seeds come.
struct SampleTable {
  let folder: String
  let table: DeltaTable

  init(_ name: String) throws {
    folder = try ScratchFolder.make(name) + "/table"
    let connection = try Database(settings: ["threads": "1"]).connect()
    table = try DeltaTable.create(
      at: folder,
      schema: Schema([StructField("id", .long), StructField("text", .string), StructField("day", .date)]),
      partitionColumns: ["day"], configuration: ["delta.enableDeletionVectors": "true"])
    for day in 1...3 {
      let rows = "SELECT i AS id, 'x' || i AS text, DATE '2026-01-0\(day)' AS day FROM range(20) AS r(i)"
      let files = try DeltaWriter(connection: connection).write(rows, into: table)
      _ = try table.append(files, transactions: [AppTransaction(appId: "fuzz", version: Int64(day))])
    }
    _ = try DeltaEditor(connection: connection).delete(from: table, where: "id % 7 = 0")
  }

  func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(path)")))
  }

  /// Everything that a reader of the newest version does before it reads data.
  static func use(_ store: any ObjectStore) throws {
    let snapshot = try DeltaTable(store: store).snapshot()
    _ = try snapshot.rowCount()
    _ = snapshot.sizeInBytes
    _ = try DeltaReader.scanSQL(snapshot)
  }
}

/// Commit files: a table opens, or is refused with the file, the line and the byte.
final class DeltaLogTarget: FuzzTarget {
  let seeds: [[UInt8]]
  let words = [
    "{\"add\":{\"path\":\"a\",\"size\":1,\"partitionValues\":{},\"modificationTime\":1,\"dataChange\":true}}\n",
    "{\"remove\":{\"path\":\"a\"}}\n", "{\"txn\":{\"appId\":\"a\",\"version\":1}}\n", "null", "\\\"numRecords\\\":",
    "\"storageType\":\"i\"", "\"storageType\":\"p\"", "\"delta.columnMapping.mode\":\"name\"", "\"minReaderVersion\":3",
    "\"deletionVector\":", "%2e%2e%2f", "\n",
  ]
  private let folder: String

  init() throws {
    let sample = try SampleTable("delta-log")
    folder = sample.folder
    let commits = try (0...4).map { try sample.bytes("_delta_log/0000000000000000000\($0).json") }
    seeds = [commits[0], commits[0] + commits[1], commits.flatMap { $0 }]
  }

  func read(_ inputs: [[UInt8]]) throws -> Int {
    try inputs.reduce(0) { sum, input in
      let store = MemoryStore(folder: folder, ["_delta_log/00000000000000000000.json": input])
      return try sum + refused(DeltaError.self) { try SampleTable.use(store) }
    }
  }
}

/// Checkpoint files (Parquet): a table opens, or is refused.
final class CheckpointTarget: FuzzTarget {
  let seeds: [[UInt8]]
  private let folder: String
  private let newest: [UInt8]

  init() throws {
    let sample = try SampleTable("checkpoint")
    folder = sample.folder
    try sample.table.checkpoint()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/_delta_log")
    seeds = try names.filter { $0.hasSuffix(".parquet") }.map { try sample.bytes("_delta_log/\($0)") }
    newest = try sample.bytes("_delta_log/00000000000000000004.json")
  }

  func read(_ inputs: [[UInt8]]) throws -> Int {
    try inputs.reduce(0) { sum, input in
      let store = MemoryStore(
        folder: folder,
        [
          "_delta_log/00000000000000000004.checkpoint.parquet": input,
          "_delta_log/00000000000000000004.json": newest,
        ])
      return try sum + refused(DeltaError.self) { try SampleTable.use(store) }
    }
  }
}
