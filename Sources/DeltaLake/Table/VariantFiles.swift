internal import DuckDB

/// How variant columns lie in data files: older writers left out the Parquet annotation.
enum VariantFiles {
  /// Whether DuckDB can read the files' variants as VARIANT; else they are structs of their two byte strings.
  ///
  /// - Throws: `unsupportedFeature` where the files differ.
  static func areAnnotated(_ files: [AddFile], _ snapshot: Snapshot) throws(DeltaError) -> Bool {
    var found: Set<Bool> = []
    do {
      let connection = try Engine.connect()
      for file in files {
        let path = try snapshot.localPath(file.path)
        let columns = try connection.query("SELECT * FROM read_parquet(\(Engine.list([path]))) LIMIT 0").columns
        found.insert(columns.contains { $0.type.description.contains("VARIANT") })
      }
    } catch {
      throw DeltaError(engine: error, "examining the variant columns of \(snapshot.location)")
    }
    guard found.count == 1 else {
      throw DeltaError(
        .unsupportedFeature, "\(snapshot.location): some files mark variant columns as such and some do not",
        hint: "rewrite the older files with the program that wrote them")
    }
    return found == [true]
  }
}

extension DataType {
  /// The type with variants as structs of their two byte strings.
  var withPlainVariants: DataType {
    switch self {
    case .variant: .structure([StructField("metadata", .binary), StructField("value", .binary)])
    case .structure(let fields):
      .structure(fields.map { StructField($0.name, $0.type.withPlainVariants, metadata: $0.metadata) })
    case .array(let element, let containsNull): .array(element.withPlainVariants, containsNull: containsNull)
    case .map(let key, let value, let containsNull):
      .map(key, value.withPlainVariants, valueContainsNull: containsNull)
    default: self
    }
  }
}
