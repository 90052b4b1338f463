public import DeltaLake
internal import DuckDB
internal import Foundation
internal import JSON

/// Keeps tables of a dataset equal to tables of a lake.
///
/// What is loaded stands in the lake's table: `txn` actions say which version is being loaded and which one BigQuery has.
/// The id of a load job is made of the table's id and these versions, so that after any interruption the same job is asked
/// for again, and BigQuery runs a job of one id once.
public final class BigQueryMirror {
  /// What a load did.
  public struct Report: Sendable, Hashable {
    /// The table.
    public var table: String
    /// The version that BigQuery has now.
    public var version: Int64
    /// `nothing`, `whole`, `append` or `days`.
    public var kind: String
    /// Rows that were sent.
    public var rows: Int64

    /// One line.
    public var line: String {
      kind == "nothing"
        ? "\(table): nothing new (version \(version))" : "\(table): \(kind), \(rows) rows, up to version \(version)"
    }
  }

  private let client: BigQueryClient
  private let connection: Connection
  private let folder: String
  private var hasDataset = false
  /// How often a job is asked whether it is done.
  private static let pauseSeconds = 0.5

  /// A mirror of a dataset.
  /// - Parameter temporaryFolder: Where files lie until they are sent.
  public init(_ settings: BigQuerySettings, credentials: GoogleCredentials, temporaryFolder: String) throws {
    client = BigQueryClient(settings: settings, credentials: credentials)
    connection = try Database(settings: ["threads": "1", "memory_limit": "512MB"]).connect()
    try connection.execute("SET TimeZone = 'UTC'")
    folder = temporaryFolder
  }

  /// Loads what a table has gained or changed.
  /// - Parameters:
  ///   - target: Its name in BigQuery.
  ///   - isWhole: Whether to write it anew whatever is there.
  /// - Throws: `BigQueryError`; errors of the table. The next call goes on from there.
  public func load(_ table: DeltaTable, as target: String, isWhole: Bool = false) throws -> Report {
    if !hasDataset { try client.ensureDataset() }
    hasDataset = true
    let application = "bigquery/\(client.settings.project).\(client.settings.dataset).\(target)"
    var newest = try table.snapshot()
    let isThere = try client.table(target) != nil
    let loaded = isWhole || !isThere ? nil : newest.transactions[application]
    let column = Self.dayColumn(newest)
    let begun = newest.transactions[application + "/begun"]
    if let begun, let loaded, begun > loaded, let then = try? table.snapshot(version: begun) {
      // A load was broken off: exactly that one is done first.
      newest = then
    } else if try plan(table, loaded, newest, column) == .nothing {
      return Report(table: target, version: newest.version, kind: "nothing", rows: 0)
    } else {
      try note(application + "/begun", newest.version, in: table)
    }
    let plan = try plan(table, loaded, newest, column)
    let range = "\(loaded.map(String.init) ?? "new")-\(newest.version)"
    let identity = "lakeward-\(newest.metadata.id)-\(client.settings.dataset)-\(target)-\(range)"
    let rows = try perform(plan, newest, target, identity, column)
    try note(application, newest.version, in: table)
    return Report(table: target, version: newest.version, kind: plan.word, rows: rows)
  }

  /// Makes a view that shows all columns of a table.
  public func makeView(_ name: String, of table: String) throws {
    let place = "`\(client.settings.project).\(client.settings.dataset).\(table)`"
    try client.putView(name, query: "SELECT * FROM \(place)", description: "The lake's view \(name)")
  }

  private func plan(_ table: DeltaTable, _ loaded: Int64?, _ newest: Snapshot, _ column: String?) throws -> LoadPlan {
    guard let loaded else { return .whole }
    let appended = try table.appendedFiles(after: loaded, through: newest)
    let changed = appended == nil ? try table.changedFiles(after: loaded, through: newest) : []
    let physical = column.map { Self.physicalName(newest, $0) }
    return LoadPlan.make(loaded: loaded, appended: appended, changed: changed, column: physical)
  }

  /// The column's name in partition values.
  private static func physicalName(_ snapshot: Snapshot, _ column: String?) -> String {
    let name = column ?? ""
    return snapshot.schema[name]?.physicalName(snapshot.columnMapping) ?? name
  }

  /// The only partition column, if it is a date: then BigQuery's table is partitioned by it too.
  private static func dayColumn(_ snapshot: Snapshot) -> String? {
    guard snapshot.partitionColumns.count == 1, let name = snapshot.partitionColumns.first,
      snapshot.schema[name]?.type == .date
    else { return nil }
    return name
  }

  private func note(_ application: String, _ version: Int64, in table: DeltaTable) throws {
    // Stale: another process has come as far, or farther.
    _ = try table.append(
      [], transactions: [AppTransaction(appId: application, version: version)], operation: "BIGQUERY")
  }

  // MARK: Loading

  private func perform(
    _ plan: LoadPlan, _ snapshot: Snapshot, _ target: String, _ identity: String, _ column: String?
  ) throws -> Int64 {
    switch plan {
    case .nothing: return 0
    case .whole:
      return try send(
        "SELECT * FROM \(try DeltaReader.scanSQL(snapshot))", snapshot, target, identity, "WRITE_TRUNCATE", column)
    case .append(let files):
      return try send(
        "SELECT * FROM \(try DeltaReader.scanSQL(snapshot, files: files))", snapshot, target, identity, "WRITE_APPEND",
        column)
    case .days(let days):
      var rows: Int64 = 0
      for day in days {
        let name = SQL.quote(identifier: column ?? "")
        let physical = Self.physicalName(snapshot, column)
        let files = try snapshot.files(matching: []).filter { ($0.partitionValues[physical] ?? nil) == day }
        let scan = try DeltaReader.scanSQL(snapshot, files: files)
        let number = day.replacing("-", with: "")
        rows += try send(
          "SELECT * FROM \(scan) WHERE \(name) = DATE \(SQL.quote(literal: day))", snapshot, "\(target)$\(number)",
          "\(identity)-\(number)", "WRITE_TRUNCATE", column)
      }
      return rows
    }
  }

  /// Writes rows as a Parquet file, sends it and waits for the job. Returns how many there were.
  private func send(
    _ sql: String, _ snapshot: Snapshot, _ target: String, _ identity: String, _ disposition: String, _ column: String?
  ) throws -> Int64 {
    let schema = BigQuerySchema(snapshot.schema)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let file = "\(folder)/\(UUID().uuidString.lowercased()).parquet"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let select = "SELECT \(schema.columns.joined(separator: ", ")) FROM (\(sql))"
    let written = try connection.query(
      "COPY (\(select)) TO \(SQL.quote(literal: file)) (FORMAT parquet, COMPRESSION zstd)")
    var load: JSONObject = [
      "destinationTable": .object(client.reference(target)), "sourceFormat": .string("PARQUET"),
      "writeDisposition": .string(disposition), "createDisposition": .string("CREATE_IF_NEEDED"),
      "schema": .object(["fields": .array(schema.fields)]),
      "parquetOptions": .object(["enableListInference": .bool(true)]),
    ]
    if let column {
      load["timePartitioning"] = .object(["type": .string("DAY"), "field": .string(column)])
    }
    try run(load, file, identity, step: "load of \(target)")
    return Int64((try? written.scalar())?.intValue ?? written.changedRows)
  }

  /// Runs a load job once. A job of the id that has failed has loaded nothing, so another attempt has another id.
  private func run(_ load: JSONObject, _ file: String, _ identity: String, step: String) throws {
    for attempt in 1...20 {
      let id = attempt == 1 ? identity : "\(identity)-\(attempt)"
      var reference: JSONObject = ["projectId": .string(client.settings.project), "jobId": .string(id)]
      if let location = client.settings.location { reference["location"] = .string(location) }
      let isKnown = try client.job(id) != nil
      if !isKnown {
        let job: JSONObject = [
          "jobReference": .object(reference), "configuration": .object(["load": .object(load)]),
        ]
        _ = try client.upload(file, job: job, step: step)
      }
      guard let reason = try wait(id, step) else { return }
      // Why an earlier attempt failed may be over.
      if !isKnown { throw BigQueryError(step, reason) }
    }
    throw BigQueryError(step, "the job \(identity) has failed 20 times")
  }

  /// Waits for a job's end; the reason if it has failed.
  private func wait(_ id: String, _ step: String) throws -> String? {
    let end = Date(timeIntervalSinceNow: 3_600)
    while Date() < end {
      guard let status = try client.job(id)?["status"]?.object else {
        throw BigQueryError(step, "the job \(id) is not known")
      }
      if status["state"]?.string == "DONE" {
        guard let error = status["errorResult"]?.object else { return nil }
        return error["message"]?.string ?? error["reason"]?.string ?? "the job failed"
      }
      Thread.sleep(forTimeInterval: Self.pauseSeconds)
    }
    throw BigQueryError(step, "the job \(id) has run for an hour; it goes on, and is asked for again next time")
  }
}

extension LoadPlan {
  var word: String {
    switch self {
    case .nothing: "nothing"
    case .whole: "whole"
    case .append: "append"
    case .days: "days"
    }
  }
}
