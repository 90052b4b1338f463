/// The live files that share the values of some partition columns.
public struct FilePartition: Sendable {
  /// The values as SQL literals of the columns' types, in the order of the columns asked for.
  public var literals: [String]
  /// The files.
  public var files: [AddFile]
}

extension Snapshot {
  /// The live files by the values of some partition columns.
  ///
  /// - Throws: `invalidArgument` for a column that does not partition the table; `corruptLog` for a bad value.
  public func partitions(by columns: [String]) throws(DeltaError) -> [FilePartition] {
    var fields: [StructField] = []
    for name in columns {
      guard let field = schema[name], partitionColumns.contains(field.name) else {
        throw DeltaError(.invalidArgument, "\(location) is not partitioned by \(name)")
      }
      fields.append(field)
    }
    var places: [[String]: Int] = [:]
    var result: [FilePartition] = []
    for file in files {
      var literals: [String] = []
      for field in fields {
        let text = file.partitionValues[field.physicalName(columnMapping)] ?? nil
        literals.append(try PartitionValue.sqlLiteral(text, field.type, column: field.name))
      }
      if let place = places[literals] {
        result[place].files.append(file)
      } else {
        places[literals] = result.count
        result.append(FilePartition(literals: literals, files: [file]))
      }
    }
    return result
  }
}
