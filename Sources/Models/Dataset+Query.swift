public import DuckDB

extension Dataset {
  /// The rows of a query in a canonical order (by group, label and features), so that the same rows give the same
  /// dataset in whatever order the query finds them.
  ///
  /// `features` are numeric or Boolean columns (NULL is missing), `group` is of any type. `label` is Boolean or 0/1,
  /// or with `classes` a text that is one of them; without a name all rows are of class 0. `attributes` are columns by which figures are reported apart,
  /// `time` an instant or date. Rows whose label is NULL are counted in `unlabelledRows` and left out. Throws a
  /// `ModelError` (`trainingData`) for a missing column, a label that is none of the classes, a NULL group or an infinite
  /// feature, and
  /// `DuckDBError` for what DuckDB rejects.
  public init(
    _ connection: Connection, sql: String, features: [String], label: String, group: String, classes: [String] = [],
    attributes: [String] = [], time: String? = nil
  ) throws {
    self.init(features: features, classes: classes.isEmpty ? ["0", "1"] : classes, attributes: attributes)
    let named = features + [label, group].filter { !$0.isEmpty } + attributes + (time.map { [$0] } ?? [])
    try Self.check(connection, sql: sql, columns: named)
    let quotedFeatures = features.map { "\(SQL.quote(identifier: $0))::FLOAT" }
    var truth = label.isEmpty ? "0::DOUBLE" : "\(SQL.quote(identifier: label))::DOUBLE"
    if !classes.isEmpty {
      let cases = classes.enumerated().map { "WHEN \(SQL.quote(literal: $1)) THEN \($0)" }.joined(separator: " ")
      let text = "\(SQL.quote(identifier: label))::VARCHAR"
      truth = "(CASE WHEN \(text) IS NOT NULL THEN CASE \(text) \(cases) ELSE -1 END END)::DOUBLE"
    }
    let instant = time.map { "epoch_us(\(SQL.quote(identifier: $0))::TIMESTAMP)" } ?? "NULL::BIGINT"
    let unknown = SQL.quote(literal: Self.unknownAttribute)
    let kinds = attributes.map { "coalesce(\(SQL.quote(identifier: $0))::VARCHAR, \(unknown))" }
    let columns = [truth] + quotedFeatures + [instant] + kinds
    let order = (2...columns.count + 2).map(String.init).joined(separator: ", ")
    let query = """
      SELECT (dense_rank() OVER (ORDER BY "_group") - 1)::INTEGER, * FROM (
        SELECT \(SQL.quote(identifier: group))::VARCHAR AS "_group", \(columns.joined(separator: ", "))
        FROM (\(Self.trimmed(sql))))
      ORDER BY \(order)
      """
    var result = try connection.stream(query)
    while let chunk = try result.nextChunk() {
      try append(chunk, label: label, group: group, hasTime: time != nil)
    }
  }

  private mutating func append(_ chunk: DataChunk, label: String, group: String, hasTime: Bool) throws {
    let rows = chunk.rowCount
    let width = features.count
    var matrix = [Float](repeating: 0, count: rows * (width + 1))
    try matrix.withUnsafeMutableBufferPointer { matrix in
      for column in 0...width {
        try chunk.column(column + 2).gather(into: matrix, stride: width + 1, offset: column)
      }
    }
    try requireFinite(matrix, width: width)
    let missingGroups = chunk.column(1).withValidity { validity in
      (0..<rows).count { !validity.isValid($0) }
    }
    guard missingGroups == 0 else {
      throw ModelError(
        .trainingData, "the group column \(group) is NULL in some training rows",
        hint: "leave rows without a \(group) out of the training query")
    }
    let moments = try hasTime ? self.moments(chunk.column(width + 3)) : []
    var codes = [Int32](repeating: -1, count: rows * attributes.count)
    for attribute in attributes.indices {
      try chunk.column(width + 4 + attribute).forEachString { row, bytes in
        guard let bytes else { return }
        codes[row * attributes.count + attribute] = code(of: String(decoding: bytes, as: UTF8.self))
      }
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
        guard truth == truth.rounded(), truth >= 0, truth < Float(classes.count) else {
          let expected = isBinary ? "0, 1, true and false" : classes.joined(separator: ", ")
          throw ModelError(
            .trainingData, "the label column \(label) holds values other than \(expected)",
            hint: isBinary
              ? "write the label as a condition in the training query" : "list every class under the model's classes")
        }
        append(
          matrix[start + 1...start + width], target: Int32(truth), group: groups[row],
          time: hasTime ? moments[row] : nil,
          attributes: Array(codes[row * attributes.count..<(row + 1) * attributes.count]))
      }
    }
  }

  /// No learner can weigh an infinite value, and no scale can be made of it.
  private func requireFinite(_ matrix: [Float], width: Int) throws(ModelError) {
    guard let place = matrix.firstIndex(where: \.isInfinite), place % (width + 1) > 0 else { return }
    throw ModelError(
      .trainingData, "the feature \(features[place % (width + 1) - 1]) is infinite in some training rows",
      hint: "make it NULL in the training query")
  }

  private func moments(_ column: VectorView) throws -> [Int64] {
    try column.withValues(as: Int64.self) { values, validity in
      try values.indices.map { row in
        guard validity.isValid(row) else {
          throw ModelError(
            .trainingData, "the time column is NULL in some training rows",
            hint: "leave rows without a time out of the training query")
        }
        return values[row]
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
  static func trimmed(_ sql: String) -> String {
    var text = Substring(sql)
    while let last = text.last, last == ";" || last.isWhitespace {
      text.removeLast()
    }
    return "\(text)\n"
  }
}
