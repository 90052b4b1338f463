internal import DeltaLake
internal import DuckDB

/// One version of a Delta table as the list of its Parquet files, for a server that does not know Delta tables.
///
/// The columns are those of the table's schema, so files that lack some give NULL; values of partition columns come from
/// the folders' names. Rows that a deletion vector hides, and columns under other names, cannot be said this way.
struct ParquetListing {
  private let snapshot: Snapshot

  /// - Throws: `SparkError.cannotReadTable` for a table whose files do not hold exactly its rows.
  init(_ snapshot: Snapshot) throws {
    self.snapshot = snapshot
    let files = Array(snapshot.files)
    func refuse(_ reason: String) -> SparkError { .cannotReadTable(name: snapshot.location, reason: reason) }
    if files.contains(where: { $0.deletionVector != nil }) { throw refuse("it has deletion vectors") }
    if (snapshot.metadata.configuration["delta.columnMapping.mode"] ?? "none") != "none" {
      throw refuse("its columns are mapped")
    }
    // A comma or a brace would mean something in the list of paths.
    if files.contains(where: { $0.path.contains { "{},*?[]%".contains($0) } }) {
      throw refuse("its files have names that a list of paths cannot hold")
    }
  }

  /// The statement that makes a temporary view of the rows.
  func view(named name: String) -> String {
    let columns = snapshot.schema.fields.map { field in
      "`\(field.name)` \(field.type.primitiveName ?? "string")"
    }
    let root = SparkEngine.absolute(snapshot.location)
    let paths = snapshot.files.map(\.path).sorted()
    guard !paths.isEmpty else {
      let nothing = snapshot.schema.fields.map { "CAST(NULL AS \($0.type.primitiveName ?? "string")) AS `\($0.name)`" }
      return "CREATE OR REPLACE TEMPORARY VIEW \(name) AS SELECT \(nothing.joined(separator: ", ")) WHERE false"
    }
    let list = paths.count == 1 ? paths[0] : "{\(paths.joined(separator: ","))}"
    return """
      CREATE OR REPLACE TEMPORARY VIEW \(name) (\(columns.joined(separator: ", "))) USING parquet
      OPTIONS (path \(SQL.quote(literal: "\(root)/\(list)")), basePath \(SQL.quote(literal: root)))
      """
  }
}
