import DeltaLake
import DuckDB
import Foundation

/// One writer of the test of many processes on one table.
///
///     delta-writer append TABLE WRITER COMMITS     one row per commit: (writer, number)
///     delta-writer compact TABLE FILE              joins small files until FILE is there, and once more
///
/// The exit status is 0 when every commit went in; otherwise the reason is on standard error.
@main enum DeltaWriterProcess {
  static func main() {
    do {
      let arguments = CommandLine.arguments
      guard arguments.count >= 4 else { throw Failure("usage: delta-writer append|compact TABLE …") }
      let database = try Database(settings: ["threads": "1"])
      let connection = try database.connect()
      try connection.execute("SET TimeZone = 'UTC'")
      let table = try DeltaTable(at: arguments[2])
      if arguments[1] == "append", arguments.count == 5, let commits = Int64(arguments[4]) {
        try append(to: table, connection, writer: arguments[3], commits: commits)
      } else {
        try compact(table, connection, until: arguments[3])
      }
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(1)
    }
  }

  private static func append(
    to table: DeltaTable, _ connection: Connection, writer: String, commits: Int64
  ) throws {
    // After a kill it goes on behind its last commit.
    let first = try (table.snapshot().transactions["writer \(writer)"] ?? -1) + 1
    for number in first..<max(first, commits) {
      let files = try DeltaWriter(connection: connection).write(
        "SELECT \(writer)::BIGINT AS writer, \(number)::BIGINT AS number", into: table)
      let outcome = try table.append(
        files, transactions: [AppTransaction(appId: "writer \(writer)", version: number)])
      guard case .committed = outcome else { throw Failure("commit \(number) is stale") }
    }
  }

  private static func compact(_ table: DeltaTable, _ connection: Connection, until path: String) throws {
    let editor = DeltaEditor(connection: connection)
    while !FileManager.default.fileExists(atPath: path) { _ = try editor.optimize(table, minimumFiles: 5) }
    _ = try editor.optimize(table)
  }

  private struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}
