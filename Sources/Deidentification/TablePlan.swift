internal import DuckDB
public import Pipelines

/// How one table is exported: what becomes of each column, and the SQL that does it.
public struct TablePlan: Sendable, Hashable {
  /// The table's name.
  public let table: String
  /// What becomes of its columns, in their order.
  public let columns: [ColumnTreatment]

  /// Decides for a table.
  ///
  /// - Parameters:
  ///   - columns: Names and DuckDB types.
  ///   - phi: What the catalogue says of a column.
  public init(
    table: String, columns: [(name: String, type: String)], dates: DateRule, phi: (_ column: String) -> PHIClass?
  ) {
    self.table = table
    let hasPatient = columns.contains { phi($0.name) == .patient }
    self.columns = columns.map {
      ColumnTreatment($0.name, type: $0.type, phi: phi($0.name), dates: dates, hasPatient: hasPatient)
    }
  }

  /// Whether anything of it is exported.
  public var hasColumns: Bool { columns.contains { $0.action != .dropped } }

  /// The column that says whose row it is.
  var patient: String? { column(.patient) }

  /// Columns of identifiers that become numbers, without those of patients.
  var records: [String] { columns.filter { $0.phi == .record && $0.action == .numbered }.map(\.column) }

  /// Columns of patients' identifiers.
  var patients: [String] { columns.filter { $0.phi == .patient && $0.action == .numbered }.map(\.column) }

  private func column(_ phi: PHIClass) -> String? { columns.first { $0.phi == phi }?.column }

  /// A SELECT of `id`, `birth`, `guess` (of the year of birth) and `death` (years) and `is_old` for what the table knows
  /// of its patients' ages; nil if it knows nothing.
  func ages(_ scan: String) -> String? {
    guard let patient else { return nil }
    let identifier = "CAST(\(SQL.quote(identifier: patient)) AS VARCHAR) AS id"
    let birth = columns.first { $0.phi == .birthDate && $0.storage != .other }
    let age = columns.first { $0.phi == .age && [.integer, .number].contains($0.storage) }
    if let birth {
      let death = columns.first { $0.phi == .deathDate && $0.storage != .other }
      return """
        SELECT \(identifier), \(Self.year(birth)) AS birth, NULL AS guess, \(death.map(Self.year) ?? "NULL") AS death, false AS is_old
        FROM \(scan)
        """
    }
    guard let age else { return nil }
    let years = SQL.quote(identifier: age.column)
    // An age with its day tells the year of birth to within one; the earlier one is taken.
    let day = columns.first { $0.phi == .date && $0.storage == .temporal }
    let birthYear = day.map { "CAST(\(Self.year($0)) - \(years) - 1 AS INTEGER)" } ?? "NULL"
    return
      "SELECT \(identifier), NULL AS birth, \(birthYear) AS guess, NULL AS death, \(years) >= 90 AS is_old FROM \(scan)"
  }

  /// The SELECT that makes the exported rows.
  ///
  /// Reads the temporary tables `people` (id, number, shift, is_old) and `records` (id, number). The rows come patient by
  /// patient, in no order beyond that.
  ///
  /// - Parameter oldest: The last year of which something that happened to a patient shows an age over 89.
  func select(_ scan: String, areas: Set<String>, oldest: Int) -> String {
    var joins: [String] = []
    for (index, column) in patients.enumerated() {
      joins.append(
        "LEFT JOIN people AS p\(index) ON p\(index).id = CAST(t.\(SQL.quote(identifier: column)) AS VARCHAR)")
    }
    for (index, column) in records.enumerated() {
      joins.append(
        "LEFT JOIN records AS r\(index) ON r\(index).id = CAST(t.\(SQL.quote(identifier: column)) AS VARCHAR)")
    }
    let outputs = columns.compactMap { column in
      column.output.map { "\(expression(column, areas, oldest)) AS \(SQL.quote(identifier: $0))" }
    }
    return """
      SELECT \(outputs.joined(separator: ",\n  "))
      FROM \(scan) AS t \(joins.joined(separator: "\n"))
      ORDER BY \(patients.isEmpty ? "" : "p0.number, ")random()
      """
  }

  private func expression(_ column: ColumnTreatment, _ areas: Set<String>, _ oldest: Int) -> String {
    let value = "t.\(SQL.quote(identifier: column.column))"
    let isOld = patients.isEmpty ? "false" : "coalesce(p0.is_old, false)"
    let tells =
      patients.isEmpty
      ? "false" : column.phi == .birthDate ? isOld : "\(Self.year(column, of: value)) <= \(oldest)"
    switch column.action {
    case .dropped: return "NULL"
    case .kept: return value
    case .numbered:
      if let index = patients.firstIndex(of: column.column) { return "p\(index).number" }
      return "r\(records.firstIndex(of: column.column) ?? 0).number"
    case .year:
      let year = Self.year(column, of: value)
      return patients.isEmpty ? year : "CASE WHEN NOT (\(tells)) THEN \(year) END"
    case .shifted:
      let moment = column.storage == .text ? "TRY_CAST(\(value) AS TIMESTAMP)" : value
      let moved = "\(moment) - to_days(CAST(p0.shift AS INTEGER))"
      let typed = column.phi == .birthDate || column.phi == .deathDate ? "CAST(\(moved) AS DATE)" : moved
      return "CASE WHEN NOT (\(tells)) THEN \(typed) END"
    case .topCoded:
      if column.storage == .text {
        let first = "TRY_CAST(regexp_extract(\(value), '[0-9]+') AS INTEGER)"
        return "CASE WHEN \(value) IS NULL THEN NULL WHEN \(isOld) OR \(first) >= 90 THEN '90+' ELSE \(value) END"
      }
      return
        "CASE WHEN \(value) IS NULL THEN NULL WHEN \(isOld) OR \(value) >= 90 THEN 90 "
        + "ELSE CAST(floor(\(value)) AS INTEGER) END"
    case .threeDigits: return Self.threeDigits(value, areas)
    }
  }

  private static func year(_ column: ColumnTreatment) -> String {
    year(column, of: SQL.quote(identifier: column.column))
  }

  private static func year(_ column: ColumnTreatment, of value: String) -> String {
    switch column.storage {
    case .integer: "CASE WHEN \(value) BETWEEN 1800 AND 2200 THEN CAST(\(value) AS INTEGER) END"
    case .text: "CAST(year(TRY_CAST(\(value) AS TIMESTAMP)) AS INTEGER)"
    default: "CAST(year(\(value)) AS INTEGER)"
    }
  }

  /// A code of four digits has lost its leading zero; anything else that is no code is 000.
  private static func threeDigits(_ value: String, _ areas: Set<String>) -> String {
    let code = "CASE WHEN regexp_full_match(trim(\(value)), '[0-9]{4}') THEN '0' ELSE '' END || trim(\(value))"
    let list = areas.sorted().map { SQL.quote(literal: $0) }.joined(separator: ", ")
    return """
      CASE WHEN \(value) IS NULL THEN NULL WHEN NOT regexp_matches(\(code), '^[0-9]{5}([^0-9]|$)') THEN '000' \
      WHEN left(\(code), 3) IN (\(list)) THEN '000' ELSE left(\(code), 3) END
      """
  }
}
