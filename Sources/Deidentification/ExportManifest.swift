internal import Foundation

/// What an export did, for those who answer for it; it says nothing of any patient.
public struct ExportManifest: Sendable, Hashable, Encodable {
  /// One exported table.
  public struct Table: Sendable, Hashable, Encodable {
    /// The table's name.
    public var name: String
    /// Exported rows.
    public var rows: Int64
    /// What became of each column, by its name in the lake.
    public var columns: [String: String]
    /// Patients who share year of birth, area and demographic columns with fewer than eleven in the table; nil where
    /// the table is not one row per patient. Not a part of Safe Harbor: a measure of the risk that remains.
    public var patientsInSmallGroups: Int64?
  }

  /// The rule that the export follows.
  public var rule: String
  /// What became of dates.
  public var dates: DateRule
  /// The areas of postal codes that became 000.
  public var smallAreas: [String]
  /// The tables.
  public var tables: [Table] = []
  /// Tables of the lake of which no column may be exported.
  public var leftOut: [String] = []

  /// The manifest as a JSON text.
  public func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return Array(try encoder.encode(self)) + [0x0A]
  }
}
