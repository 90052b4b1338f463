import Clinical
import DeltaLake
import DuckDB
public import Foundation
import Streaming

/// Imports files of several kinds into the Delta tables of a lake: Synthea's CSV and Parquet files, FHIR R4 bundles and
/// NDJSON, HL7 version 2 messages. What a file holds is told by its content.
///
/// A file's content is imported once: its fingerprint is stored in the same commit as what it brought, so that the same
/// folder again, or going on after a crash, adds nothing twice.
public final class Importer {
  /// How an import is done.
  public struct Options: Sendable {
    /// DuckDB settings such as `threads`, `memory_limit` and `temp_directory`.
    public var settings: [String: String] = [:]
    /// How much of a file is in memory at once, in bytes.
    public var pieceBytes = 64 << 20
    /// Bytes of FHIR and HL7 files after which the tables are brought level.
    public var levelBytes: Int64 = 1 << 30
    /// The zone of HL7 times without an offset.
    public var zone = TimeZone(secondsFromGMT: 0) ?? .current

    /// The usual options.
    public init() {}
  }

  /// Files of a batch of resources: so many, or so many bytes, whichever comes first.
  private static let batchFiles = 500
  let tables: IntakeTables
  private let options: Options
  private let temporaryFolder: String
  let connection: Connection
  private let synthea: SyntheaImporter
  let documents: FHIRReader
  let messages: HL7Reader
  let log: FHIRLog
  private let derivation: FHIRDerivation

  /// An importer into the Delta tables below the folder `lake`, which is created if it is not there.
  ///
  /// - Throws: `DuckDBError` for a setting that DuckDB refuses.
  public init(lake: String, options: Options = Options()) throws {
    tables = IntakeTables(lake: lake)
    self.options = options
    temporaryFolder = options.settings["temp_directory"] ?? NSTemporaryDirectory()
    connection = try Database(settings: options.settings).connect()
    try connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    let lines = try LineScan(connection: connection, pieceBytes: options.pieceBytes)
    synthea = SyntheaImporter(
      tables: tables, temporaryFolder: temporaryFolder, connection: connection, lines: lines)
    documents = try FHIRReader(connection: connection, lines: lines)
    messages = HL7Reader(connection: connection, zone: options.zone)
    log = try FHIRLog(tables: tables, connection: connection)
    derivation = FHIRDerivation(tables: tables, log: log, connection: connection)
  }

  /// Imports the files of folders, and single files.
  ///
  /// - Parameter progress: Called before a file is read and after each piece of it.
  /// - Throws: `IntakeError` (also if there is nothing to import in a folder, or a named file is nothing that can be
  ///   imported), `DeltaError`, `DuckDBError`; what was committed before stays, and importing again goes on from there.
  public func run(_ paths: [String], progress: ((ImportProgress) -> Void)? = nil) throws -> ImportReport {
    var files: [FoundFile] = []
    var named: Set<String> = []
    var folders: [(path: String, files: Range<Int>)] = []
    for path in paths {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
        let found = try SourceFolder.files(in: path)
        guard !found.isEmpty else { throw IntakeError.nothingToImport(path: path) }
        folders.append((path, files.count..<files.count + found.count))
        files += found
      } else {
        files.append(try SourceFolder.file(path))
        named.insert(path)
      }
    }
    let report = try run(files, progress: progress)
    for (file, outcome) in zip(files, report.outcomes) where outcome == .unknownHeader && named.contains(file.path) {
      throw IntakeError.nothingToImport(path: file.path)
    }
    for folder in folders where report.outcomes[folder.files].allSatisfy({ [.unknownHeader, .empty].contains($0) }) {
      throw IntakeError.nothingToImport(path: folder.path)
    }
    return report
  }

  /// Imports these files, and brings level what an earlier import left behind.
  func run(_ files: [FoundFile], progress: ((ImportProgress) -> Void)?) throws -> ImportReport {
    var report = ImportReport()
    var session = ResourceSession()
    try level(&report)
    for (index, file) in files.enumerated() {
      let show = { (bytes: Int64, of: Int64) in
        progress?(
          ImportProgress(file: file.name, number: index + 1, count: files.count, bytesRead: bytes, byteCount: of)) ?? ()
      }
      let outcome = try take(file, &session, &report, show)
      report.outcomes.append(outcome)
      if session.files.count >= Self.batchFiles || session.bytes >= options.pieceBytes { try commit(&session, &report) }
      if session.bytesSinceLevel >= options.levelBytes {
        try commit(&session, &report)
        try level(&report)
        session.bytesSinceLevel = 0
      }
    }
    try commit(&session, &report)
    try level(&report)
    return report
  }

  /// Files of FHIR and HL7 that are read and not committed.
  private struct ResourceSession {
    var files: [(source: FHIRReader.Source, readable: ReadableFile, kind: SourceKind, mark: AppTransaction)] = []
    var marks: Set<String> = []
    var bytes: Int64 = 0
    var bytesSinceLevel: Int64 = 0
  }

  private func take(
    _ file: FoundFile, _ session: inout ResourceSession, _ report: inout ImportReport, _ show: (Int64, Int64) -> Void
  ) throws -> FileReport.Outcome {
    let readable = try ReadableFile(file, temporaryFolder: temporaryFolder)
    let source = try readable.isDamaged ? nil : SourceFile(path: readable.path)
    guard let source else {
      report.files.append(FileReport(file: file.name, outcome: .damaged))
      return .damaged
    }
    let kind = SourceKind.recognise(name: readable.name, head: try source.head(65_536))
    switch kind {
    case .csv, .parquet:
      let one =
        kind == .csv
        ? try synthea.importCSV(readable, reportedAs: file.name, progress: show)
        : try synthea.importParquet(readable, reportedAs: file.name, progress: show)
      report.files.append(one)
      return one.outcome
    case .unknown:
      let outcome = source.byteCount == 0 ? FileReport.Outcome.empty : .unknownHeader
      report.files.append(FileReport(file: file.name, outcome: outcome))
      return outcome
    case .document, .lines, .messages:
      show(0, source.byteCount)
      let application = FHIRLog.application(try source.fingerprint())
      guard try log.position(application) == nil, session.marks.insert(application).inserted else {
        report.files.append(FileReport(file: file.name, outcome: .alreadyImported))
        return .alreadyImported
      }
      let mark = AppTransaction(appId: application, version: 1)
      session.files.append((FHIRReader.Source(path: readable.path, name: file.name), readable, kind, mark))
      session.bytes += source.byteCount
      session.bytesSinceLevel += source.byteCount
      show(source.byteCount, source.byteCount)
      return .imported
    }
  }

  /// Reads the session's files and commits what they hold as one batch.
  private func commit(_ session: inout ResourceSession, _ report: inout ImportReport) throws {
    guard !session.files.isEmpty else { return }
    let marks = session.files.map(\.mark)
    let rejected = try log.rejectedBefore(session.files.map { ($0.mark.appId, $0.source.name) })
    var draft = try log.draft()
    try documents.begin()
    try messages.begin()
    let wholes = session.files.filter { $0.kind == .document }.map(\.source)
    if !wholes.isEmpty { try documents.readDocuments(wholes) }
    for file in session.files where file.kind == .messages { try messages.readFile(file.source) }
    try log.write(&draft, rejectedBefore: rejected)
    for file in session.files where file.kind == .lines {
      try documents.readLines(file.source, progress: { _, _ in }) { try log.write(&draft, rejectedBefore: rejected) }
    }
    try messages.commit(tables, marks: marks)
    let isCommitted = try log.commit(draft, marks: marks)
    for file in session.files {
      var one = FileReport(file: file.source.name, outcome: isCommitted ? .imported : .alreadyImported)
      one.table = FHIRLog.name
      one.rows = isCommitted ? draft.resources(in: file.source.name) : 0
      one.quarantined = isCommitted ? draft.rejected(in: file.source.name) : 0
      report.files.append(one)
    }
    let since = session.bytesSinceLevel
    session = ResourceSession()
    session.bytesSinceLevel = since
  }

  /// Brings the tables level with the log of resources.
  func level(_ report: inout ImportReport) throws {
    for outcome in try derivation.run() {
      if let index = report.files.firstIndex(where: { $0.table == outcome.table && $0.outcome == .derived }) {
        report.files[index].add(outcome)
      } else {
        var one = FileReport(file: FHIRLog.name, outcome: .derived)
        one.table = outcome.table
        one.add(outcome)
        report.files.append(one)
      }
    }
  }
}

extension FileReport {
  fileprivate mutating func add(_ outcome: FHIRDerivation.Outcome) {
    rows += outcome.rows
    replaced += outcome.replaced
    quarantined += outcome.quarantined
  }
}
