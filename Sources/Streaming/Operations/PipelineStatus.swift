internal import DeltaLake
public import DuckDB
internal import Foundation
public import JSON
public import Observability
public import Pipelines

/// How a pipeline is, found out from outside: from its tables and from what the processes that run it say.
public struct PipelineStatus: Sendable {
  /// A table at its newest version.
  public struct Table: Sendable, Hashable {
    /// The table's name.
    public var name: String
    /// Newest version.
    public var version: Int64
    /// Rows by the files' statistics; nil if a file has none.
    public var rows: Int64?
    /// Live data files.
    public var files: Int
    /// Bytes of the live data files.
    public var bytes: Int64
    /// Time of the newest commit, microseconds since 1970.
    public var committed: Int64
    /// Next offset of each source partition.
    public var positions: [Int32: Int64]
  }

  /// What became of a rule so far.
  public struct Rule: Sendable, Hashable {
    /// The table whose rule it is.
    public var table: String
    /// The rule's name.
    public var rule: String
    /// `count`, `quarantine` or `fail`.
    public var action: String
    /// Rows that it was asked about.
    public var checked: Int64
    /// Rows that broke it.
    public var failed: Int64
  }

  /// The pipeline's name.
  public var pipeline: String
  /// What it is doing; `stopped` where no process runs it.
  public var state: PipelineState
  /// Since when it is paused, microseconds since 1970.
  public var pausedSince: Int64?
  /// What the processes that run it say, newest first.
  public var processes: [PipelineStatusNote]
  /// Its tables in the order of commits; without those that are not there yet.
  public var tables: [Table]
  /// Quarantined records by reason, the most frequent first, twenty at most.
  public var quarantine: [(reason: String, records: Int64)]
  /// Its rules' counts.
  public var rules: [Rule]
  /// Folders that are or were taken beside the stream.
  public var backfills: [Backfills.Entry]

  /// Tables that have not come as far as bronze.
  public var lagging: [String] {
    guard let bronze = tables.first else { return [] }
    return tables.dropFirst().filter { $0.positions != bronze.positions }.map(\.name)
  }

  /// Looks at a pipeline.
  /// - Parameters:
  ///   - connection: Reads the reasons in quarantine and the rules' counts.
  ///   - now: Microseconds since 1970.
  public init(pipeline: Pipeline, lake: Lake, connection: Connection, now: Int64) throws {
    let control = PipelineControl(lake: lake, pipeline: pipeline.name)
    self.pipeline = pipeline.name
    pausedSince = control.pausedSince
    processes = control.isRunning || pausedSince != nil ? control.statuses(now: now) : []
    if control.isRunning {
      state = processes.first?.state ?? .running
    } else {
      state = pausedSince != nil ? .paused : .stopped
    }
    backfills = Backfills(lake: lake, pipeline: pipeline.name).entries()
    tables = []
    quarantine = []
    rules = []
    guard let source = pipeline.source else { return }
    let identity = FlowIdentity(pipeline: pipeline.name, stream: source.stream)
    for name in [source.bronzeTable, source.quarantineTable] + pipeline.streamingTables.map(\.name) {
      let location = lake.location(ofTable: name)
      guard DeltaTable.exists(at: location) else { continue }
      let snapshot = try DeltaTable(at: location).snapshot()
      tables.append(
        Table(
          name: name, version: snapshot.version, rows: try snapshot.rowCount(), files: snapshot.files.count,
          bytes: snapshot.sizeInBytes, committed: snapshot.timestamp * 1_000,
          positions: identity.positions(in: snapshot.transactions)))
    }
    quarantine = try Self.reasons(lake, source.quarantineTable, connection)
    rules = try Self.rules(lake, pipeline.name, connection)
  }

  private static func reasons(
    _ lake: Lake, _ table: String, _ connection: Connection
  ) throws -> [(reason: String, records: Int64)] {
    guard DeltaTable.exists(at: lake.location(ofTable: table)) else { return [] }
    let scan = try DeltaReader.scanSQL(lake.table(named: table).snapshot(), columns: ["reason"])
    return try connection.query("SELECT reason, count(*) FROM \(scan) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20").rows()
      .map { row in (row[0].text ?? "", row[1].integer ?? 0) }
  }

  private static func rules(_ lake: Lake, _ pipeline: String, _ connection: Connection) throws -> [Rule] {
    guard DeltaTable.exists(at: lake.location(ofTable: ExpectationLog.table)) else { return [] }
    let scan = try DeltaReader.scanSQL(lake.table(named: ExpectationLog.table).snapshot())
    return try connection.query(
      """
      SELECT table_name, rule, action, sum(checked)::BIGINT, sum(failed)::BIGINT FROM \(scan)
      WHERE pipeline = \(SQL.quote(literal: pipeline)) GROUP BY ALL ORDER BY table_name, rule
      """
    ).rows().map { row in
      Rule(
        table: row[0].text ?? "", rule: row[1].text ?? "", action: row[2].text ?? "", checked: row[3].integer ?? 0,
        failed: row[4].integer ?? 0)
    }
  }

  /// Everything as one JSON object; instants are microseconds since 1970.
  public var json: JSONValue {
    var object: JSONObject = ["pipeline": .string(pipeline), "state": .string(state.rawValue)]
    if let pausedSince { object["paused_since"] = .int(pausedSince) }
    object["processes"] = .array(processes.map(\.json))
    object["lagging_tables"] = .array(lagging.map(JSONValue.string))
    object["tables"] = .array(
      tables.map { table in
        var entry: JSONObject = [
          "name": .string(table.name), "version": .int(table.version), "files": .int(Int64(table.files)),
          "bytes": .int(table.bytes), "committed": .int(table.committed),
        ]
        if let rows = table.rows { entry["rows"] = .int(rows) }
        let positions = table.positions.sorted { $0.key < $1.key }.map { (String($0.key), JSONValue.int($0.value)) }
        entry["positions"] = .object(JSONObject(positions))
        return .object(entry)
      })
    object["quarantine"] = .array(
      quarantine.map { .object(["reason": .string($0.reason), "records": .int($0.records)]) })
    object["expectations"] = .array(
      rules.map { rule in
        .object([
          "table": .string(rule.table), "rule": .string(rule.rule), "action": .string(rule.action),
          "checked": .int(rule.checked), "failed": .int(rule.failed),
        ])
      })
    object["backfills"] = .array(
      backfills.map { entry in
        .object([
          "partition": .int(Int64(entry.partition)), "directory": .string(entry.directory), "done": .bool(entry.isDone),
        ])
      })
    return .object(object)
  }
}

extension Value {
  /// The text of a string, nil for anything else.
  fileprivate var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }
}
