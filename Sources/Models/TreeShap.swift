internal import CLearning
internal import Foundation

/// TreeSHAP for one output of a model of trees, in a time that grows with the splits alone (see `tree_shap.h`), so that a
/// stream can explain its alerts and the API every answer. `bench/models` compares it with XGBoost's and shap's.
final class TreeShap: @unchecked Sendable {
  private let splits: [lakeward_shap_split]
  private let splitCounts: [UInt32]
  private let rule: GaussLegendre
  private let features: Int
  /// The model's mean answer over its training rows, from which contributions count.
  private let base: Float

  /// nil for trees with categorical splits, without the rows' counts, or with more than 64 different features on one path.
  init?(_ trees: [UBJSON], base: Float, features: Int) throws(ModelError) {
    var paths = TreePaths(features: features)
    for tree in trees {
      guard try paths.add(tree) else { return nil }
    }
    guard paths.mostFeatures <= 64 else { return nil }
    // Exact for paths of up to twice as many different features; 16 points leave an error of 1e-8 of a leaf at 60.
    rule = GaussLegendre(points: [4, 8].first { paths.mostFeatures <= 2 * $0 } ?? 16)
    splits = paths.splits
    splitCounts = paths.splitCounts
    self.features = features
    self.base = base + Float(paths.mean)
  }

  /// Points of the rule that integrates; 4, 8 or 16.
  var points: Int { rule.times.count }

  /// Per row one value per feature and then the base. Any thread.
  func contributions(_ rows: [Float]) -> [Float] {
    let count = rows.count / features
    var contributions = [Float](repeating: 0, count: count * (features + 1))
    splits.withUnsafeBufferPointer { splits in
      splitCounts.withUnsafeBufferPointer { splitCounts in
        rule.times.withUnsafeBufferPointer { times in
          rule.weights.withUnsafeBufferPointer { weights in
            var forest = lakeward_shap_forest(
              splits: splits.baseAddress, split_counts: splitCounts.baseAddress, tree_count: splitCounts.count,
              most_splits: Int(splitCounts.max() ?? 0), features: features, points: times.count,
              times: times.baseAddress, weights: weights.baseAddress)
            withUnsafeTemporaryAllocation(byteCount: lakeward_tree_shap_scratch(&forest), alignment: 64) { scratch in
              lakeward_tree_shap(&forest, rows, count, &contributions, scratch.baseAddress)
            }
          }
        }
      }
    }
    for row in 0..<count { contributions[row * (features + 1) + features] = base }
    return contributions
  }
}

/// Gauss and Legendre's rule on 0 to 1: exact for polynomials of a degree below twice the points.
struct GaussLegendre {
  let times: [Float]
  let weights: [Float]

  init(points: Int) {
    var times: [Float] = []
    var weights: [Float] = []
    for index in 0..<points {
      // Newton's method for a root of Legendre's polynomial, from its asymptotic place.
      var root = cos(Double.pi * (Double(index) + 0.75) / (Double(points) + 0.5))
      var slope = 0.0
      for _ in 0..<20 {
        var (value, before) = (root, 1.0)
        for degree in stride(from: 2.0, through: Double(points), by: 1) {
          (value, before) = (((2 * degree - 1) * root * value - (degree - 1) * before) / degree, value)
        }
        slope = Double(points) * (root * value - before) / (root * root - 1)
        root -= value / slope
      }
      times.append(Float((1 - root) / 2))
      weights.append(Float(1 / ((1 - root * root) * slope * slope)))
    }
    self.times = times
    self.weights = weights
  }
}
