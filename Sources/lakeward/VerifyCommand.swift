internal import Models
internal import Pipelines
internal import Streaming

/// `lakeward verify`
enum VerifyCommand: Command {
  static let name = "verify"
  static let summary = "prove that nothing was lost, nothing is there twice, and scores are what the models give"
  static let help = """
    usage: lakeward verify [PIPELINE…]

    Reads the tables again and proves from them alone: every record of the source is in bronze once; bronze = silver +
    quarantine + duplicates, to the record; no key is there twice; and every stored row, scores included, is what the
    pipeline's SQL gives when it is run again, those of materialized views over the versions that they reflect. The
    pipeline may be running meanwhile. Exit code 1 if anything does not hold.

    examples:
      lakeward verify
      lakeward verify illness --lake /data/lake
    """
  static let options: [Option] = []

  static func run(_ arguments: Arguments) throws -> Int32 {
    let workspace = try Workspace(arguments)
    var allHold = true
    for pipeline in try workspace.pipelines(arguments.positionals) {
      // A stream whose bronze is not there has not run; views may stand without one.
      if let source = pipeline.source, try !workspace.lake.tableNames().contains(source.bronzeTable) {
        Console.write("\(pipeline.name): has not run yet, nothing to verify")
        continue
      }
      if try !workspace.verify(pipeline) { allHold = false }
    }
    return allHold ? 0 : 1
  }
}

extension Workspace {
  /// Verifies one pipeline's tables and prints what was found. True if everything holds.
  func verify(_ pipeline: Pipeline) throws -> Bool {
    let connection = try engine().connect()
    if !pipeline.models.isEmpty {
      try ScoringFunctions.register(registry, on: connection, uses: pipeline.models.map(ModelUse.init))
    }
    let checks = try Verification(pipeline: pipeline, lake: lake, connection: connection, registry: registry).run()
    for check in checks {
      Console.write("\(check.holds ? "ok    " : "FAILED") \(check.table): \(check.claim) (\(check.figures))")
    }
    let failed = checks.filter { !$0.holds }.count
    Console.write(
      failed == 0
        ? "\(pipeline.name): clean, \(checks.count) of \(checks.count) checks hold"
        : "\(pipeline.name): \(failed) of \(checks.count) checks FAILED")
    return failed == 0
  }
}
