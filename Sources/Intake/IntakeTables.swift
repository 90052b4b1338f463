import Clinical
import DeltaLake
import DuckDB

/// The Delta tables that imports write.
struct IntakeTables {
  /// Folder of the tables.
  let lake: String

  /// Tells which source record a row came from (`Observation/x`), so that a later version of the record can take its
  /// place; NULL in rows of CSV and Parquet files.
  static let record = "record"

  /// The table of a layout, made if it is not there. Tables of earlier programs get the column `record`.
  func table(_ layout: SyntheaLayout) throws(DeltaError) -> DeltaTable {
    let place = "\(lake)/\(layout.tableName)"
    guard DeltaTable.exists(at: place) else {
      return try DeltaTable.create(at: place, schema: try Schema(columns: layout.tableColumns), name: layout.tableName)
    }
    let table = try DeltaTable(at: place)
    let known = try table.snapshot().schema
    let missing = try Schema(columns: layout.tableColumns).fields.filter { known[$0.name] == nil }
    if !missing.isEmpty { try table.addColumns(missing) }
    return table
  }

  /// The table of everything that could not be taken, whole and with the reason.
  func quarantine() throws(DeltaError) -> DeltaTable {
    try DeltaTable.create(
      at: "\(lake)/\(SyntheaImporter.quarantineTable)",
      schema: try Schema(columns: [
        ("table", "VARCHAR"), ("file", "VARCHAR"), ("line", "BIGINT"), ("reason", "VARCHAR"), ("raw", "VARCHAR"),
        ("raw_encoding", "VARCHAR"),
      ]), name: SyntheaImporter.quarantineTable)
  }

  /// Every FHIR resource as it came, also those that belong to no table.
  func resources() throws(DeltaError) -> DeltaTable {
    try DeltaTable.create(
      at: "\(lake)/\(FHIRLog.name)",
      schema: try Schema(columns: [
        ("batch", "BIGINT"), ("resource_type", "VARCHAR"), ("id", "VARCHAR"), ("key", "VARCHAR"),
        ("version_at", "TIMESTAMP WITH TIME ZONE"), ("version", "BIGINT"), ("method", "VARCHAR"), ("file", "VARCHAR"),
        ("position", "BIGINT"), ("part", "BIGINT"), ("resource", "VARCHAR"),
      ]), name: FHIRLog.name)
  }

  /// Every HL7 message of an imported file as it came.
  func messages() throws(DeltaError) -> DeltaTable {
    try DeltaTable.create(
      at: "\(lake)/\(HL7Reader.messages)",
      schema: try Schema(columns: [
        ("file", "VARCHAR"), ("line", "BIGINT"), ("type", "VARCHAR"), ("event", "VARCHAR"), ("control_id", "VARCHAR"),
        ("message", "VARCHAR"),
      ]), name: HL7Reader.messages)
  }
}
