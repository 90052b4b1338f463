import DeltaLake
import DuckDB

extension Importer {
  /// Messages that are taken at once.
  private static let messagesAtOnce = 20_000

  /// Imports the HL7 messages of a streaming table that are not imported yet: columns `partition`, `offset`, `message`.
  ///
  /// The next offset of each partition is a Delta transaction in the commit of the resources, so every message is there
  /// once, whatever crashes.
  ///
  /// - Returns: what it brought; nil: there was nothing new, or there is no such table yet.
  public func takeMessages(ofTable name: String, at location: String) throws -> ImportReport? {
    guard DeltaTable.exists(at: location) else { return nil }
    var report = ImportReport()
    while let count = try takeSome(name, location), count > 0 {
      var one = FileReport(file: name, outcome: .imported)
      one.table = FHIRLog.name
      one.rows = count
      report.files.append(one)
    }
    guard !report.files.isEmpty else { return nil }
    try level(&report)
    return report
  }

  /// Takes the next messages; their number, nil: there are none.
  private func takeSome(_ name: String, _ location: String) throws -> Int? {
    let application = "import/hl7/\(name)/"
    let known = try log.table.snapshot().transactions.filter { $0.key.hasPrefix(application) }
    let positions = known.compactMap { key, next in Int64(key.dropFirst(application.count)).map { ($0, next) } }
    let snapshot = try DeltaTable(at: location).snapshot()
    // Only files that may hold new offsets are read; a partition that is not known yet begins at 0.
    let lowest = positions.map(\.1).min() ?? 0
    let filters = positions.count == 1 ? [ColumnFilter("offset", .greaterOrEqual(.int(lowest)))] : []
    let scan = try DeltaReader.scanSQL(snapshot, columns: ["partition", "offset", "message"], filters: filters)
    let old = positions.map { "(\"partition\" = \($0.0) AND \"offset\" < \($0.1))" }
    let rows = try connection.query(
      """
      SELECT "partition", "offset", message FROM \(scan) AS m \(old.isEmpty ? "" : "WHERE NOT (\(old.joined(separator: " OR ")))") \
      ORDER BY "partition", "offset" LIMIT \(Self.messagesAtOnce)
      """
    ).rows()
    guard !rows.isEmpty else { return nil }
    var next: [Int: Int64] = [:]
    var taken: [(file: String, line: Int64, bytes: [UInt8])] = []
    for row in rows {
      guard let partition = row[0].intValue, let offset = row[1].intValue, let text = row[2].stringValue else {
        continue
      }
      next[partition] = Int64(offset) + 1
      taken.append((name, Int64(offset), Array(text.utf8)))
    }
    try documents.begin()
    try messages.begin()
    try messages.append(taken, keeping: false)
    var draft = try log.draft()
    try log.write(&draft, rejectedBefore: [])
    let marks = next.sorted { $0.key < $1.key }.map {
      AppTransaction(appId: application + String($0.key), version: $0.value)
    }
    return try log.commit(draft, marks: marks) ? rows.count : nil
  }
}
