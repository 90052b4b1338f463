internal import Query
internal import JSON
internal import DeltaLake
internal import DuckDB
internal import Streaming

/// `lakeward table`
enum TableCommand: Command {
  static let name = "table"
  static let summary = "look after tables: schema, history, files; optimize, vacuum, restore"
  static let help = """
    usage: lakeward table list
           lakeward table show TABLE [--version N | --timestamp TIME]
           lakeward table history TABLE [--limit N]
           lakeward table files TABLE [--version N | --timestamp TIME] [--stats]
           lakeward table optimize TABLE [--target-size MB] [--zorder COLUMN,…]
           lakeward table vacuum TABLE [--dry-run] [--retain HOURS [--force]]
           lakeward table restore TABLE --version N | --timestamp TIME
           lakeward table checkpoint TABLE
           lakeward table set-property TABLE NAME=VALUE…
           lakeward table document [TABLE…]
           lakeward table sync TABLE

    TABLE is the name of a table of the lake, or the folder of any Delta table.

    list     every table of the lake with its version, rows, files and bytes
    show     what the table and its columns are, partitioning, protocol, properties, and how far applications have come (txn)
    history  what each commit says about itself, newest first
    files    the data files; --stats adds the smallest and largest values, which are values of patients

    optimize      joins small files into files of about --target-size; with --zorder rewrites all files so that rows with
                  near values in these columns lie in the same files. No row changes; others may go on writing
    vacuum        deletes files that no version within the retention needs: the table's
                  delta.deletedFileRetentionDuration, else a week. Older versions can then no longer be read
    restore       makes the table what it was at an earlier version, as a new version
    checkpoint    writes the state of the newest version beside the log and deletes what the log no longer needs
    set-property  sets table properties; NAME= removes one
    document      writes what the pipelines say about tables and columns (description, owner, unit, PHI class) into the tables'
                  metadata, where any reader of Delta tables finds it; without a name, into all tables. A run and a refresh
                  do so for the tables that they write
    sync          carries over to HDFS what was written to a local folder while HDFS could not be reached

    examples:
      lakeward table list
      lakeward table show gold_patient_data
      lakeward table show gold_patient_data --version 0 --format json
      lakeward table history gold_patient_data --limit 5
      lakeward table files gold_patient_data --format csv
      lakeward table optimize gold_patient_data --zorder patient_id,event_time
      lakeward table vacuum gold_patient_data --dry-run
      lakeward table restore synthea_patients --version 1
      lakeward table set-property gold_patient_data delta.logRetentionDuration='interval 2 days'
    """
  static let options =
    [
      Option("version", "N", "the table as it was at this version"),
      Option("timestamp", "TIME", "the table as it was at this time, such as 2026-01-31T08:00:00Z"),
      Option("limit", "N", "at most this many commits"),
      Option("stats", nil, "with the smallest and largest values of each file"),
      Option("format", "FORMAT", "table, csv, json or ndjson"),
    ] + TableChanges.options

  /// The words behind `table`.
  static let words: [Subcommand] =
    [
      Subcommand("list", "") { try list($0, $1) },
      Subcommand("show", "TABLE") { try show($0, $1) },
      Subcommand("history", "TABLE") { try history($0, $1) },
      Subcommand("files", "TABLE") { try files($0, $1) },
    ] + TableChanges.words

  static func run(_ arguments: Arguments) throws -> Int32 {
    do {
      return try Subcommand.dispatch(arguments, command: name, among: words)
    } catch is OutputSink.ReaderLeft {
      return 0
    }
  }

  private static func format(_ arguments: Arguments) throws -> OutputFormat {
    try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson])
  }

  private static func list(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    _ = try Subcommand.require(words, [], command: "table list")
    let format = try format(arguments)
    let workspace = try Workspace(arguments)
    let connection = try workspace.engine().connect()
    var rows: [[Value]] = []
    for name in try workspace.lake.tableNames() {
      let snapshot = try workspace.lake.table(named: name).snapshot()
      rows.append([
        .string(name), .int(snapshot.version), .int(try TableFacts.rowCount(snapshot, connection)),
        .int(Int64(snapshot.files.count)), .int(snapshot.sizeInBytes), TableFacts.instant(snapshot.timestamp),
      ])
    }
    if rows.isEmpty, format == .table {
      Console.warn("\(workspace.lake.root) holds no tables yet; lakeward run and lakeward import make them")
    }
    try format.write(
      TableFacts.columns([
        ("table", .varchar), ("version", .bigint), ("rows", .bigint), ("files", .bigint), ("bytes", .bigint),
        ("last commit", .timestampTZ),
      ]), rows, to: .standardOutput(), note: "lake \(workspace.lake.root)")
    return 0
  }

  private static func show(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let place = try Subcommand.require(words, ["TABLE"], command: "table show")[0]
    let format = try format(arguments)
    let workspace = try Workspace(arguments)
    let connection = try workspace.engine().connect()
    let snapshot = try snapshot(workspace, place, arguments, connection)
    let facts = try TableFacts(
      snapshot, documentation: workspace.documentation(of: place, snapshot), connection)
    let sink = OutputSink.standardOutput()
    switch format {
    case .json, .ndjson:
      var bytes: [UInt8] = []
      ValueText.appendJSON(facts.json, to: &bytes)
      try sink.write(bytes + [0x0A])
      try sink.finish()
    case .csv: try format.write(TableFacts.schemaColumns, facts.schemaRows, to: sink, note: "")
    default:
      try sink.write(facts.heading)
      try format.write(TableFacts.schemaColumns, facts.schemaRows, to: sink, note: "")
    }
    return 0
  }

  private static func history(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let place = try Subcommand.require(words, ["TABLE"], command: "table history")[0]
    let format = try format(arguments)
    let limit = try arguments.integer("limit", minimum: 1)
    let table = try Workspace(arguments).deltaTable(place)
    let rows = try table.history(limit: limit).map { commit -> [Value] in
      [
        .int(commit.version), commit.timestamp.map(TableFacts.instant) ?? .null, TableFacts.text(commit.operation),
        TableFacts.map(commit.operationMetrics, format), TableFacts.map(commit.operationParameters, format),
        TableFacts.text(commit.engineInfo), TableFacts.text(commit.userMetadata),
      ]
    }
    try format.write(
      TableFacts.columns([
        ("version", .bigint), ("time", .timestampTZ), ("operation", .varchar), ("metrics", .varchar),
        ("parameters", .varchar), ("engine", .varchar), ("user metadata", .varchar),
      ]), rows, to: .standardOutput(), note: "")
    return 0
  }

  private static func files(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let place = try Subcommand.require(words, ["TABLE"], command: "table files")[0]
    let format = try format(arguments)
    let workspace = try Workspace(arguments)
    let snapshot = try snapshot(workspace, place, arguments, try workspace.engine().connect())
    let withStatistics = arguments.has("stats")
    let rows = try snapshot.fileDetails().map { details -> [Value] in
      let partitions = details.partitionValues.map { Value.Field($0.column, TableFacts.text($0.value)) }
      var row: [Value] = [
        .string(details.file.decodedPath), .int(details.file.size), details.rows.map(Value.int) ?? .null,
        partitions.isEmpty ? .null : .structure(partitions), TableFacts.instant(details.file.modificationTime),
        .int(details.file.deletionVector?.cardinality ?? 0),
      ]
      if withStatistics {
        for key in ["minValues", "maxValues", "nullCount"] {
          row.append(details.statistics?[key].map { .string($0.text) } ?? .null)
        }
      }
      return row
    }
    var columns: [(String, LogicalType)] = [
      ("path", .varchar), ("bytes", .bigint), ("rows", .bigint), ("partition", .varchar),
      ("modified", .timestampTZ), ("deleted rows", .bigint),
    ]
    if withStatistics { columns += [("min", .json), ("max", .json), ("nulls", .json)] }
    try format.write(TableFacts.columns(columns), rows, to: .standardOutput(), note: "version \(snapshot.version)")
    return 0
  }

  private static func snapshot(
    _ workspace: Workspace, _ place: String, _ arguments: Arguments, _ connection: Connection
  ) throws -> Snapshot {
    let version = try arguments.integer("version").map(Int64.init)
    let table = try workspace.deltaTable(place)
    guard let time = arguments.text("timestamp") else { return try table.snapshot(version: version) }
    guard version == nil else { throw UsageError("lakeward table: give --version or --timestamp, not both") }
    return try table.snapshot(timestamp: try InstantReader.milliseconds(time, connection))
  }
}
