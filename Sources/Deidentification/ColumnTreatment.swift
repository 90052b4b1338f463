internal import Pipelines

/// What an export does with one column.
public struct ColumnTreatment: Sendable, Hashable {
  /// What becomes of the values.
  public enum Action: String, Sendable, Hashable, Encodable {
    /// They stay.
    case kept
    /// Each is replaced by a number that is drawn by chance for this export and means nothing elsewhere.
    case numbered
    /// The year stays.
    case year
    /// The day moves with all days of the patient.
    case shifted
    /// Ages of 90 and more become one group.
    case topCoded = "top-coded"
    /// The first three digits stay, 000 for small areas.
    case threeDigits = "three digits"
    /// They are not exported.
    case dropped
  }

  /// How a column's values are stored, as far as it matters here.
  enum Storage { case temporal, integer, number, text, other }

  /// The column's name in the lake.
  public let column: String
  /// What becomes of it.
  public let action: Action
  /// Its name in the export; nil if it is dropped.
  public let output: String?
  /// Why it is dropped.
  public let reason: String?
  let phi: PHIClass?
  let storage: Storage

  /// The treatment of a column.
  ///
  /// - Parameters:
  ///   - phi: What the catalogue says of it; a column of which nothing is said is dropped.
  ///   - type: Its type in DuckDB's words.
  ///   - hasPatient: Whether the table says whose row it is.
  init(_ column: String, type: String, phi: PHIClass?, dates: DateRule, hasPatient: Bool) {
    self.column = column
    self.phi = phi
    storage = Self.storage(type)
    var action = Action.dropped
    var reason: String?
    switch (phi, storage) {
    case (nil, _): reason = "nobody has said what it holds"
    case (.freeText?, _): reason = "free text"
    case (_, .other): reason = "nested or binary"
    case (.birthDate?, _) where !hasPatient: reason = "a day of birth in a table without patients"
    case (PHIClass.none?, .temporal), (.demographic?, .temporal), (.date?, .temporal), (.date?, .text),
      (.deathDate?, .temporal), (.deathDate?, .text), (.birthDate?, .temporal), (.birthDate?, .text):
      action = dates == .shifted && hasPatient ? .shifted : .year
    case (.date?, .integer) where dates == .year: action = .year
    case (PHIClass.none?, _), (.demographic?, _): action = .kept
    case (.patient?, _), (.record?, _): action = .numbered
    case (.age?, _): action = .topCoded
    case (.postalCode?, .text): action = .threeDigits
    case (let phi?, _): reason = "identifier: \(phi.rawValue)"
    }
    self.action = action
    self.reason = reason
    switch action {
    case .dropped: output = nil
    case .year: output = storage == .integer || column.lowercased().hasSuffix("year") ? column : "\(column)_year"
    default: output = column
    }
  }

  private static func storage(_ type: String) -> Storage {
    let name = type.uppercased()
    switch name {
    case "DATE": return .temporal
    case "VARCHAR": return .text
    case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT": return .integer
    case "DOUBLE", "FLOAT", "BOOLEAN", "HUGEINT", "UHUGEINT": return .number
    default:
      if name.hasPrefix("DECIMAL"), !name.hasSuffix("]") { return .number }
      return name.hasPrefix("TIMESTAMP") && !name.hasSuffix("]") ? .temporal : .other
    }
  }
}
