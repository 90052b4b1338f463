internal import DuckDB
internal import Foundation
internal import Intake
internal import Pipelines
internal import Streaming

/// `lakeward import`
enum ImportCommand: Command {
  static let name = "import"
  static let summary = "bring Synthea, FHIR and HL7 files into tables"
  static let help = """
    usage: lakeward import DIR|FILE… | --watch DIR… | --synthea N

    Reads Synthea's CSV and Parquet files, FHIR R4 bundles and NDJSON, and HL7 v2 messages, also with gzip, into the tables
    synthea_patients, synthea_encounters and so on; what a file holds is told by its content. What cannot be taken goes to
    synthea_quarantine with file, line and reason. The same file again changes nothing, and after an interruption the
    import goes on where it was. A newer version of a FHIR resource or an HL7 correction takes the place of the older.

    examples:
      lakeward import synthea/output/csv
      lakeward import bundles export/Patient.ndjson messages.hl7
      lakeward import --watch incoming
      lakeward import --synthea 100
      lakeward import synthea/output/csv --format csv > imported.csv
    """
  static let options = [
    Option("format", "FORMAT", "how the closing table is written: table, csv, json or ndjson"),
    Option("watch", nil, "go on and import what comes into the folders, until Ctrl-C"),
    Option("settle", "SECONDS", "with --watch: how long a file must have rested (default 2)"),
    Option("synthea", "N", "make N patients with an installed Synthea and import them"),
    Option("seed", "N", "with --synthea: the generator's seed (default 1)"),
    Option("time-zone", "ZONE", "zone of HL7 times without an offset, such as Europe/Vienna or +01:00 (default UTC)"),
  ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let count = try arguments.integer("synthea", minimum: 1)
    guard !arguments.positionals.isEmpty || count != nil else {
      throw UsageError("lakeward import: name a folder, such as: lakeward import synthea/output/csv")
    }
    let format = try OutputFormat(arguments, among: [.table, .csv, .json, .ndjson])
    let workspace = try Workspace(arguments)
    let lock = try workspace.importLock()
    defer { withExtendedLifetime(lock) {} }
    let importer = try workspace.importer(zone: try arguments.timeZone())
    if arguments.has("watch") {
      guard count == nil else { throw UsageError("lakeward import: --watch and --synthea do not go together") }
      return try watch(importer, arguments)
    }
    var paths = arguments.positionals
    for path in paths where !FileManager.default.fileExists(atPath: path) {
      throw CommandFailure("\(path): there is no such file or folder")
    }
    if let count {
      let seed = try arguments.integer("seed") ?? 1
      paths.append(try SyntheaGenerator.run(patients: count, seed: seed, into: "\(workspace.lake.root)/synthea"))
    }
    let view = ImportView()
    let started = ContinuousClock.now
    let lineage = LineageDuty(workspace)
    defer { lineage?.finish() }
    let report = try importer.run(paths, progress: view.show)
    let imported = report.files.filter { $0.outcome == .imported }
    lineage?.imported(
      imported.compactMap { file in file.table.map { (Self.path(of: file.file, in: paths), $0, file.rows) } },
      seconds: (ContinuousClock.now - started) / .seconds(1))
    view.clear()
    let elapsed = QuerySession.seconds(ContinuousClock.now - started)
    let columns = TableFacts.columns([
      ("file", .varchar), ("table", .varchar), ("rows", .bigint), ("quarantined", .bigint), ("what happened", .varchar),
    ])
    try format.write(columns, Self.condensed(report.files).map(Self.row), to: .standardOutput(), note: elapsed)
    if format == .table { Console.write(summary(report)) }
    return 0
  }

  /// Where a file of the report lies: reports name files by their names inside what was given.
  private static func path(of file: String, in given: [String]) -> String {
    given.map { "\($0)/\(file)" }.first { FileManager.default.fileExists(atPath: $0) }
      ?? given.first { $0.hasSuffix(file) } ?? file
  }

  private static func summary(_ report: ImportReport) -> String {
    let bad = report.quarantined
    return "\(Console.grouped(report.rows)) rows imported"
      + (bad == 0
        ? ""
        : ", \(bad == 1 ? "1 line" : "\(Console.grouped(bad)) lines") in \(SyntheaImporter.quarantineTable)")
  }

  /// Imports what comes into the folders until it is stopped. What fails is tried again, with growing pauses.
  private static func watch(_ importer: Importer, _ arguments: Arguments) throws -> Int32 {
    let settle = try arguments.number("settle") ?? 2
    let watch = FolderWatch(importer: importer, folders: arguments.positionals, settleSeconds: settle)
    let stop = StopSignal()
    let signals = StopOnSignals(stop)
    defer { signals.cancel() }
    for folder in arguments.positionals {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
        throw CommandFailure("\(folder): there is no such folder to watch")
      }
    }
    Console.warn("watching \(arguments.positionals.joined(separator: ", ")) (Ctrl-C ends)")
    var pause = 0.5
    while !stop.isStopped {
      do {
        if let report = try watch.round() { Console.write(summary(report)) }
        pause = 0.5
      } catch {
        pause = min(60, pause * 2)
        Console.warn("\(error); trying again in \(Int(pause.rounded(.up))) s")
      }
      stop.wait(seconds: pause)
    }
    return 0
  }

  /// Files of FHIR and HL7 may be thousands: those that went well are one line.
  private static func condensed(_ files: [FileReport]) -> [FileReport] {
    func isPlain(_ file: FileReport) -> Bool {
      file.table == FileReport.resourceTable && file.outcome == .imported && file.quarantined == 0
    }
    let plain = files.filter(isPlain)
    guard plain.count > 8 else { return files }
    var rest = files.filter { !isPlain($0) }
    var sum = FileReport(file: "\(plain.count) files of FHIR or HL7", outcome: .imported)
    sum.table = FileReport.resourceTable
    sum.rows = plain.reduce(0) { $0 + $1.rows }
    rest.insert(sum, at: 0)
    return rest
  }

  private static func row(_ file: FileReport) -> [Value] {
    var words: [String]
    switch file.outcome {
    case .imported: words = ["imported"]
    case .alreadyImported: words = ["was imported before, unchanged"]
    case .empty: words = ["empty"]
    case .unknownHeader: words = ["nothing that can be imported, left out"]
    case .damaged: words = ["damaged, left out"]
    case .derived:
      words = [file.replaced == 0 ? "derived" : "derived; \(Console.grouped(file.replaced)) older rows gave way"]
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
  /// Imports folders and files into the lake.
  /// - Parameter progress: Gets the name of each file when it is begun.
  func importFolder(_ paths: [String], progress: (String) -> Void) throws -> ImportReport {
    try withoutActuallyEscaping(progress) { progress in
      try importer().run(paths) { step in if step.bytesRead == 0 { progress(step.file) } }
    }
  }

  /// An importer into the lake with the configured limits.
  /// - Parameter zone: The zone of HL7 times without an offset; nil: UTC.
  func importer(zone: TimeZone? = nil) throws -> Importer {
    try lake.prepare()
    var options = Importer.Options()
    options.settings["temp_directory"] = lake.temporaryFolder
    if let threads = configuration.threads { options.settings["threads"] = String(threads) }
    if let bytes = configuration.memoryLimitBytes { options.settings["memory_limit"] = "\(bytes)B" }
    if let zone { options.zone = zone }
    return try Importer(lake: "\(lake.root)/tables", options: options)
  }

  /// One import works on a lake at a time.
  func importLock() throws -> FileLock {
    try lake.prepare()
    guard let lock = try FileLock.take("\(lake.root)/import.lock", .exclusive) else {
      throw CommandFailure("another import is at work on \(lake.root); wait until it has ended")
    }
    return lock
  }
}

extension Arguments {
  /// The value of `--time-zone`.
  func timeZone() throws -> TimeZone? {
    guard let text = text("time-zone") else { return nil }
    guard let zone = ImportZone.named(text) else {
      throw UsageError("--time-zone \(text): write a name such as Europe/Vienna, or an offset such as +01:00")
    }
    return zone
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
