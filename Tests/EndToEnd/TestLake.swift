import DeltaLake
import DuckDB
import Foundation
import LakewardTesting
import Simulation
import Testing

/// A lake in a temporary folder, with a copy of the project's pipelines, worked by the built program.
final class TestLake {
  let directory: TemporaryDirectory
  let program: String

  var lake: String { directory.file("lake") }
  var landing: String { directory.file("lake/landing/patient_data") }
  /// Added to the program's environment.
  var environment: [String: String] = [:]
  private var configuration: String { directory.file("lakeward.yml") }

  /// - Parameters:
  ///   - models: A folder of trained models; nil: the lake's own.
  ///   - maxRecords: The size of a micro-batch, small to have many of them.
  init(models: String? = nil, maxRecords: Int = 200_000) throws {
    directory = try TemporaryDirectory("end-to-end")
    program = try #require(Places.program(), "the program has not been built")
    let pipelines = directory.file("pipelines")
    try FileManager.default.copyItem(atPath: Places.packageRoot() + "/pipelines", toPath: pipelines)
    for name in try FileManager.default.contentsOfDirectory(atPath: pipelines) {
      let definition = "\(pipelines)/\(name)/pipeline.yml"
      let text = try String(contentsOfFile: definition, encoding: .utf8)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
        $0.hasPrefix("trigger:") ? "trigger: { interval: 50 ms, max_records: \(maxRecords) }" : String($0)
      }
      try lines.joined(separator: "\n").write(toFile: definition, atomically: true, encoding: .utf8)
    }
    var settings = "lake: \(lake)\npipelines: \(pipelines)\nengine: { threads: 2 }\n"
    if let models { settings += "models: \(models)\n" }
    try settings.write(toFile: configuration, atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(atPath: landing, withIntermediateDirectories: true)
  }

  /// Starts the program with this lake's configuration.
  func start(_ words: String...) throws -> ChildProcess { try start(words) }

  func start(_ words: [String]) throws -> ChildProcess {
    try ChildProcess(
      program, words + ["--config", configuration], environment: environment, directory: directory.path)
  }

  /// Runs the program to its end and expects success.
  @discardableResult
  func run(_ words: String...) throws -> ProcessOutcome {
    let outcome = try start(words).wait(seconds: 300)
    #expect(outcome.succeeded, "lakeward \(words.joined(separator: " ")): \(outcome.output) \(outcome.errors)")
    return outcome
  }

  /// A table's location.
  func location(_ table: String) -> String { "\(lake)/tables/\(table)" }

  /// One number from a query in which `{TABLE}` stands for a scan of a table of the lake.
  func count(_ sql: String) throws -> Int64 {
    guard case .int(let value) = try Database().connect().query(try expand(sql)).scalar() else { return -1 }
    return value
  }

  /// Replaces every `{TABLE}` by a scan of its newest snapshot.
  func expand(_ sql: String) throws -> String {
    var text = sql
    for match in sql.matches(of: /\{([a-z0-9_]+)\}/) {
      let scan = try DeltaReader.scanSQL(DeltaTable(at: location(String(match.1))).snapshot())
      text = text.replacing("{\(match.1)}", with: scan)
    }
    return text
  }

  /// Rows that only one of two lakes holds.
  static func differences(_ left: TestLake, _ right: TestLake, select columns: String, table: String) throws -> Int64 {
    let connection = try Database().connect()
    try connection.execute(
      """
      CREATE TEMP TABLE a AS SELECT \(columns) FROM \(try left.expand("{\(table)}"));
      CREATE TEMP TABLE b AS SELECT \(columns) FROM \(try right.expand("{\(table)}"))
      """)
    let value = try connection.query(
      """
      SELECT (SELECT count(*) FROM (FROM a EXCEPT ALL FROM b)) + (SELECT count(*) FROM (FROM b EXCEPT ALL FROM a))
      """
    ).scalar()
    guard case .int(let count) = value else { return -1 }
    return count
  }

  /// A folder of models with a live illness model, trained once for the whole run on a generated population.
  static func trainedModels() throws -> String { try trained.get().lake + "/models" }

  // Made once, then only read.
  nonisolated(unsafe) private static let trained = Result {
    let lake = try TestLake()
    let folder = lake.directory.file("synthea")
    _ = try PopulationGenerator(seed: 7, patients: 300).write(to: folder)
    try lake.run("import", folder)
    try lake.run("train", "illness")
    return lake
  }
}
