internal import Query
internal import DeltaLake
internal import DuckDB
internal import Foundation
internal import Lineage
internal import Streaming

/// The words of `lakeward table` that change a table without changing a row of its newest version, and `restore`.
enum TableChanges {
  static let options = [
    Option("target-size", "MB", "size of files to come near to, in 10^6 bytes (default 128)"),
    Option("zorder", "COLUMNS", "columns to bring near values together by, separated by commas, at most 6"),
    Option("dry-run", nil, "only say what would be deleted"),
    Option("retain", "HOURS", "keep files that were needed within this time"),
    Option("force", nil, "permit a retention below the table's"),
  ]

  static let words = [
    Subcommand("optimize", "TABLE") { try optimize($0, $1) },
    Subcommand("vacuum", "TABLE") { try vacuum($0, $1) },
    Subcommand("restore", "TABLE") { try restore($0, $1) },
    Subcommand("checkpoint", "TABLE") { try checkpoint($0, $1) },
    Subcommand("set-property", "TABLE NAME=VALUE…") { try setProperties($0, $1) },
    Subcommand("document", "[TABLE…]") { try document($0, $1) },
    Subcommand("sync", "TABLE") { try sync($0, $1) },
  ]

  private static func document(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let workspace = try Workspace(arguments)
    let catalogue = try workspace.catalogue()
    for name in try words.isEmpty ? workspace.lake.tableNames() : words {
      let version = try workspace.deltaTable(name).describe(TableDescription(catalogue[name]))
      Console.write(version.map { "\(name): documented at version \($0)" } ?? "\(name): nothing to add")
    }
    return 0
  }

  private static func optimize(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let place = try Subcommand.require(words, ["TABLE"], command: "table optimize")[0]
    let target = Int64(try arguments.integer("target-size", minimum: 1) ?? 128) * 1_000_000
    let columns = arguments.text("zorder").map { $0.split(separator: ",").map(String.init) }
    let workspace = try Workspace(arguments)
    let table = try workspace.deltaTable(place)
    // Rows keep their order within a file, so the engine's own settings do not fit.
    let database = try Database(settings: ["temp_directory": workspace.lake.temporaryFolder])
    let connection = try database.connect()
    try connection.execute("SET TimeZone = 'UTC'")
    let editor = DeltaEditor(connection: connection)
    let outcome =
      if let columns {
        try editor.optimize(table, zorderBy: columns, fileBytes: target)
      } else {
        try editor.optimize(table, targetBytes: target)
      }
    guard outcome.filesRemoved > 0 else {
      Console.write("\(place): nothing to join at version \(outcome.version)")
      return 0
    }
    Console.write(
      "\(place): \(files(outcome.filesRemoved, outcome.bytesRemoved)) became "
        + "\(files(outcome.filesAdded, outcome.bytesAdded)), \(rows(outcome.rows["rewritten"] ?? 0)) unchanged; "
        + "version \(outcome.version)")
    return 0
  }

  private static func vacuum(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let place = try Subcommand.require(words, ["TABLE"], command: "table vacuum")[0]
    let retain = try arguments.number("retain")
    let isDry = arguments.has("dry-run")
    guard retain != nil || !arguments.has("force") else {
      throw UsageError("lakeward table vacuum: --force goes with --retain HOURS")
    }
    let table = try Workspace(arguments).deltaTable(place)
    let deleted: [ObjectEntry]
    do {
      deleted = try table.deleteUnneededFiles(
        retentionHours: retain, dryRun: isDry, allowShortRetention: arguments.has("force"))
    } catch {
      guard error.code == .retention else { throw error }
      throw CommandFailure(
        "\(error.message); --force permits it, which breaks readers of earlier versions and writers at work")
    }
    if isDry { for entry in deleted { Console.write(entry.path) } }
    let bytes = deleted.reduce(0) { $0 + $1.size }
    Console.write("\(place): \(files(deleted.count, bytes)) \(isDry ? "would be deleted" : "deleted")")
    return 0
  }

  private static func restore(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let place = try Subcommand.require(words, ["TABLE"], command: "table restore")[0]
    let version = try arguments.integer("version").map(Int64.init)
    let time = arguments.text("timestamp")
    guard (version == nil) != (time == nil) else {
      throw UsageError("lakeward table restore: give --version N or --timestamp TIME")
    }
    let workspace = try Workspace(arguments)
    let connection = try workspace.engine().connect()
    let table = try workspace.deltaTable(place)
    let wanted: Snapshot
    if let time {
      wanted = try table.snapshot(timestamp: try InstantReader.milliseconds(time, connection))
    } else {
      wanted = try table.snapshot(version: version)
    }
    if !wanted.transactions.isEmpty {
      Console.warn(
        "\(place) keeps its sources' positions: what was read after version \(wanted.version) is not read again")
    }
    let outcome = try DeltaEditor(connection: connection).restore(table, to: wanted.version)
    let count = try TableFacts.rowCount(table.snapshot(version: outcome.version), connection)
    Console.write(
      "\(place): \(files(outcome.filesAdded, outcome.bytesAdded)) returned, "
        + "\(files(outcome.filesRemoved, outcome.bytesRemoved)) left; version \(outcome.version) is as version "
        + "\(wanted.version), with \(rows(count))")
    return 0
  }

  private static func checkpoint(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let place = try Subcommand.require(words, ["TABLE"], command: "table checkpoint")[0]
    let table = try Workspace(arguments).deltaTable(place)
    try table.checkpoint()
    let removed = try table.cleanUpLog()
    let snapshot = try table.snapshot()
    Console.write(
      "\(place): checkpoint of version \(snapshot.version) with \(files(snapshot.files.count, snapshot.sizeInBytes)); "
        + "\(Console.grouped(removed)) files of the log deleted")
    return 0
  }

  private static func setProperties(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    guard words.count >= 2 else {
      _ = try Subcommand.require(words, ["TABLE", "NAME=VALUE"], command: "table set-property")
      return 2
    }
    var properties: [String: String?] = [:]
    for word in words.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw UsageError("lakeward table set-property: \(word) is not NAME=VALUE")
      }
      properties.updateValue(parts[1].isEmpty ? nil : String(parts[1]), forKey: String(parts[0]))
    }
    let version = try Workspace(arguments).deltaTable(words[0]).setProperties(properties)
    let names = properties.keys.sorted().joined(separator: ", ")
    Console.write("\(words[0]): \(names) changed; version \(version)")
    return 0
  }

  private static func sync(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let place = try Subcommand.require(words, ["TABLE"], command: "table sync")[0]
    // A table that lakeward.yml has placed elsewhere is known by its name, too.
    guard let report = try ObjectStores.sync(try Workspace(arguments).lake.places[place] ?? place) else {
      throw CommandFailure(
        "\(place) has no local folder to fall back to; hdfs: tables have one if LAKEWARD_HDFS_FALLBACK names a folder")
    }
    Console.write("\(place): \(Console.grouped(report.uploaded.count)) files carried over")
    guard let conflict = report.conflicts.first else { return 0 }
    throw CommandFailure("\(place): others have written \(conflict) meanwhile; it and what follows stays in the folder")
  }

  private static func files(_ count: Int, _ bytes: Int64) -> String {
    "\(Console.grouped(count)) \(count == 1 ? "file" : "files") of \(Console.grouped(bytes)) bytes"
  }

  private static func rows(_ count: Int64) -> String { "\(Console.grouped(count)) \(count == 1 ? "row" : "rows")" }
}
