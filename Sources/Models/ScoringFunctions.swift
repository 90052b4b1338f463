public import DuckDB
import Synchronization

/// The models that SQL functions score with: one live version per name, exchanged as a whole by `refresh`.
///
/// The functions see the version that was live at the last refresh. Refresh between batches, so that all rows of a
/// batch, and its `model_version`, come from one version.
public final class LiveModels: Sendable {
  /// A version in use.
  public struct Model: Sendable {
    /// Its card: version, features, threshold.
    public let card: ModelCard
    /// The model.
    public let forest: ForestModel
  }

  /// Where versions come from.
  public let registry: ModelRegistry
  private let expected: [String: [String]]
  private let models: Mutex<[String: Model]>

  /// Loads the live version of every model in `models` (name → features in the order of `predict_NAME`).
  ///
  /// Throws `notFound` when a model has no live version, `features` when it was trained on others.
  public init(_ registry: ModelRegistry, models: [String: [String]]) throws(ModelError) {
    self.registry = registry
    expected = models
    var loaded: [String: Model] = [:]
    for (name, features) in models {
      loaded[name] = try Self.load(registry, name, features: features)
    }
    self.models = Mutex(loaded)
  }

  /// Loads versions that were promoted since; returns the names of the models that changed. Reads one small file per
  /// model when nothing changed. On an error the models stay as they were.
  @discardableResult
  public func refresh() throws(ModelError) -> [String] {
    let current = models.withLock { $0 }
    var changed: [String: Model] = [:]
    for (name, features) in expected {
      if let version = try registry.liveVersion(of: name), version != current[name]?.card.version {
        changed[name] = try Self.load(registry, name, features: features)
      }
    }
    if !changed.isEmpty { models.withLock { $0.merge(changed) { _, new in new } } }
    return changed.keys.sorted()
  }

  /// The version in use. Throws `notFound` for a name that was not asked for.
  public func model(_ name: String) throws(ModelError) -> Model {
    guard let model = models.withLock({ $0[name] }) else {
      throw ModelError(
        .notFound,
        "the model \(name) is not one of this pipeline's (\(expected.keys.sorted().joined(separator: ", ")))",
        hint: "list it under models in the pipeline's YAML")
    }
    return model
  }

  private static func load(_ registry: ModelRegistry, _ name: String, features: [String]) throws(ModelError) -> Model {
    let entry = try registry.live(name)
    guard entry.card.features == features else {
      throw ModelError(
        .features,
        "the live version \(entry.card.version) of \(name) was trained on \(entry.card.features.joined(separator: ", ")), "
          + "the pipeline gives \(features.joined(separator: ", "))",
        hint: "train \(name) again, or promote a version with these features")
    }
    return Model(card: entry.card, forest: try entry.forest())
  }
}

/// Makes models callable from SQL.
///
/// - `predict_NAME(feature, …)` → DOUBLE: the probability; a NULL or NaN feature is missing, the result is never NULL.
/// - `model_version('NAME')` → VARCHAR and `model_threshold('NAME')` → DOUBLE of the version in use. DuckDB computes
///   them once per prepared statement, so prepare a statement again after `LiveModels.refresh`.
public enum ScoringFunctions {
  /// Loads the live versions of `models` (name → features) and registers their functions for the whole database of
  /// `connection`. Keep the result to pick up newly promoted versions.
  @discardableResult
  public static func register(_ registry: ModelRegistry, on connection: Connection, models: [String: [String]])
    throws -> LiveModels
  {
    let live = try LiveModels(registry, models: models)
    try register(live, on: connection)
    return live
  }

  /// Registers the functions of models that are loaded already.
  public static func register(_ live: LiveModels, on connection: Connection) throws(DuckDBError) {
    for (name, features) in live.expectedFeatures {
      try connection.register(predict(name, featureCount: features.count, live))
    }
    try connection.register(
      ScalarFunction("model_version", parameters: [.varchar], returns: .varchar) { input, output in
        try input.column(0).forEachString { row, name in
          if let name { try output.setString(try live.model(text(name)).card.version, at: row) }
        }
      })
    try connection.register(
      ScalarFunction("model_threshold", parameters: [.varchar], returns: .double) { input, output in
        try output.withValues(as: Double.self) { thresholds in
          try input.column(0).forEachString { row, name in
            if let name { thresholds[row] = try live.model(text(name)).card.threshold }
          }
        }
      })
  }

  private static func predict(_ name: String, featureCount: Int, _ live: LiveModels) -> ScalarFunction {
    ScalarFunction(
      "predict_\(name)", parameters: Array(repeating: .double, count: featureCount), returns: .double,
      handlesNull: true
    ) { input, output in
      let forest = try live.model(name).forest
      let rows = input.rowCount
      try withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, rows * (featureCount + 1))) { memory in
        let matrix = UnsafeMutableBufferPointer(rebasing: memory[0..<rows * featureCount])
        let probabilities = UnsafeMutableBufferPointer(rebasing: memory[(rows * featureCount)...].prefix(rows))
        for column in 0..<featureCount {
          try input.column(column).gather(into: matrix, stride: featureCount, offset: column)
        }
        try forest.predict(UnsafeBufferPointer(matrix), into: probabilities)
        try output.withValues(as: Double.self) { scores in
          for row in 0..<rows {
            scores[row] = Double(probabilities[row])
          }
        }
      }
    }
  }

  private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}

extension LiveModels {
  fileprivate var expectedFeatures: [(String, [String])] {
    expected.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}
