internal import DeltaLake
public import DuckDB
public import Pipelines

/// A look at the records that came last.
public enum NewestRecords {
  /// Fields of the newest records in bronze that the pipeline's definition does not name.
  /// - Parameters:
  ///   - lake: The lake with the pipeline's tables; without a bronze table nothing is found.
  ///   - sample: The most records to look at.
  public static func unknownFields(
    of pipeline: Pipeline, lake: Lake, connection: Connection, sample: Int = 2_000
  ) throws -> [UnknownField] {
    guard let source = pipeline.source, DeltaTable.exists(at: lake.location(ofTable: source.bronzeTable)) else {
      return []
    }
    let snapshot = try lake.table(named: source.bronzeTable).snapshot()
    guard let newest = snapshot.files.max(by: { $0.modificationTime < $1.modificationTime }) else { return [] }
    let parser = RecordParser(fields: source.fields)
    try parser.register(on: connection)
    _ = try parser.takeUnknownFields(on: connection)
    let scan = try DeltaReader.scanSQL(snapshot, files: [newest])
    let records = parser.select(from: "(FROM \(scan) ORDER BY \"offset\" DESC LIMIT \(sample))")
    _ = try connection.query("SELECT count(*) FROM (\(records)) WHERE \(RecordParser.reasonColumn) IS NULL").scalar()
    return try parser.takeUnknownFields(on: connection)
  }
}
