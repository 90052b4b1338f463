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

  private static let linesFunction = "lakeward_intake_lines"
  private let lake: String
  private let pieceBytes: Int
  private let connection: Connection
  private let scan: RecordBatchScan
  private let batch = RecordBatch()

  /// An importer into the Delta tables below the folder `lake`.
  ///
  /// - Parameters:
  ///   - lake: Folder of the tables; created if it is not there.
  ///   - settings: DuckDB settings such as `threads` and `memory_limit`.
  ///   - pieceBytes: How much of a file is in memory at once, and becomes one Parquet file.
  /// - Throws: `DuckDBError` for a setting that DuckDB refuses.
  public init(lake: String, settings: [String: String] = [:], pieceBytes: Int = 128 << 20) throws {
    self.lake = lake
    self.pieceBytes = max(1 << 10, pieceBytes)
    connection = try Database(settings: settings).connect()
    try connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    scan = try connection.registerRecordBatch(name: Self.linesFunction)
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
    if name.hasSuffix(".gz") { return FileReport(file: name, outcome: .compressed) }
    let file = try SourceFile(path: path)
    progress(0, file.byteCount)
    guard let first = try file.firstLine() else { return FileReport(file: name, outcome: .empty) }
    let header = first.text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let baseName = String(name.dropLast(".csv".count))
    guard let layout = SyntheaLayout.recognise(header: header, fileName: baseName) else {
      return FileReport(file: name, outcome: .unknownHeader)
    }
    let select = SyntheaSelect(
      layout: layout, header: header, lines: Self.linesFunction, headerLine: first.line)
    let transaction = AppTransaction(
      appId: "import/\(layout.tableName)/\(try file.fingerprint())", version: 1)
    let table = try DeltaTable.create(
      at: "\(lake)/\(layout.tableName)", schema: try Schema(columns: layout.tableColumns), name: layout.tableName)
    let isKnown = try table.snapshot().transactions[transaction.appId] != nil
    var report = FileReport(file: name, outcome: isKnown ? .alreadyImported : .imported)
    report.table = layout.tableName
    report.unknownColumns = select.mapping.unknown.map { header[$0] }
    report.missingColumns = zip(layout.columns, select.mapping.positions).filter { $1 == nil }.map(\.0.name)
    if isKnown { return report }
    try load(file, select, into: table, transaction, &report, progress)
    return report
  }

  /// Reads a file piece by piece, then commits quarantine and rows, each with the transaction that makes a repetition
  /// harmless.
  private func load(
    _ file: SourceFile, _ select: SyntheaSelect, into table: DeltaTable, _ transaction: AppTransaction,
    _ report: inout FileReport, _ progress: (Int64, Int64) -> Void
  ) throws {
    let writer = DeltaWriter(connection: connection)
    let quarantine = try quarantineTable()
    var rows: [AddFile] = []
    var malformed: [AddFile] = []
    try forEachPiece(of: file, headerLine: select.headerLine) { position, records in
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
    let metrics = ["numQuarantinedRows": String(report.quarantined)]
    if !malformed.isEmpty {
      _ = try quarantine.append(malformed, transactions: [transaction], operation: "IMPORT")
    }
    let outcome = try table.append(rows, transactions: [transaction], operation: "IMPORT", metrics: metrics)
    if case .stale = outcome {
      report = FileReport(file: report.file, outcome: .alreadyImported)
      report.table = select.layout.tableName
      return
    }
  }

  private func quarantineTable() throws -> DeltaTable {
    try DeltaTable.create(
      at: "\(lake)/\(Self.quarantineTable)",
      schema: try Schema(columns: [
        ("table", "VARCHAR"), ("file", "VARCHAR"), ("line", "BIGINT"), ("reason", "VARCHAR"), ("raw", "VARCHAR"),
        ("raw_encoding", "VARCHAR"),
      ]), name: Self.quarantineTable)
  }

  /// Binds the file's lines to the table function, piece by piece; `body` gets the position after the piece and the
  /// number of its lines that are neither blank nor the header.
  private func forEachPiece(
    of file: SourceFile, headerLine: Int64, _ body: (_ position: Int64, _ records: Int) throws -> Void
  ) throws {
    var position: Int64 = 0
    var line: Int64 = 0
    var size = pieceBytes
    defer { scan.clear() }
    while position < file.byteCount {
      scan.clear()
      try batch.removeAll()
      let split = try batch.appendLines(
        reading: Int(min(Int64(size), file.byteCount - position)), source: try batch.source(file.path),
        firstOffset: line, takeRest: position + Int64(size) >= file.byteCount
      ) { try file.read(at: position, into: $0) }
      if split.consumedBytes == 0 {
        guard size < RecordBatch.longestRecord / 2 else {
          throw IntakeError.lineTooLong(path: file.path, line: line + 1)
        }
        size *= 2
        continue
      }
      let holdsHeader = (line..<line + Int64(split.lines)).contains(headerLine)
      position += Int64(split.consumedBytes)
      line += Int64(split.lines)
      scan.bind(batch)
      try body(position, split.records - (holdsHeader ? 1 : 0))
    }
  }
}
