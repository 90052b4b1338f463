internal import DuckDB
internal import Foundation
internal import Models
internal import Pipelines
internal import Streaming

/// `lakeward models outcomes|compare`
extension ModelsCommand {
  static func outcomes(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let words = try Subcommand.require(words, ["MODEL", "FILE"], command: "models outcomes")
    let workspace = try Workspace(arguments)
    let model = try workspace.model(words[0]).model
    guard FileManager.default.isReadableFile(atPath: words[1]) else {
      throw CommandFailure("\(words[1]): there is no such file, or it cannot be read")
    }
    try workspace.lake.prepare()
    let added = try OutcomeTable(model, lake: workspace.lake).add(
      file: words[1], time: Int64(Date().timeIntervalSince1970 * 1e6), engine: try workspace.engine())
    let known = added.rows - added.new
    Console.write(
      "\(model.scores.outcomes): \(Console.grouped(added.new)) outcomes added"
        + (known > 0 ? ", \(Console.grouped(known)) were there already" : ""))
    return 0
  }

  static func compare(_ arguments: Arguments, _ words: [String]) throws -> Int32 {
    let name = try Subcommand.require(words, ["MODEL"], command: "models compare")[0]
    let format = try format(arguments)
    let workspace = try Workspace(arguments)
    try requireModel(workspace, name)
    let version =
      try arguments.integer("version", minimum: 1).map(String.init) ?? workspace.registry.silent(name).card.version
    guard let comparison = try workspace.comparison(name, version: version) else {
      throw CommandFailure(
        "version \(version) of \(name) has scored nothing in silent trial yet; it scores what comes while the pipeline runs"
      )
    }
    if format == .table {
      Console.write(
        """
        \(name): version \(version) silent, version \(comparison.liveVersions.joined(separator: ", ")) live
        records of both  \(Console.grouped(comparison.rows))
        agreement        \(figure(comparison.agreement)) (mean difference of probabilities \(figure(comparison.meanDifference)))
        outcomes so far  \(Console.grouped(comparison.labelled)), \(Console.grouped(comparison.events)) adverse events

        """)
    }
    let sides = [comparison.live, comparison.silent]
    let measures: [(String, (TrialComparison.Side) -> Double?)] = [
      ("alert rate", { $0.alertRate }), ("ROC-AUC", { $0.metrics?.rocAUC }),
      ("PR-AUC", { $0.metrics?.averagePrecision }),
      ("Brier", { comparison.givesProbabilities ? $0.metrics?.brier : nil }),
      ("calibration error", { $0.calibrationError }), ("precision of alerts", { $0.metrics?.precision }),
      ("recall of alerts", { $0.metrics?.recall }),
      ("events found", { comparison.events > 0 ? Double($0.eventsFound) : nil }),
      ("lead time, hours", { $0.leadTimeHours }),
    ]
    let rows = measures.map { measure, value -> [Value] in
      [.string(measure)] + sides.map { rounded(value($0)) }
    }
    try format.write(
      TableFacts.columns([("measure", .varchar), ("live", .double), ("silent", .double)]), rows,
      to: .standardOutput(), note: "")
    return 0
  }

  private static func figure(_ value: Double) -> String { String(format: "%.4f", value) }
}

extension Workspace {
  /// The silent trial of a version beside the live one; nil if it has scored nothing yet.
  func comparison(_ name: String, version: String) throws -> TrialComparison? {
    let (pipeline, definition) = try model(name)
    return try TrialComparison(definition, of: pipeline, version: version, lake: lake, engine: try engine())
  }
}
