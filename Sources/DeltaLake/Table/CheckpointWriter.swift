internal import JSON
internal import DuckDB
import Foundation

/// Writes classic checkpoints: what the last one held and no commit has touched, and what the commits since then say.
///
/// The old part goes from Parquet to Parquet inside DuckDB, so neither old tombstones nor statistics pass through here.
struct CheckpointWriter {
  let store: any ObjectStore

  private static let vector =
    "STRUCT(storageType VARCHAR, pathOrInlineDv VARCHAR, \"offset\" INTEGER, sizeInBytes INTEGER, cardinality BIGINT)"
  private static let map = "MAP(VARCHAR, VARCHAR)"

  private static let members: [(action: String, fields: [(name: String, type: String)])] = [
    ("txn", [("appId", "VARCHAR"), ("version", "BIGINT"), ("lastUpdated", "BIGINT")]),
    (
      "add",
      [
        ("path", "VARCHAR"), ("partitionValues", map), ("size", "BIGINT"), ("modificationTime", "BIGINT"),
        ("dataChange", "BOOLEAN"), ("stats", "VARCHAR"), ("tags", map), ("deletionVector", vector),
        ("baseRowId", "BIGINT"), ("defaultRowCommitVersion", "BIGINT"), ("clusteringProvider", "VARCHAR"),
      ]
    ),
    (
      "remove",
      [
        ("path", "VARCHAR"), ("deletionTimestamp", "BIGINT"), ("dataChange", "BOOLEAN"),
        ("extendedFileMetadata", "BOOLEAN"), ("partitionValues", map), ("size", "BIGINT"),
        ("deletionVector", vector), ("baseRowId", "BIGINT"), ("defaultRowCommitVersion", "BIGINT"),
      ]
    ),
    (
      "metaData",
      [
        ("id", "VARCHAR"), ("name", "VARCHAR"), ("description", "VARCHAR"),
        ("format", "STRUCT(provider VARCHAR, options \(map))"), ("schemaString", "VARCHAR"),
        ("partitionColumns", "VARCHAR[]"), ("configuration", map), ("createdTime", "BIGINT"),
      ]
    ),
    (
      "protocol",
      [
        ("minReaderVersion", "INTEGER"), ("minWriterVersion", "INTEGER"), ("readerFeatures", "VARCHAR[]"),
        ("writerFeatures", "VARCHAR[]"),
      ]
    ),
    ("domainMetadata", [("domain", "VARCHAR"), ("configuration", "VARCHAR"), ("removed", "BOOLEAN")]),
  ]

  private static func type(_ fields: [(name: String, type: String)]) -> String {
    "STRUCT(" + fields.map { "\(quoted(identifier: $0.name)) \($0.type)" }.joined(separator: ", ") + ")"
  }

  /// Writes the checkpoint of a state and points `_last_checkpoint` at it.
  ///
  /// - Parameter tombstonesSince: tombstones deleted before this time (milliseconds since 1970) are left out.
  /// - Returns: what the next checkpoint builds on.
  func write(_ state: LogState, tombstonesSince: Int64) throws(DeltaError) -> CheckpointFiles {
    let staging = try store.stagingFolder() + "/" + LogPath.folder
    let id = UUID().uuidString.lowercased()
    let lines = "\(staging)/.tmp-\(id).json"
    let output = "\(staging)/.tmp-\(id).parquet"
    defer {
      for path in [lines, output] { try? FileManager.default.removeItem(atPath: path) }
    }
    let narrowed = try narrowedStatistics(state)
    let (bytes, longest) = try newLines(state, narrowed, tombstonesSince: tombstonesSince)
    guard FileManager.default.createFile(atPath: lines, contents: Data(bytes)) else {
      throw DeltaError(.storage, "\(lines): the file cannot be written")
    }
    let rows: Int64
    do {
      let connection = try Engine.connect()
      let select = try selectSQL(lines, longest, state, tombstonesSince: tombstonesSince)
      let result = try connection.query(
        "COPY (\(select)) TO \(quoted(literal: output)) (FORMAT parquet, COMPRESSION snappy)")
      rows = Int64(result.changedRows)
    } catch {
      throw DeltaError(engine: error, "writing checkpoint \(state.version) of \(store.location)")
    }
    let path = LogPath.classicCheckpoint(state.version).path
    let size = (try? FileManager.default.attributesOfItem(atPath: output)[.size] as? Int64) ?? 0
    try store.install(localFile: output, as: path)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("version", state.version)
    writer.member("size", rows)
    writer.member("sizeInBytes", size)
    writer.member("numOfAddFiles", Int64(state.files.count))
    writer.endObject()
    try store.put(LogPath.lastCheckpoint, writer.bytes)
    return CheckpointFiles(version: state.version, parquet: [path])
  }

  /// The actions that are not in the old checkpoint, one JSON object per line, and the longest line's length.
  private func newLines(
    _ state: LogState, _ narrowed: [FileKey: String], tombstonesSince: Int64
  ) throws(DeltaError) -> ([UInt8], Int) {
    var actions: [Action] = []
    if let table = state.tableProtocol { actions.append(.tableProtocol(table)) }
    if let metadata = state.metadata { actions.append(.metadata(metadata)) }
    for transaction in state.transactions.values.sorted(by: { $0.appId < $1.appId }) {
      actions.append(.transaction(transaction))
    }
    for domain in state.domains.values.sorted(by: { $0.domain < $1.domain }) where !domain.removed {
      actions.append(.domain(domain))
    }
    var resolver = StatisticsResolver()
    let hasOldPart = state.checkpoint != nil
    let touched = hasOldPart ? state.touched.union(narrowed.keys) : []
    for file in state.files where !hasOldPart || touched.contains(file.key) {
      var file = file
      file.dataChange = false
      if let text = narrowed[file.key] {
        file.statistics = .text(text)
      } else {
        file.statistics = try resolver.text(file.statistics).map(StoredStatistics.text) ?? .absent
      }
      actions.append(.add(file))
    }
    for tombstone in state.tombstones.values where (tombstone.deletionTimestamp ?? 0) > tombstonesSince {
      var tombstone = tombstone
      tombstone.dataChange = false
      actions.append(.remove(tombstone))
    }
    var bytes: [UInt8] = []
    var longest = 0
    for action in actions {
      let line = ActionEncoder.encode([action])
      longest = max(longest, line.count)
      bytes += line
    }
    if hasOldPart {
      for key in touched {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("touched")
        writer.beginObject()
        writer.member("path", key.path)
        writer.member("vector", key.deletionVectorId)
        writer.endObject()
        writer.endObject()
        writer.newline()
        bytes += writer.bytes
      }
    }
    return (bytes, longest)
  }

  /// Statistics that go beyond the table's list of columns, such as those from before the list was set, cut to it.
  private func narrowedStatistics(_ state: LogState) throws(DeltaError) -> [FileKey: String] {
    guard let metadata = state.metadata, metadata.configuration["delta.dataSkippingStatsColumns"] != nil else {
      return [:]
    }
    let fields = try Schema(json: metadata.schemaString).fields
    let scope = StatisticsScope(metadata.configuration, fields, metadata.columnMapping)
    var hasOldOnes = false
    if let old = state.checkpoint {
      let part = try ParquetPart(old.parquet, store)
      let physical = try metadata.physicalFields()
      let keys = Self.unlisted(physical, [], scope).map { quoted(literal: JSONValue.string($0).text + ":") }
      if let statistics = part.statisticsSQL(physical), !keys.isEmpty {
        let tests = keys.map { "contains(\(statistics), \($0))" }.joined(separator: " OR ")
        hasOldOnes = try part.rows("SELECT 1 FROM \(part.source) WHERE \(tests) LIMIT 1").isEmpty == false
      }
    }
    var resolver = StatisticsResolver()
    var narrowed: [FileKey: String] = [:]
    for file in state.files where hasOldOnes || state.checkpoint == nil || state.touched.contains(file.key) {
      if let text = try resolver.text(file.statistics) {
        narrowed[file.key] = FileStatistics.narrowed(text, to: scope)
      }
    }
    return narrowed
  }

  /// Names of leaf columns outside a list.
  private static func unlisted(_ fields: [StructField], _ path: [String], _ scope: StatisticsScope) -> [String] {
    fields.flatMap { field -> [String] in
      let inner = path + [field.name]
      if case .structure(let members) = field.type { return unlisted(members, inner, scope) }
      return scope.reaches(inner) ? [] : [field.name]
    }
  }

  private func selectSQL(
    _ lines: String, _ longest: Int, _ state: LogState, tombstonesSince: Int64
  ) throws(DeltaError) -> String {
    let names = Self.members.map { quoted(identifier: $0.action) }.joined(separator: ", ")
    let types = Self.members.map { "\(quoted(literal: $0.action)): \(quoted(literal: Self.type($0.fields)))" }
    let columns = "{\((types + ["touched: 'STRUCT(\"path\" VARCHAR, vector VARCHAR)'"]).joined(separator: ", "))}"
    let reader =
      "read_json(\(quoted(literal: lines)), format = 'newline_delimited', columns = \(columns),"
      + " maximum_object_size = \(max(16 << 20, longest * 2)))"
    guard let old = state.checkpoint else { return "SELECT \(names) FROM \(reader) WHERE touched IS NULL" }
    let part = try ParquetPart(old.parquet, store)
    let statistics = part.statisticsSQL(try state.metadata?.physicalFields() ?? []) ?? "NULL::VARCHAR"
    func unpacked(_ action: String) -> String {
      let fields = Self.members.first { $0.action == action }?.fields ?? []
      let values = fields.map { field in
        if field.name == "deletionVector", part.has(action, field.name) {
          let cast =
            "{'storageType': v.storageType, 'pathOrInlineDv': v.pathOrInlineDv, 'offset': v.\"offset\", "
            + "'sizeInBytes': v.sizeInBytes, 'cardinality': v.cardinality}"
          let expression = cast.replacing("v.", with: "\(action).deletionVector.")
          return
            "\"deletionVector\" := CASE WHEN \(action).deletionVector IS NOT NULL THEN \(expression)::\(field.type) END"
        }
        if action == "add", field.name == "stats" { return "stats := \(statistics)" }
        return "\(quoted(identifier: field.name)) := \(part.field(action, field.name, as: field.type))"
      }
      return "struct_pack(\(values.joined(separator: ", ")))"
    }
    func carried(_ action: String, _ condition: String) -> String {
      let nulls = Self.members.map { member in
        member.action == action
          ? "\(unpacked(action)) AS \(quoted(identifier: action))" : "NULL AS \(quoted(identifier: member.action))"
      }
      let id =
        part.has(action, "deletionVector")
        ? "\(action).deletionVector.storageType || \(action).deletionVector.pathOrInlineDv"
          + " || coalesce('@' || \(action).deletionVector.\"offset\", '')" : "NULL"
      return """
        SELECT \(nulls.joined(separator: ", ")) FROM \(part.source) AS old
        WHERE \(action).path IS NOT NULL AND \(condition) AND NOT EXISTS (SELECT 1 FROM touched_keys
        WHERE touched.path = old.\(action).path AND touched.vector IS NOT DISTINCT FROM \(id))
        """
    }
    var selects = ["SELECT \(names) FROM lines WHERE touched IS NULL"]
    if part.has("add", "path") { selects.append(carried("add", "true")) }
    if part.has("remove", "path") {
      let time = part.has("remove", "deletionTimestamp") ? "remove.deletionTimestamp" : "0"
      selects.append(carried("remove", "coalesce(\(time), 0) > \(tombstonesSince)"))
    }
    return "WITH lines AS MATERIALIZED (SELECT * FROM \(reader)), "
      + "touched_keys AS (SELECT touched FROM lines WHERE touched IS NOT NULL) "
      + selects.joined(separator: " UNION ALL ")
  }
}
