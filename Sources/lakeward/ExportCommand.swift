internal import Deidentification
internal import DeltaLake
internal import Foundation
internal import Pipelines
internal import Streaming

/// `lakeward export`
enum ExportCommand: Command {
  static let name = "export"
  static let summary =
    "write tables without what identifies people (HIPAA Safe Harbor), or a pipeline as a project of Spark"
  static let help = """
    usage: lakeward export --safe-harbor DIR [TABLE…] [--format delta|parquet|csv]
           lakeward export spark PIPELINE DIR

    Writes the named tables, or all that may be, into a new folder: names, places, numbers and free text are left out,
    identifiers become numbers drawn for this export, dates become years, ages over 89 one group, postal codes three
    digits. What a column holds is said by 'phi:' in the pipelines' YAML; a column of which nothing is said is left out.
    manifest.json says what became of every column.

    --shifted instead of --safe-harbor keeps days, moved back by 1 to 365 days for each patient. That is not Safe Harbor:
    it needs an expert's determination, or a data use agreement.

    spark writes the pipeline into a new folder as a project of Spark Declarative Pipelines, with its SQL unchanged and the
    live versions of its models.

    examples:
      lakeward export spark risk /tmp/risk-on-spark
      lakeward export --safe-harbor /tmp/shared
      lakeward export --safe-harbor /tmp/shared silver_patients silver_conditions --format csv
    """
  static let options = [
    Option("safe-harbor", "DIR", "export by 45 CFR 164.514(b)(2) into this new folder"),
    Option("shifted", "DIR", "export with dates shifted per patient (not Safe Harbor)"),
    Option("format", "FORMAT", "delta (default), parquet or csv"),
    Option("zip-areas", "FILE", "three-digit postal areas of 20,000 people or fewer, instead of the known ones"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    if arguments.positionals.first == "spark", arguments.text("safe-harbor") == nil, arguments.text("shifted") == nil {
      return try ExportSpark.run(arguments, Array(arguments.positionals.dropFirst()))
    }
    let dates: DateRule = arguments.text("shifted") == nil ? .year : .shifted
    guard let folder = arguments.text("safe-harbor") ?? arguments.text("shifted"),
      arguments.text("safe-harbor") == nil || dates == .year
    else { throw UsageError("lakeward export: give --safe-harbor DIR, or --shifted DIR") }
    var settings = DeidentifiedExport.Settings(
      dates: dates, year: Calendar(identifier: .gregorian).component(.year, from: Date()))
    if let word = arguments.text("format") {
      guard let format = DeidentifiedExport.Format(rawValue: word) else {
        throw UsageError("--format \(word): give delta, parquet or csv")
      }
      settings.format = format
    }
    if let file = arguments.text("zip-areas") {
      guard let text = try? String(contentsOfFile: file, encoding: .utf8), let areas = SmallAreas.parse(text) else {
        throw CommandFailure("\(file): write areas of three digits each, such as 036, 059")
      }
      settings.areas = areas
    }
    let workspace = try Workspace(arguments)
    let names = try workspace.lake.tableNames()
    for name in arguments.positionals where !names.contains(name) {
      let guess = nearest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
      throw CommandFailure("the lake has no table \(name)\(guess)")
    }
    let sources = try workspace.exportSources(names, dates)
    let wanted = Set(arguments.positionals)
    let chosen = sources.filter { wanted.isEmpty ? $0.hasColumns : wanted.contains($0.name) }
    guard !chosen.isEmpty else {
      throw CommandFailure("there is nothing to export: no pipeline.yml says by 'phi:' what columns hold")
    }
    let chosenNames = Set(chosen.map(\.name))
    let export = DeidentifiedExport(settings, connection: try workspace.engine().connect(scratch: "export"))
    let manifest = try export.write(
      chosen, knowing: sources, leftOut: names.filter { !chosenNames.contains($0) }, to: folder
    ) { Console.warn("exporting \($0)") }
    show(manifest, folder)
    return 0
  }

  private static func show(_ manifest: ExportManifest, _ folder: String) {
    for table in manifest.tables {
      let dropped = table.columns.values.filter { $0.hasPrefix("dropped") }.count
      Console.write(
        "\(table.name.padding(toLength: 30, withPad: " ", startingAt: 0)) \(Console.grouped(table.rows)) rows, "
          + "\(table.columns.count - dropped) columns, \(dropped) left out")
    }
    if let small = manifest.tables.compactMap(\.patientsInSmallGroups).max(), small > 0 {
      Console.write(
        "\(Console.grouped(small)) patients share their demographics with fewer than eleven: see manifest.json")
    }
    Console.write("\n\(manifest.rule); \(folder)/manifest.json says what became of every column.")
  }
}

extension Workspace {
  /// Tables with what the pipelines' catalogues say of their columns: the pipeline that makes a table is asked first, then
  /// those that read it.
  func exportSources(_ names: [String], _ dates: DateRule) throws -> [DeidentifiedExport.Source] {
    let pipelines = try pipelines([])
    return try names.map { name in
      let makers = pipelines.filter { $0.makes(name) }
      let catalogues = (makers + pipelines.filter { $0.externalTables.contains(name) }).map(\.catalogue)
      return DeidentifiedExport.Source(
        name: name, snapshot: try lake.table(named: name).snapshot(), dates: dates
      ) { column in catalogues.lazy.compactMap { $0.phi(ofColumn: column, table: name) }.first }
    }
  }
}

extension Pipeline {
  fileprivate func makes(_ table: String) -> Bool {
    streamTableNames.contains(table) || materializedViews.contains { $0.name == table }
  }
}
