internal import DuckDB
internal import Foundation
internal import Intake
internal import Pipelines
internal import Streaming

/// `lakeward import`
enum ImportCommand: Command {
  static let name = "import"
  static let summary = "bring Synthea's CSV files into tables"
  static let help = """
    usage: lakeward import DIR|FILE…

    Reads the CSV files that Synthea writes (patients.csv, encounters.csv, …) into one table each: synthea_patients,
    synthea_encounters and so on. Lines with a wrong number of fields go to synthea_quarantine with file and line.
    The same file again changes nothing, and after an interruption the import goes on where it was.

    examples:
      lakeward import synthea/output/csv
      lakeward import patients.csv encounters.csv
      lakeward import synthea/output/csv --format csv > imported.csv
    """
  static let options = [Option("format", "FORMAT", "how the closing table is written: table, csv, json or ndjson")]

  static func run(_ arguments: Arguments) throws -> Int32 {
    guard !arguments.positionals.isEmpty else {
      throw UsageError("lakeward import: name a folder, such as: lakeward import synthea/output/csv")
    }
    let format = try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson])
    let view = ImportView()
    let started = ContinuousClock.now
    let workspace = try Workspace(arguments)
    let lineage = LineageDuty(workspace)
    defer { lineage?.finish() }
    let report = try workspace.importSynthea(arguments.positionals, progress: view.show)
    let imported = report.files.filter { $0.outcome == .imported }
    lineage?.imported(
      imported.compactMap { file in
        file.table.map { (Self.path(of: file.file, in: arguments.positionals), $0, file.rows) }
      },
      seconds: (ContinuousClock.now - started) / .seconds(1))
    view.clear()
    let elapsed = QuerySession.seconds(ContinuousClock.now - started)
    let columns = TableFacts.columns([
      ("file", .varchar), ("table", .varchar), ("rows", .bigint), ("quarantined", .bigint), ("what happened", .varchar),
    ])
    try format.write(columns, report.files.map(Self.row), to: .standardOutput(), note: elapsed)
    if format == .table {
      let bad = report.quarantined
      Console.write(
        "\(Console.grouped(report.rows)) rows imported"
          + (bad == 0
            ? "" : ", \(bad == 1 ? "1 line" : "\(Console.grouped(bad)) lines") in \(SyntheaImporter.quarantineTable)"))
    }
    return 0
  }

  /// Where a file of the report lies: reports name files by their names inside what was given.
  private static func path(of file: String, in given: [String]) -> String {
    given.map { "\($0)/\(file)" }.first { FileManager.default.fileExists(atPath: $0) }
      ?? given.first { $0.hasSuffix(file) } ?? file
  }

  private static func row(_ file: FileReport) -> [Value] {
    var words: [String]
    switch file.outcome {
    case .imported: words = ["imported"]
    case .alreadyImported: words = ["was imported before, unchanged"]
    case .empty: words = ["empty"]
    case .unknownHeader: words = ["not Synthea's, left out"]
    case .compressed: words = ["compressed, left out: unpack it first"]
    }
    if !file.missingColumns.isEmpty { words.append("without \(file.missingColumns.joined(separator: ", "))") }
    if !file.unknownColumns.isEmpty { words.append("extra: \(file.unknownColumns.joined(separator: ", "))") }
    return [
      .string(file.file), file.table.map(Value.string) ?? .null, .int(Int64(file.rows)), .int(Int64(file.quarantined)),
      .string(words.joined(separator: "; ")),
    ]
  }
}

extension Workspace {
  /// Imports folders and files of Synthea's CSV into the lake.
  /// - Parameter progress: Gets the name of each file when it is begun.
  func importFolder(_ paths: [String], progress: (String) -> Void) throws -> ImportReport {
    try importSynthea(paths) { step in if step.bytesRead == 0 { progress(step.file) } }
  }

  /// Imports folders and files of Synthea's CSV into the lake; what each of them brought, in order.
  func importSynthea(_ paths: [String], progress: (ImportProgress) -> Void) throws -> ImportReport {
    var isFolder: [Bool] = []
    for path in paths {
      var answer: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &answer) else {
        throw CommandFailure("\(path): there is no such file or folder")
      }
      isFolder.append(answer.boolValue)
    }
    try lake.prepare()
    var settings = ["temp_directory": lake.temporaryFolder]
    if let threads = configuration.threads { settings["threads"] = String(threads) }
    if let bytes = configuration.memoryLimitBytes { settings["memory_limit"] = "\(bytes)B" }
    let importer = try SyntheaImporter(lake: "\(lake.root)/tables", settings: settings)
    var reports: [ImportReport] = []
    for (path, isFolder) in zip(paths, isFolder) {
      try withoutActuallyEscaping(progress) { progress in
        reports.append(
          isFolder
            ? try importer.importFolder(path, progress: progress) : try importer.importFiles([path], progress: progress)
        )
      }
    }
    return ImportReport(joining: reports)
  }
}

/// How far an import is: one line that changes on a terminal, a line per file elsewhere.
private final class ImportView {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var file = ""

  func show(_ step: ImportProgress) {
    let share = step.byteCount == 0 ? 100 : Int(100 * step.bytesRead / step.byteCount)
    let place = "\(step.file) (\(step.number) of \(step.count))"
    if isTerminal {
      FileHandle.standardError.write(Data("\r\(place)  \(share) %\u{1B}[K".utf8))
    } else if file != step.file {
      Console.warn("importing \(place), \(Console.grouped(step.byteCount)) bytes")
    }
    file = step.file
  }

  func clear() { if isTerminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) } }
}
