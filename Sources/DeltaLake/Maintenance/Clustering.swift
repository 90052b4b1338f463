extension Snapshot {
  /// The table property that names the columns by which rows lie near each other, separated by commas. Joining files puts
  /// their rows in that order.
  public static let clusterProperty = "lakeward.clusterBy"

  /// The columns by which rows lie near each other, as the schema spells them; those that the table lacks, that divide it
  /// or that have no order are left out.
  public var clusterColumns: [String] {
    let names = (metadata.configuration[Self.clusterProperty] ?? "").split(separator: ",").map(String.init)
    return names.compactMap { name in
      guard let field = schema.fields.first(where: { $0.name.lowercased() == name.lowercased() }),
        field.type.primitiveName != nil, !partitionColumns.contains(field.name)
      else { return nil }
      return field.name
    }
  }

  /// A SELECT over rows in the order in which a clustered table holds them: sorted by one column, along the Z curve of
  /// several (up to six).
  ///
  /// - Parameter rows: what may stand after FROM.
  public static func clustered(_ rows: String, by columns: [String]) -> String { Clustering.sql(rows, columns) }
}

/// The order of clustered rows.
enum Clustering {
  /// A SELECT over rows, in order: sorted by one column, along the Z curve by several, as they come by none.
  static func sql(_ rows: String, _ columns: [String]) -> String {
    let names = columns.prefix(6).map { quoted(identifier: $0) }
    guard let first = names.first else { return "SELECT * FROM \(rows)" }
    return names.count == 1 ? "SELECT * FROM \(rows) ORDER BY \(first) NULLS FIRST" : zorder(rows, names)
  }

  /// Rows in the order of the interleaved bits of each column's rank among 1,024 groups of equal size.
  ///
  /// - Parameter columns: quoted names.
  static func zorder(_ rows: String, _ columns: [String]) -> String {
    let ranks = columns.enumerated().map {
      "ntile(1024) OVER (ORDER BY \($0.element) NULLS FIRST) - 1 AS __z\($0.offset)"
    }
    var terms: [String] = []
    for bit in 0..<10 {
      for index in columns.indices {
        terms.append("(((__z\(index) >> \(bit)) & 1) << \(bit * columns.count + index))")
      }
    }
    let hidden = columns.indices.map { "__z\($0)" }.joined(separator: ", ")
    return "SELECT * EXCLUDE (\(hidden)) FROM (SELECT *, \(ranks.joined(separator: ", ")) FROM \(rows)) "
      + "ORDER BY \(terms.joined(separator: " + "))"
  }
}
