public import DuckDB

/// Makes models callable from SQL. A NULL or NaN feature is missing.
///
/// - `predict_NAME(feature, …)`: with two classes a DOUBLE, the probability; with more a
///   `STRUCT(label VARCHAR, probability DOUBLE, CLASS DOUBLE, …)`: the most probable class, its probability, and that of
///   every class under its name.
/// - `explain_NAME(feature, …)` → VARCHAR: the three features that add most to the score, as in "heart_rate +0.213,
///   creatinine +0.105, gender -0.020". Slow (see docs/models.md): ask it for few rows, in a CASE.
/// - `model_version('NAME')` → VARCHAR and `model_threshold('NAME')` → DOUBLE of the version in use. DuckDB computes
///   them once per prepared statement, so prepare a statement again after `LiveModels.refresh`.
///
/// All are NULL for an optional model without a live version.
public enum ScoringFunctions {
  /// Loads the live versions of the models in `uses` and registers their functions for the whole database of
  /// `connection`. Keep the result to pick up newly promoted versions.
  @discardableResult
  public static func register(_ registry: ModelRegistry, on connection: Connection, uses: [ModelUse]) throws
    -> LiveModels
  {
    let live = try LiveModels(registry, uses: uses)
    try register(live, on: connection)
    return live
  }

  /// Registers the functions of models that are loaded already.
  public static func register(_ live: LiveModels, on connection: Connection) throws(DuckDBError) {
    for use in live.uses {
      try connection.register(use.classes.isEmpty ? probability(use, live) : classes(use, live))
      try connection.register(explanation(use, live))
    }
    try connection.register(
      ScalarFunction("model_version", parameters: [.varchar], returns: .varchar) { input, output in
        try input.column(0).forEachString { row, name in
          guard let name else { return }
          if let version = try live.model(text(name))?.card.version {
            try output.setString(version, at: row)
          } else {
            output.setNull(row)
          }
        }
      })
    try connection.register(
      ScalarFunction("model_threshold", parameters: [.varchar], returns: .double) { input, output in
        var unknown: [Int] = []
        try output.withValues(as: Double.self) { thresholds in
          try input.column(0).forEachString { row, name in
            guard let name else { return }
            if let threshold = try live.model(text(name))?.card.threshold {
              thresholds[row] = threshold
            } else {
              unknown.append(row)
            }
          }
        }
        for row in unknown { output.setNull(row) }
      })
  }

  private static func probability(_ use: ModelUse, _ live: LiveModels) -> ScalarFunction {
    ScalarFunction(
      "predict_\(use.name)", parameters: use.features.map { _ in .double }, returns: .double, handlesNull: true
    ) { input, output in
      guard let scorer = try live.model(use.name)?.scorer else { return output.setAllNull() }
      try withScores(scorer, input) { _, probabilities in
        try output.withValues(as: Double.self) { scores in
          for row in scores.indices { scores[row] = Double(probabilities[row]) }
        }
      }
    }
  }

  private static func classes(_ use: ModelUse, _ live: LiveModels) -> ScalarFunction {
    let fields =
      [LogicalType.Field("label", .varchar), LogicalType.Field("probability", .double)]
      + use.classes.map { LogicalType.Field($0, .double) }
    return ScalarFunction(
      "predict_\(use.name)", parameters: use.features.map { _ in .double }, returns: .structure(fields),
      handlesNull: true
    ) { input, output in
      guard let scorer = try live.model(use.name)?.scorer else { return output.setAllNull() }
      let count = use.classes.count
      try withScores(scorer, input) { _, probabilities in
        let best = Scorer.classes(of: Array(probabilities), outputs: count)
        let labels = try output.field(0)
        for (row, index) in best.enumerated() { try labels.setString(use.classes[index], at: row) }
        try output.field(1).withValues(as: Double.self) { highest in
          for (row, index) in best.enumerated() { highest[row] = Double(probabilities[row * count + index]) }
        }
        for index in 0..<count {
          try output.field(2 + index).withValues(as: Double.self) { column in
            for row in column.indices { column[row] = Double(probabilities[row * count + index]) }
          }
        }
      }
    }
  }

  private static func explanation(_ use: ModelUse, _ live: LiveModels) -> ScalarFunction {
    ScalarFunction(
      "explain_\(use.name)", parameters: use.features.map { _ in .double }, returns: .varchar, handlesNull: true
    ) { input, output in
      guard let scorer = try live.model(use.name)?.scorer else { return output.setAllNull() }
      try withScores(scorer, input) { rows, scores in
        let best = Scorer.classes(of: Array(scores), outputs: scorer.model.outputs)
        let width = scorer.model.width
        for target in Set(best).sorted() {
          let chosen = best.indices.filter { best[$0] == target }
          let values = chosen.flatMap { rows[$0 * width..<($0 + 1) * width] }
          let contributions = try scorer.model.contributions(values, output: target)
          for (place, row) in chosen.enumerated() {
            let start = place * (use.features.count + 1)
            let own = contributions[start..<start + use.features.count]
            try output.setString(ContributionText.largest(own, of: use.features), at: row)
          }
        }
      }
    }
  }

  /// Calls `body` with the rows as a matrix and their scores.
  private static func withScores(
    _ scorer: Scorer, _ input: borrowing ScalarInput,
    _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    let rows = input.rowCount
    let width = input.columnCount
    let outputs = scorer.model.outputs
    guard rows > 0 else { return }
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * (width + outputs)) { memory in
      let matrix = UnsafeMutableBufferPointer(rebasing: memory[0..<rows * width])
      let scores = UnsafeMutableBufferPointer(rebasing: memory[(rows * width)...])
      for column in 0..<width {
        try input.column(column).gather(into: matrix, stride: width, offset: column)
      }
      try scorer.predict(UnsafeBufferPointer(matrix), into: scores)
      try body(UnsafeBufferPointer(matrix), UnsafeBufferPointer(scores))
    }
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
