import Clinical
import DeltaLake
import DuckDB
import Foundation

/// Imports Synthea's CSV files into Delta tables, one per kind of file: `synthea_patients`, `synthea_encounters` and so
/// on, with malformed lines in `synthea_quarantine`.
///
/// A file's content is imported once: its fingerprint is stored as a Delta transaction in the same commit as its rows,
/// so importing a folder again, or going on after a crash, adds nothing twice. Columns are matched by name over all
/// known versions of Synthea; dates and timestamps are typed, everything else stays text. What a typed
/// column cannot hold, and the fields of unknown columns, stand as JSON in the column `extra`.
public final class SyntheaImporter {
  /// The table of malformed lines.
  public static let quarantineTable = "synthea_quarantine"

  private let tables: IntakeTables
  private let temporaryFolder: String
  private let connection: Connection
  private let lines: LineScan

  /// An importer into the Delta tables below the folder `lake`.
  ///
  /// - Parameters:
  ///   - lake: Folder of the tables; created if it is not there.
  ///   - settings: DuckDB settings such as `threads` and `memory_limit`.
  ///   - pieceBytes: How much of a file is in memory at once, and becomes one Parquet file.
  /// - Throws: `DuckDBError` for a setting that DuckDB refuses.
  public convenience init(lake: String, settings: [String: String] = [:], pieceBytes: Int = 128 << 20) throws {
    let connection = try Database(settings: settings).connect()
    try connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    self.init(
      tables: IntakeTables(lake: lake), temporaryFolder: settings["temp_directory"] ?? NSTemporaryDirectory(),
      connection: connection, lines: try LineScan(connection: connection, pieceBytes: pieceBytes))
  }

  /// An importer that shares its connection, whose TimeZone is UTC.
  init(tables: IntakeTables, temporaryFolder: String, connection: Connection, lines: LineScan) {
    self.tables = tables
    self.temporaryFolder = temporaryFolder
    self.connection = connection
    self.lines = lines
  }

  /// Imports every CSV file of a folder (of its `csv` subfolder, if it holds none itself).
  ///
  /// - Parameter progress: Called before a file is read and after each piece of it.
  /// - Throws: `IntakeError`, `DeltaError` or `DuckDBError`; what was committed before stays, and importing again goes
  ///   on from there.
  public func importFolder(
    _ folder: String, progress: ((ImportProgress) -> Void)? = nil
  ) throws -> ImportReport {
    let (folder, names) = try Self.files(in: folder)
    let report = try importAll(names.map { (folder + "/" + $0, $0) }, progress)
    guard report.files.contains(where: { $0.table != nil }) else { throw IntakeError.nothingToImport(path: folder) }
    return report
  }

  /// Imports CSV files that are named one by one; the name of a file counts only where headers do not tell tables apart.
  ///
  /// - Parameter progress: Called before a file is read and after each piece of it.
  /// - Throws: As ``importFolder(_:progress:)``; also if one of the files is none of Synthea's.
  public func importFiles(_ paths: [String], progress: ((ImportProgress) -> Void)? = nil) throws -> ImportReport {
    let report = try importAll(paths.map { ($0, ($0 as NSString).lastPathComponent) }, progress)
    for (path, file) in zip(paths, report.files) where file.outcome == .unknownHeader {
      throw IntakeError.nothingToImport(path: path)
    }
    return report
  }

  private func importAll(
    _ files: [(path: String, name: String)], _ progress: ((ImportProgress) -> Void)?
  ) throws -> ImportReport {
    var report = ImportReport()
    for (index, file) in files.enumerated() {
      report.files.append(
        try importFile(file.path, name: file.name) { bytesRead, byteCount in
          progress?(
            ImportProgress(
              file: file.name, number: index + 1, count: files.count, bytesRead: bytesRead, byteCount: byteCount))
        })
    }
    return report
  }

  private static func files(in folder: String) throws(IntakeError) -> (folder: String, names: [String]) {
    for candidate in [folder, folder + "/csv"] {
      guard let names = try? FileManager.default.contentsOfDirectory(atPath: candidate) else {
        if candidate == folder { throw .notAFolder(path: folder) }
        continue
      }
      let wanted = names.filter { $0.hasSuffix(".csv") || $0.hasSuffix(".csv.gz") }
      if !wanted.isEmpty { return (candidate, wanted.sorted()) }
    }
    throw .nothingToImport(path: folder)
  }

  private func importFile(
    _ path: String, name: String, progress: (Int64, Int64) -> Void
  ) throws -> FileReport {
    let file = try ReadableFile(
      FoundFile(path: path, name: name, bytes: 0, modified: 0), temporaryFolder: temporaryFolder)
    guard !file.isDamaged else { return FileReport(file: name, outcome: .damaged) }
    return try importCSV(file, reportedAs: name, progress: progress)
  }

  /// Imports a CSV file whatever its ending; its header says what it is.
  func importCSV(
    _ readable: ReadableFile, reportedAs name: String, progress: (Int64, Int64) -> Void
  ) throws -> FileReport {
    let file = try SourceFile(path: readable.path)
    progress(0, file.byteCount)
    guard let first = try file.firstLine() else { return FileReport(file: name, outcome: .empty) }
    let header = first.text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard let layout = SyntheaLayout.recognise(header: header, fileName: Self.baseName(readable.name)) else {
      return FileReport(file: name, outcome: .unknownHeader)
    }
    let select = SyntheaSelect(
      layout: layout, header: header, lines: LineScan.function, headerLine: first.line)
    let (table, transaction) = try place(layout, fingerprint: try file.fingerprint())
    var report = try report(name, select, table, transaction)
    if case .imported = report.outcome { try load(file, select, into: table, transaction, &report, progress) }
    return report
  }

  /// Imports a Parquet file that has a Synthea file's columns, of whatever types: they are read as text first.
  func importParquet(
    _ readable: ReadableFile, reportedAs name: String, progress: (Int64, Int64) -> Void
  ) throws -> FileReport {
    let file = try SourceFile(path: readable.path)
    progress(0, file.byteCount)
    let source = "read_parquet(\(SQL.quote(literal: readable.path)), file_row_number = true)"
    let columns: [Column]
    do {
      columns = try connection.query("SELECT * EXCLUDE (file_row_number) FROM \(source) LIMIT 0").columns
    } catch {
      return FileReport(file: name, outcome: .damaged)
    }
    let header = columns.map(\.name)
    guard let layout = SyntheaLayout.recognise(header: header, fileName: Self.baseName(readable.name)) else {
      return FileReport(file: name, outcome: .unknownHeader)
    }
    let select = SyntheaSelect(layout: layout, parquet: source, columns: columns)
    let (table, transaction) = try place(layout, fingerprint: try file.fingerprint())
    var report = try report(name, select, table, transaction)
    guard case .imported = report.outcome else { return report }
    let counts = try connection.query(select.counts).rows()[0].map { $0.intValue ?? 0 }
    report.rowsWithUnreadableDate = counts[1]
    report.rows = try connection.query("SELECT count(*) FROM \(source)").scalar().intValue ?? 0
    let rows = try DeltaWriter(connection: connection).write(select.rows, into: table)
    try commit(rows, [], into: table, transaction, &report)
    progress(file.byteCount, file.byteCount)
    return report
  }

  private static func baseName(_ name: String) -> String {
    ((name as NSString).lastPathComponent as NSString).deletingPathExtension
  }

  private func place(
    _ layout: SyntheaLayout, fingerprint: String
  ) throws(DeltaError) -> (DeltaTable, AppTransaction) {
    (
      try tables.table(layout),
      AppTransaction(appId: "import/\(layout.tableName)/\(fingerprint)", version: 1)
    )
  }

  private func report(
    _ name: String, _ select: SyntheaSelect, _ table: DeltaTable, _ transaction: AppTransaction
  ) throws(DeltaError) -> FileReport {
    let isKnown = try table.snapshot().transactions[transaction.appId] != nil
    var report = FileReport(file: name, outcome: isKnown ? .alreadyImported : .imported)
    report.table = select.layout.tableName
    report.unknownColumns = select.mapping.unknown.map { select.header[$0] }
    report.missingColumns = zip(select.layout.columns, select.mapping.positions).filter { $1 == nil }.map(\.0.name)
    return report
  }

  /// Reads a file piece by piece, then commits quarantine and rows, each with the transaction that makes a repetition
  /// harmless.
  private func load(
    _ file: SourceFile, _ select: SyntheaSelect, into table: DeltaTable, _ transaction: AppTransaction,
    _ report: inout FileReport, _ progress: (Int64, Int64) -> Void
  ) throws {
    let writer = DeltaWriter(connection: connection)
    let quarantine = try tables.quarantine()
    var rows: [AddFile] = []
    var malformed: [AddFile] = []
    try lines.forEachPiece(of: file, headerLine: select.headerLine) { position, records in
      let faulty = select.quarantine(file: report.file)
      let counts = try connection.query(select.counts).rows()[0].map { $0.intValue ?? 0 }
      if counts[0] > 0 {
        malformed += try writer.write("\(faulty) ORDER BY line", into: quarantine)
      }
      rows += try writer.write(select.rows, into: table)
      report.quarantined += counts[0]
      report.rowsWithUnreadableDate += counts[1]
      report.rows += records - counts[0]
      progress(position, file.byteCount)
    }
    try commit(rows, malformed, into: table, transaction, &report)
  }

  private func commit(
    _ rows: [AddFile], _ malformed: [AddFile], into table: DeltaTable, _ transaction: AppTransaction,
    _ report: inout FileReport
  ) throws(DeltaError) {
    if !malformed.isEmpty {
      _ = try tables.quarantine().append(malformed, transactions: [transaction], operation: "IMPORT")
    }
    let outcome = try table.append(
      rows, transactions: [transaction], operation: "IMPORT",
      metrics: ["numQuarantinedRows": String(report.quarantined)])
    if case .stale = outcome {
      let name = report.table
      report = FileReport(file: report.file, outcome: .alreadyImported)
      report.table = name
    }
  }
}
