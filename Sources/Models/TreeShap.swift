internal import CLearning
internal import Foundation

/// TreeSHAP for one output of a model of trees, in tables, faster than XGBoost's own (see
/// `tree_shap.h`), so that a stream can explain its alerts.
final class TreeShap: @unchecked Sendable {
  private let leaves: [lakeward_shap_leaf]
  private let parts: [lakeward_shap_part]
  private let tables: [Float]
  private let features: Int
  /// The model's mean answer over its training rows, from which contributions count.
  private let base: Float

  /// Leaves behind more different features than this are left to XGBoost.
  private static let featureLimit = 12
  /// Most numbers in all tables (128 MB).
  private static let tableLimit = 32_000_000

  /// nil for trees that are too deep, have categorical splits, or lack the rows' counts.
  init?(_ trees: [UBJSON], base: Float, features: Int) throws(ModelError) {
    var builder = Builder(features: features)
    for tree in trees {
      guard try builder.add(tree), builder.tables.count <= Self.tableLimit else { return nil }
    }
    leaves = builder.leaves
    parts = builder.parts
    tables = builder.tables
    self.features = features
    self.base = base + Float(builder.mean)
  }

  /// Per row one value per feature and then the base. Any thread.
  func contributions(_ rows: [Float]) -> [Float] {
    let count = rows.count / features
    var contributions = [Float](repeating: 0, count: count * (features + 1))
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 32 * (3 * features + 1)) { scratch in
      leaves.withUnsafeBufferPointer { leaves in
        parts.withUnsafeBufferPointer { parts in
          tables.withUnsafeBufferPointer { tables in
            var forest = lakeward_shap_forest(
              leaves: leaves.baseAddress, parts: parts.baseAddress, tables: tables.baseAddress,
              leaf_count: leaves.count, features: features)
            lakeward_tree_shap(&forest, rows, count, &contributions, scratch.baseAddress)
          }
        }
      }
    }
    for row in 0..<count { contributions[row * (features + 1) + features] = base }
    return contributions
  }

  private struct Builder {
    let features: Int
    var leaves: [lakeward_shap_leaf] = []
    var parts: [lakeward_shap_part] = []
    var tables: [Float] = []
    var mean = 0.0

    init(features: Int) { self.features = features }

    /// What a path says of one feature.
    private struct Span {
      var feature: Int
      var low = -Float.infinity
      var high = Float.infinity
      var share = 1.0
      var takesMissing = true
    }

    /// False if the tree cannot be tabulated.
    mutating func add(_ tree: UBJSON) throws(ModelError) -> Bool {
      guard
        let left = tree["left_children"]?.integerArray, let right = tree["right_children"]?.integerArray,
        let columns = tree["split_indices"]?.integerArray, let conditions = tree["split_conditions"]?.floatArray,
        let defaults = tree["default_left"]?.integerArray, let covers = tree["sum_hessian"]?.floatArray,
        tree["categories_nodes"]?.integerArray?.isEmpty ?? true
      else { return false }
      let count = left.count
      let lengths = [right.count, columns.count, conditions.count, defaults.count, covers.count]
      guard count > 0, lengths.allSatisfy({ $0 == count }) else {
        throw ModelError(.corruptModel, "a tree's arrays in the model file differ in length")
      }
      var waiting: [(node: Int, spans: [Span], share: Double)] = [(0, [], 1)]
      var visited = 0
      while let (node, spans, share) = waiting.popLast() {
        visited += 1
        guard left[node] >= 0 else {
          guard spans.count <= TreeShap.featureLimit, addLeaf(Double(conditions[node]), spans, share) else {
            return false
          }
          continue
        }
        let children = (left[node], right[node])
        guard
          visited <= count, children.0 < count, (0..<count).contains(children.1), (0..<features).contains(columns[node])
        else {
          throw ModelError(.corruptModel, "a tree in the model file refers to a node or feature that it does not have")
        }
        for isLeft in [true, false] {
          let child = isLeft ? children.0 : children.1
          let ratio = Double(covers[child]) / Double(covers[node])
          guard ratio > 1e-9, ratio.isFinite else { return false }
          var way = spans
          let place = way.firstIndex { $0.feature == columns[node] } ?? way.count
          if place == way.count { way.append(Span(feature: columns[node])) }
          way[place].share *= ratio
          way[place].takesMissing = way[place].takesMissing && (defaults[node] != 0) == isLeft
          if isLeft {
            way[place].high = min(way[place].high, conditions[node])
          } else {
            way[place].low = max(way[place].low, conditions[node])
          }
          waiting.append((child, way, share * ratio))
        }
      }
      return true
    }

    private mutating func addLeaf(_ value: Double, _ spans: [Span], _ share: Double) -> Bool {
      mean += value * share
      guard !spans.isEmpty else { return true }
      let size = 1 << spans.count
      guard tables.count + size <= TreeShap.tableLimit else { return false }
      leaves.append(
        lakeward_shap_leaf(first_part: parts.count, table: tables.count, count: UInt32(spans.count)))
      for span in spans {
        parts.append(
          lakeward_shap_part(
            low: span.low, high: span.high, gain: Float((1 - span.share) / span.share), feature: UInt32(span.feature),
            missing: span.takesMissing ? .max : 0))
      }
      var table = [Float](repeating: 0, count: size)
      lakeward_shap_table(spans.map(\.share), spans.count, value, &table)
      tables += table
      return true
    }
  }
}
