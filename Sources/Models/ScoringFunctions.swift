public import DuckDB

/// Makes models callable from SQL. A NULL or NaN feature is missing.
///
/// - `predict_NAME(feature, …)`: with two classes a DOUBLE, the probability; with more a
///   `STRUCT(label VARCHAR, probability DOUBLE, CLASS DOUBLE, …)`: the most probable class, its probability, and that of
///   every class under its name.
/// - `anomaly_NAME(feature, …)` → `STRUCT(score DOUBLE, flag BOOLEAN, most_deviating VARCHAR)`: how unusual a reading is,
///   whether that is at or above the threshold, and if so the feature that adds most to it. Each feature may also be a
///   list of the last readings, oldest first: a model of sequences looks at as many as it knows, others at the last.
///   NULL when the reading holds no value.
/// - `explain_NAME(feature, …)` → VARCHAR: the three features that add most to the score, as in "heart_rate +0.213,
///   creatinine +0.105, gender -0.020". Slow (see docs/models.md): ask it for few rows, in a CASE.
/// - `model_version('NAME')` → VARCHAR and `model_threshold('NAME')` → DOUBLE of the version in use. DuckDB computes
///   them once per prepared statement, so prepare a statement again after `LiveModels.refresh`.
///
/// All are NULL for an optional model without a live version.
public enum ScoringFunctions {
  /// Loads the live versions of the models in `uses` and registers their functions for the whole database of
  /// `connection`. Keep the result to pick up newly promoted versions.
  ///
  /// `directory` is the one of the database, if several pipelines share it.
  @discardableResult
  public static func register(
    _ registry: ModelRegistry, on connection: Connection, uses: [ModelUse], directory: ModelDirectory = .init()
  ) throws -> LiveModels {
    let live = try LiveModels(registry, uses: uses)
    try register(live, on: connection, directory: directory)
    return live
  }

  /// Registers the functions of models that are loaded already.
  public static func register(
    _ live: LiveModels, on connection: Connection, directory: ModelDirectory = .init()
  ) throws(DuckDBError) {
    directory.add(live)
    for use in live.uses {
      if use.findsAnomalies {
        try connection.register(overloads: [anomaly(use, live, lists: false), anomaly(use, live, lists: true)])
        try connection.register(overloads: [explanation(use, live, lists: false), explanation(use, live, lists: true)])
      } else {
        try connection.register(use.classes.isEmpty ? probability(use, live) : classes(use, live))
        try connection.register(explanation(use, live, lists: false))
      }
    }
    try connection.register(
      ScalarFunction("model_version", parameters: [.varchar], returns: .varchar) { input, output in
        try input.column(0).forEachString { row, name in
          guard let name else { return }
          if let version = try directory.model(text(name))?.card.version {
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
            if let threshold = try directory.model(text(name))?.card.threshold {
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
      "predict_\(use.slot)", parameters: use.features.map { _ in .double }, returns: .double, handlesNull: true
    ) { input, output in
      guard let model = try live.model(use.slot) else { return output.setAllNull() }
      try withScores(model, input) { _, probabilities in
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
      "predict_\(use.slot)", parameters: use.features.map { _ in .double }, returns: .structure(fields),
      handlesNull: true
    ) { input, output in
      guard let model = try live.model(use.slot) else { return output.setAllNull() }
      let count = use.classes.count
      try withScores(model, input) { _, probabilities in
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

  private static func anomaly(_ use: ModelUse, _ live: LiveModels, lists: Bool) -> ScalarFunction {
    ScalarFunction(
      "anomaly_\(use.slot)", parameters: arguments(use, lists: lists),
      returns: .structure([
        LogicalType.Field("score", .double), LogicalType.Field("flag", .boolean),
        LogicalType.Field("most_deviating", .varchar),
      ]), handlesNull: true
    ) { input, output in
      guard let model = try live.model(use.slot), try holdsReadings(input, lists: lists) else {
        return output.setAllNull()
      }
      let limit = Float(model.card.threshold ?? .infinity)
      let width = model.scorer.model.width
      let columns = use.features.count
      try withScores(model, input) { rows, found in
        var flagged: [Int] = []
        var unknown: [Int] = []
        try output.field(0).withValues(as: Double.self) { scores in
          for row in scores.indices {
            let last = (row + 1) * width - columns..<(row + 1) * width
            if found[row].isNaN || last.allSatisfy({ rows[$0].isNaN }) { unknown.append(row) }
            scores[row] = Double(found[row])
          }
        }
        let skipped = Set(unknown)
        try output.field(1).withValues(as: Bool.self) { flags in
          for row in flags.indices {
            flags[row] = found[row] >= limit
            if flags[row], !skipped.contains(row) { flagged.append(row) }
          }
        }
        let names = try output.field(2)
        let parts = try model.scorer.model.contributions(
          flagged.flatMap { rows[$0 * width..<($0 + 1) * width] }, output: 0)
        var next = 0
        for (place, row) in flagged.enumerated() {
          while next < row {
            names.setNull(next)
            next += 1
          }
          let own = parts[place * (columns + 1)..<place * (columns + 1) + columns]
          let largest = own.indices.max { own[$0] < own[$1] } ?? own.startIndex
          try names.setString(use.features[largest - own.startIndex], at: row)
          next = row + 1
        }
        while next < names.rowCount {
          names.setNull(next)
          next += 1
        }
        for row in unknown { output.setNull(row) }
      }
    }
  }

  /// False if the arguments are lists that are empty in every row.
  private static func holdsReadings(_ input: borrowing ScalarInput, lists: Bool) throws -> Bool {
    guard lists else { return true }
    for column in 0..<input.columnCount where try input.column(column).lists().elements.rowCount > 0 { return true }
    return false
  }

  private static func arguments(_ use: ModelUse, lists: Bool) -> [LogicalType] {
    use.features.map { _ in lists ? .list(.double) : .double }
  }

  private static func explanation(_ use: ModelUse, _ live: LiveModels, lists: Bool) -> ScalarFunction {
    ScalarFunction(
      "explain_\(use.slot)", parameters: arguments(use, lists: lists), returns: .varchar, handlesNull: true
    ) { input, output in
      guard let model = try live.model(use.slot) else { return output.setAllNull() }
      try withScores(model, input) { rows, scores in
        let best = Scorer.classes(of: Array(scores), outputs: model.scorer.model.outputs)
        let width = model.scorer.model.width
        for target in Set(best).sorted() {
          let chosen = best.indices.filter { best[$0] == target }
          let values = chosen.flatMap { rows[$0 * width..<($0 + 1) * width] }
          let contributions = try model.scorer.model.contributions(values, output: target)
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
    _ model: LiveModels.Model, _ input: borrowing ScalarInput,
    _ body: (UnsafeBufferPointer<Float>, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    let rows = input.rowCount
    let width = model.scorer.model.width
    let outputs = model.scorer.model.outputs
    guard rows > 0 else { return }
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: rows * (width + outputs)) { memory in
      let matrix = UnsafeMutableBufferPointer(rebasing: memory[0..<rows * width])
      let scores = UnsafeMutableBufferPointer(rebasing: memory[(rows * width)...])
      try fill(matrix, from: input, steps: model.scorer.model.steps)
      try model.scorer.predict(UnsafeBufferPointer(matrix), into: scores)
      model.observer?.observe(
        UnsafeBufferPointer(matrix), width: width, scores: UnsafeBufferPointer(scores), outputs: outputs,
        skipsEmpty: model.card.algorithm.findsAnomalies)
      try body(UnsafeBufferPointer(matrix), UnsafeBufferPointer(scores))
    }
  }

  /// The arguments as rows: numbers are the last reading, lists the readings up to the last; what is not there is NaN.
  private static func fill(
    _ matrix: UnsafeMutableBufferPointer<Float>, from input: borrowing ScalarInput, steps: Int
  ) throws {
    let columns = input.columnCount
    let width = columns * steps
    if steps > 1 { matrix.update(repeating: .nan) }
    for column in 0..<columns {
      let view = input.column(column)
      guard case .list = view.type else {
        try view.gather(into: matrix, stride: width, offset: width - columns + column)
        continue
      }
      let (ranges, elements) = try view.lists()
      try withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, elements.rowCount)) { values in
        try elements.gather(into: values, stride: 1, offset: 0)
        for (row, range) in ranges.enumerated() {
          let known = range?.suffix(steps) ?? 0..<0
          for step in 0..<steps {
            let back = steps - step
            matrix[row * width + step * columns + column] =
              back <= known.count ? values[known.upperBound - back] : .nan
          }
        }
      }
    }
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}
