public import DeltaLake
public import DuckDB
internal import Foundation
public import Pipelines

/// Writes tables without what identifies people, by the Safe Harbor method of 45 CFR 164.514(b)(2).
///
/// Only columns of which the catalogue says what they hold are written. Identifiers become numbers in an order that a
/// secret of this export draws and that is forgotten at its end; the rows come in an order of chance.
public final class DeidentifiedExport {
  /// How tables are written.
  public enum Format: String, Sendable, Hashable, CaseIterable {
    /// A Delta table with one version.
    case delta
    /// A Parquet file.
    case parquet
    /// A CSV file with a header.
    case csv
  }

  /// What is exported, and how.
  public struct Settings: Sendable {
    /// How tables are written.
    public var format: Format
    /// What becomes of dates.
    public var dates: DateRule
    /// Areas of postal codes that become 000.
    public var areas: Set<String>
    /// The year in which ages are reckoned of those of whom no death is known.
    public var year: Int

    /// Settings; the year is that of the export.
    public init(
      format: Format = .delta, dates: DateRule = .year, areas: Set<String> = SmallAreas.known, year: Int
    ) {
      self.format = format
      self.dates = dates
      self.areas = areas
      self.year = year
    }
  }

  /// A table of the lake with what is known of its columns.
  public struct Source {
    let snapshot: Snapshot
    let plan: TablePlan

    /// A table at a version.
    public init(
      name: String, snapshot: Snapshot, dates: DateRule, phi: (_ column: String) -> PHIClass?
    ) {
      self.snapshot = snapshot
      plan = TablePlan(
        table: name, columns: snapshot.schema.fields.map { ($0.name, $0.type.sqlType) }, dates: dates, phi: phi)
    }

    /// The table's name.
    public var name: String { plan.table }
    /// Whether anything of it may be exported.
    public var hasColumns: Bool { plan.hasColumns }
  }

  private let connection: Connection
  private let settings: Settings
  /// Drawn from the system's generator, used to order identifiers, and forgotten.
  private let secret: String

  /// An export that works on a connection of its own, whose TimeZone is UTC.
  public init(_ settings: Settings, connection: Connection) {
    self.settings = settings
    self.connection = connection
    var generator = SystemRandomNumberGenerator()
    secret = (0..<4).map { _ in String(generator.next() as UInt64, radix: 16) }.joined(separator: "-")
  }

  /// Writes the tables into `folder`, which must be new or empty, with `manifest.json`. Nothing stays there after a
  /// failure.
  ///
  /// - Parameters:
  ///   - tables: What is exported.
  ///   - known: Every table of the lake that may know ages, exported or not.
  ///   - leftOut: Names of tables that are not exported, for the manifest.
  ///   - progress: Gets a table's name when it is begun.
  /// - Throws: ``ExportError``, `DeltaError`, `DuckDBError`.
  public func write(
    _ tables: [Source], knowing known: [Source], leftOut: [String], to folder: String,
    progress: (_ table: String) -> Void = { _ in }
  ) throws -> ExportManifest {
    for table in tables where !table.hasColumns { throw ExportError.nothingKnown(table: table.name) }
    try makeFolder(folder)
    do {
      var manifest = ExportManifest(
        rule: settings.dates == .year
          ? "Safe Harbor, 45 CFR 164.514(b)(2)"
          : "dates shifted per patient: not Safe Harbor, expert determination needed",
        dates: settings.dates, smallAreas: settings.areas.sorted(), leftOut: leftOut)
      try connection.execute(
        try numbering("people", tables, { $0.plan.patients }, known).joined(separator: ";\n"))
      try connection.execute(try numbering("records", tables, { $0.plan.records }, []).joined(separator: ";\n"))
      for table in tables {
        progress(table.name)
        manifest.tables.append(try export(table, to: folder))
      }
      try write(manifest, to: folder)
      return manifest
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
  }

  /// The statements that give every identifier of some columns a number of chance.
  private func numbering(
    _ name: String, _ tables: [Source], _ columns: (Source) -> [String], _ known: [Source]
  ) throws -> [String] {
    let identifiers = try tables.flatMap { table in
      try columns(table).map { column in
        let quoted = SQL.quote(identifier: column)
        return "SELECT DISTINCT CAST(\(quoted) AS VARCHAR) AS id FROM \(try scan(table)) WHERE \(quoted) IS NOT NULL"
      }
    }
    let ages = try known.filter { $0.plan.patient != nil }.compactMap { $0.plan.ages(try scan($0)) }
    let none = "SELECT NULL::VARCHAR AS id WHERE false"
    let noAges =
      "SELECT NULL::VARCHAR AS id, NULL::INTEGER AS birth, NULL::INTEGER AS guess, NULL::INTEGER AS death, false AS is_old WHERE false"
    let key = SQL.quote(literal: secret)
    return [
      """
      CREATE OR REPLACE TEMP TABLE \(name) AS
      WITH ids AS (\((identifiers.isEmpty ? [none] : identifiers).joined(separator: " UNION "))),
      facts AS (
        SELECT id, coalesce(min(birth), min(guess)) AS birth, max(death) AS death, bool_or(coalesce(is_old, false)) AS is_old
        FROM (\((ages.isEmpty ? [noAges] : ages).joined(separator: " UNION ALL "))) GROUP BY id)
      SELECT ids.id, row_number() OVER (ORDER BY sha256(\(key) || ids.id || \(key))) AS number,
        1 + CAST('0x' || left(sha256(ids.id || \(key)), 14) AS BIGINT) % 365 AS shift,
        coalesce(facts.is_old, false) OR coalesce(coalesce(facts.death, \(settings.year)) - facts.birth >= 90, false)
          AS is_old
      FROM ids LEFT JOIN facts ON facts.id = ids.id
      """
    ]
  }

  private func scan(_ table: Source) throws -> String {
    try DeltaReader.scanSQL(
      table.snapshot, columns: table.plan.columns.filter { $0.phi != nil && $0.storage != .other }.map(\.column))
  }

  private func export(_ table: Source, to folder: String) throws -> ExportManifest.Table {
    try connection.execute(
      "CREATE OR REPLACE TEMP TABLE staged AS \(table.plan.select(try scan(table), areas: settings.areas, oldest: settings.year - 90))"
    )
    try checkForLeaks(table)
    let place = "\(folder)/\(table.name)"
    switch settings.format {
    case .delta:
      let columns = try connection.columns(of: "SELECT * FROM staged")
      let delta = try DeltaTable.create(
        at: place, schema: try Schema(columns: columns.map { ($0.name, $0.type.description) }), name: table.name)
      _ = try delta.append(
        try DeltaWriter(connection: connection).write("SELECT * FROM staged", into: delta), operation: "WRITE")
    case .parquet: try copy(to: "\(place).parquet", "FORMAT parquet, COMPRESSION zstd")
    case .csv: try copy(to: "\(place).csv", "FORMAT csv, HEADER")
    }
    let rows = try connection.query("SELECT count(*) FROM staged").scalar().intValue ?? 0
    let small = try patientsInSmallGroups(table)
    try connection.execute("DROP TABLE staged")
    let columns = table.plan.columns.map { ($0.column, $0.reason.map { "dropped: \($0)" } ?? $0.action.rawValue) }
    return ExportManifest.Table(
      name: table.name, rows: Int64(rows), columns: Dictionary(columns) { first, _ in first },
      patientsInSmallGroups: small)
  }

  private func copy(to file: String, _ options: String) throws {
    try connection.execute("COPY (SELECT * FROM staged) TO \(SQL.quote(literal: file)) (\(options))")
  }

  private func checkForLeaks(_ table: Source) throws {
    let texts = try connection.columns(of: "SELECT * FROM staged").filter { $0.type == .varchar }.map(\.name)
    let systems = LeakCheck.codeSystems.map { SQL.quote(literal: $0) }.joined(separator: ", ")
    for column in texts {
      let quoted = SQL.quote(identifier: column)
      let counts = LeakCheck.shapes.map { shape in
        "count(*) FILTER (WHERE regexp_matches(\(quoted), \(SQL.quote(literal: shape.pattern))))"
      }
      // Distinct values: codes and words repeat a million times.
      let found =
        try connection.query(
          "SELECT \(counts.joined(separator: ", ")) FROM (SELECT DISTINCT \(quoted) FROM staged WHERE \(quoted) NOT IN (\(systems)))"
        ).rows().first ?? []
      for (shape, value) in zip(LeakCheck.shapes, found) {
        guard let count = value.intValue, count > 0 else { continue }
        throw ExportError.leak(table: table.name, column: column, kind: shape.kind, rows: Int64(count))
      }
    }
  }

  private func patientsInSmallGroups(_ table: Source) throws -> Int64? {
    guard let patient = table.plan.patient,
      let birth = table.plan.columns.first(where: { $0.phi == .birthDate })?.output
    else { return nil }
    let person = SQL.quote(identifier: patient)
    let unique = try connection.query("SELECT count(*) = count(DISTINCT \(person)) FROM staged").scalar()
    guard unique == .bool(true) else { return nil }
    let born = SQL.quote(identifier: birth)
    let shared = table.plan.columns.filter { $0.phi == .demographic || $0.phi == .postalCode }.compactMap(\.output)
    let groups =
      [settings.dates == .year ? born : "year(\(born))"] + shared.map { SQL.quote(identifier: $0) }
    let count = try connection.query(
      "SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT count(*) AS n FROM staged GROUP BY \(groups.joined(separator: ", "))) WHERE n < 11"
    ).scalar()
    return Int64(count.intValue ?? 0)
  }

  private func makeFolder(_ folder: String) throws(ExportError) {
    let present = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    guard present.isEmpty else { throw .notEmpty(folder: folder) }
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw .fileSystem(operation: "create", path: folder, reason: error.localizedDescription)
    }
  }

  private func write(_ manifest: ExportManifest, to folder: String) throws {
    let path = "\(folder)/manifest.json"
    guard FileManager.default.createFile(atPath: path, contents: Data(try manifest.json())) else {
      throw ExportError.fileSystem(operation: "write", path: path, reason: String(cString: strerror(errno)))
    }
  }
}
