public import DuckDB

extension Dataset {
  /// The rows of a query in a canonical order (by group, label and features), so that the same rows give the same
  /// dataset in whatever order the query finds them.
  ///
  /// `features` are numeric or Boolean columns (NULL is missing), `label` is Boolean or 0/1, `group` is of any type.
  /// Rows whose label is NULL are counted in `unlabelledRows` and left out. Throws a `ModelError` (`trainingData`) for
  /// a missing column, a label that is not 0/1 or a NULL group, and `DuckDBError` for what DuckDB rejects.
  public init(
    _ connection: Connection, sql: String, features: [String], label: String, group: String
  ) throws {
    self.init(features: features)
    try Self.check(connection, sql: sql, columns: features + [label, group])
    let quotedFeatures = features.map { "\(SQL.quote(identifier: $0))::FLOAT" }
    let truth = "\(SQL.quote(identifier: label))::DOUBLE"
    let order = (2...features.count + 3).map(String.init).joined(separator: ", ")
    let query = """
      SELECT (dense_rank() OVER (ORDER BY "_group") - 1)::INTEGER, * FROM (
        SELECT \(SQL.quote(identifier: group))::VARCHAR AS "_group", \(truth) AS "_label",
          \(quotedFeatures.joined(separator: ", "))
        FROM (\(Self.trimmed(sql))))
      ORDER BY \(order)
      """
    var result = try connection.stream(query)
    while let chunk = try result.nextChunk() {
      try append(chunk, label: label, group: group)
    }
  }

  private mutating func append(_ chunk: DataChunk, label: String, group: String) throws {
    let rows = chunk.rowCount
    let width = features.count
    var matrix = [Float](repeating: 0, count: rows * (width + 1))
    try matrix.withUnsafeMutableBufferPointer { matrix in
      for column in 0...width {
        try chunk.column(column + 2).gather(into: matrix, stride: width + 1, offset: column)
      }
    }
    let missingGroups = chunk.column(1).withValidity { validity in
      (0..<rows).count { !validity.isValid($0) }
    }
    guard missingGroups == 0 else {
      throw ModelError(
        .trainingData, "the group column \(group) is NULL in some training rows",
        hint: "leave rows without a \(group) out of the training query")
    }
    try chunk.column(0).withValues(as: Int32.self) { groups, _ in
      reserve(rows)
      for row in 0..<rows {
        let start = row * (width + 1)
        let truth = matrix[start]
        guard !truth.isNaN else {
          unlabelledRows += 1
          continue
        }
        guard truth == 0 || truth == 1 else {
          throw ModelError(
            .trainingData, "the label column \(label) holds values other than 0, 1, true and false",
            hint: "write the label as a condition in the training query")
        }
        append(matrix[start + 1...start + width], label: truth == 1, group: groups[row])
      }
    }
  }

  private static func check(_ connection: Connection, sql: String, columns: [String]) throws {
    let described = try connection.query("DESCRIBE \(trimmed(sql))").rows()
    let present = described.compactMap { row -> String? in
      if case .string(let name) = row[0] { name.lowercased() } else { nil }
    }
    let missing = columns.filter { !present.contains($0.lowercased()) }
    guard missing.isEmpty else {
      throw ModelError(
        .trainingData, "the training query has no column \(missing.joined(separator: ", "))",
        hint: "add it to the SELECT list, or correct the model's features, label or group")
    }
  }

  /// Without a trailing semicolon, so that it can stand in a FROM.
  private static func trimmed(_ sql: String) -> String {
    var text = Substring(sql)
    while let last = text.last, last == ";" || last.isWhitespace {
      text.removeLast()
    }
    return "\(text)\n"
  }
}
