import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Testing

/// A folder with a small lake of hand-made tables, and the built program to look at them.
final class SampleLake {
  let directory: TemporaryDirectory
  let program: String

  init() throws {
    directory = try TemporaryDirectory("sample")
    program = try #require(Places.program(), "the program has not been built")
  }

  /// A table's location; names with a slash are places beside the lake.
  func location(_ table: String) -> String {
    table.contains("/") ? directory.file(table) : directory.file("lake/tables/\(table)")
  }

  /// Creates a table from the first SELECT and appends the others, one version each from version 1 on.
  @discardableResult
  func table(
    _ name: String, partitionedBy: [String] = [], transactions: [AppTransaction] = [], _ selects: String...
  ) throws -> DeltaTable {
    let connection = try Database().connect()
    try connection.execute("SET TimeZone = 'UTC'")
    let columns = try connection.columns(of: selects[0])
    let table = try DeltaTable.create(
      at: location(name), schema: try Schema(columns: columns.map { ($0.name, $0.type.description) }),
      partitionColumns: partitionedBy, description: "a table of a test")
    for select in selects {
      let files = try DeltaWriter(connection: connection).write(select, into: table)
      _ = try table.append(files, transactions: transactions, operation: "TEST", metrics: ["numOutputRows": "some"])
    }
    return table
  }

  /// Runs the program in the folder to its end.
  func run(_ words: String...) throws -> ProcessOutcome { try run(words) }

  func run(_ words: [String]) throws -> ProcessOutcome {
    try ChildProcess.run(program, words, directory: directory.path, seconds: 120)
  }

  /// Runs a shell script in which `lakeward` is the program.
  func shell(_ script: String) throws -> ProcessOutcome {
    let folder = (program as NSString).deletingLastPathComponent
    let path = "\(folder):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
    return try ChildProcess.run(
      "sh", ["-c", script], environment: ["PATH": path], directory: directory.path, seconds: 300)
  }

  /// What a query writes in a format.
  func query(_ sql: String, _ words: String...) throws -> String {
    let outcome = try run(["query", sql] + words)
    #expect(outcome.succeeded, "\(sql): \(outcome.errors)")
    return outcome.output
  }

  /// Runs words that must fail, and returns the first line of standard error.
  func failure(_ words: String..., status: Int32 = 1) throws -> String {
    let outcome = try run(words)
    #expect(outcome.status == status, "\(words): \(outcome.output) \(outcome.errors)")
    #expect(outcome.output == "")
    return String(outcome.errors.prefix { $0 != "\n" })
  }
}
