internal import CXGBoost
internal import Foundation

/// How an isolation forest is grown.
public struct IsolationSettings: Sendable, Hashable, Codable {
  /// Number of trees.
  public var trees = 100
  /// Rows that each tree sees, drawn without replacement. Small is a feature: it keeps unusual rows from hiding in
  /// crowds.
  public var sample = 256

  /// The defaults of Liu 2008.
  public init() {}

  /// Takes settings by name: trees, sample. Throws `invalidSpecification` otherwise.
  public mutating func set(_ parameters: [String: Double]) throws(ModelError) {
    for (name, value) in parameters.sorted(by: { $0.key < $1.key }) {
      switch name {
      case "trees": trees = wholeNumber(value)
      case "sample": sample = wholeNumber(value)
      default:
        throw ModelError(
          .invalidSpecification, "an isolation forest has no parameter \(name)", hint: "use trees or sample")
      }
    }
    guard (1...10_000).contains(trees), (2...1_000_000).contains(sample) else {
      throw ModelError(
        .invalidSpecification, "an isolation forest's settings are out of range",
        hint: "use 1 to 10000 trees on 2 to 1000000 rows")
    }
  }

  var parameters: [String: Double] { ["trees": Double(trees), "sample": Double(sample)] }
}

/// An isolation forest (Liu, Ting and Zhou 2008): random cuts isolate an unusual row after few of them.
///
/// score = 2^(−E[h] / c(ψ)): E[h] is the mean path length over the trees, c(ψ) that of a failed search among ψ rows.
/// Near 1 is unusual, well below 0.5 is usual. A missing value counts as the training rows' median.
public final class IsolationForest: Model {
  private struct Parameters: Codable {
    var kind = ModelKind.isolationForest
    var features: [String]
    var medians: [Double]
    var sample: Int
    /// Nodes of each tree; the arrays below hold the trees one after another, breadth first, children side by side.
    var nodeCounts: [Int]
    /// The feature that a node cuts; -1 for a leaf.
    var columns: [Int]
    /// Below it a row goes to the left child.
    var thresholds: PackedFloats
    /// The left child's number within the tree; the right one follows. 0 for a leaf.
    var children: [Int]
    /// A leaf's path length: its depth, and what its rows would have needed further.
    var lengths: PackedFloats
  }

  /// "isolation-forest".
  public var kind: ModelKind { .isolationForest }
  /// Feature names in order.
  public var features: [String] { parameters.features }
  /// One score.
  public var outputs: Int { 1 }
  /// Contributions add up to the score.
  public var contributionScale: ContributionScale { .score }
  /// `parameters.json`.
  public let serialized: [UInt8]
  private let parameters: Parameters
  private let medians: [Float]
  private let trees: WalkedTrees

  private init(_ parameters: Parameters) throws(ModelError) {
    let count = parameters.nodeCounts.reduce(0, +)
    guard
      !parameters.features.isEmpty, parameters.medians.count == parameters.features.count, parameters.sample > 1,
      !parameters.nodeCounts.isEmpty, parameters.nodeCounts.allSatisfy({ $0 > 0 && $0 < 1 << 20 }),
      parameters.features.count <= 2048, parameters.columns.count == count,
      parameters.thresholds.values.count == count, parameters.children.count == count,
      parameters.lengths.values.count == count
    else { throw ModelError(.corruptModel, "the isolation forest's arrays do not fit together") }
    self.parameters = parameters
    medians = parameters.medians.map { Float($0) }
    serialized = try jsonBytes(parameters)
    trees = try WalkedTrees(
      nodeCounts: parameters.nodeCounts, columns: parameters.columns, thresholds: parameters.thresholds.values,
      children: parameters.children, values: parameters.lengths.values, features: parameters.features.count)
  }

  /// Reads `parameters.json`. Throws `corruptModel`, or `features` if it was trained on others.
  public convenience init(serialized: [UInt8], features: [String]? = nil) throws(ModelError) {
    let parameters = try decoded(Parameters.self, serialized)
    try requireSame(features, parameters.features)
    try self.init(parameters)
  }

  /// Grows a forest on `rows` (row-major). The same rows, settings and seed give the same forest.
  public static func train(
    _ rows: [Float], features: [String], settings: IsolationSettings = IsolationSettings(), seed: UInt64
  ) throws(ModelError) -> IsolationForest {
    let width = features.count
    let count = width == 0 ? 0 : rows.count / width
    guard count >= 2 else {
      throw ModelError(.trainingData, "there are \(count) readings to learn from", hint: "run the pipeline first")
    }
    let scales = Standardisation(rows, columns: width)
    let sample = min(settings.sample, count)
    var parameters = Parameters(
      features: features, medians: scales.medians, sample: sample, nodeCounts: [], columns: [],
      thresholds: PackedFloats([]), children: [], lengths: PackedFloats([]))
    var thresholds: [Float] = []
    var lengths: [Float] = []
    var order = Array(0..<count)
    for tree in 0..<settings.trees {
      var generator = SeededGenerator(seed: seed, stream: 100 + UInt64(tree))
      for place in 0..<sample { order.swapAt(place, place + generator.below(count - place)) }
      var drawn: [Float] = []
      for index in order.prefix(sample) {
        for column in 0..<width {
          let value = rows[index * width + column]
          drawn.append(value.isNaN ? Float(scales.medians[column]) : value)
        }
      }
      let before = parameters.columns.count
      var grower = TreeGrower(rows: drawn, width: width, limit: Int(log2(Double(sample)).rounded(.up)))
      grower.grow(&generator)
      parameters.columns += grower.columns
      parameters.children += grower.children
      thresholds += grower.thresholds
      lengths += grower.lengths
      parameters.nodeCounts.append(parameters.columns.count - before)
    }
    parameters.thresholds = PackedFloats(thresholds)
    parameters.lengths = PackedFloats(lengths)
    return try IsolationForest(parameters)
  }

  /// Mean length of an unsuccessful search in a binary tree of `count` rows.
  static func expectedLength(_ count: Int) -> Double {
    guard count > 2 else { return count == 2 ? 1 : 0 }
    let rest = Double(count - 1)
    return 2 * (log(rest) + 0.577_215_664_9) - 2 * rest / Double(count)
  }

  /// Writes one score for each row.
  public func predict(_ rows: UnsafeBufferPointer<Float>, into scores: UnsafeMutableBufferPointer<Float>)
    throws(ModelError)
  {
    precondition(rows.count == scores.count * features.count)
    let width = features.count
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count) { filled in
      for start in stride(from: 0, to: rows.count, by: width) {
        for column in 0..<width {
          let value = rows[start + column]
          filled[start + column] = value.isNaN ? medians[column] : value
        }
      }
      trees.sums(UnsafeBufferPointer(filled), into: scores)
    }
    let scale = -1 / (Double(parameters.nodeCounts.count) * Self.expectedLength(parameters.sample))
    for index in scores.indices { scores[index] = Float(exp2(Double(scores[index]) * scale)) }
  }

  /// How much lower the score would be if one feature had its median, for each; the base is what is left.
  public func contributions(_ rows: [Float], output: Int = 0) throws(ModelError) -> [Float] {
    let width = features.count
    let scores = try predict(rows)
    var variants: [Float] = []
    variants.reserveCapacity(rows.count * width)
    for start in stride(from: 0, to: rows.count, by: width) {
      for column in 0..<width {
        variants += rows[start..<start + width]
        variants[variants.count - width + column] = medians[column]
      }
    }
    let changed = try predict(variants)
    return scores.indices.flatMap { row in
      let parts = (0..<width).map { scores[row] - changed[row * width + $0] }
      return parts + [scores[row] - parts.reduce(0, +)]
    }
  }

  /// Share of all cuts that use a feature; cuts are random, so this says only which features vary.
  public func importance() -> [(feature: String, share: Double)] {
    let cuts = parameters.columns.filter { $0 >= 0 }
    return features.enumerated().map { index, name in
      (feature: name, share: Double(cuts.count { $0 == index }) / Double(max(1, cuts.count)))
    }.sorted { ($1.share, $0.feature) < ($0.share, $1.feature) }
  }
}

/// Grows one tree of an isolation forest, breadth first.
private struct TreeGrower {
  let rows: [Float]
  let width: Int
  let limit: Int
  var columns: [Int] = []
  var thresholds: [Float] = []
  var children: [Int] = []
  var lengths: [Float] = []

  init(rows: [Float], width: Int, limit: Int) {
    self.rows = rows
    self.width = width
    self.limit = limit
  }

  mutating func grow(_ generator: inout SeededGenerator) {
    var waiting: [(rows: [Int], depth: Int)] = [(Array(0..<rows.count / width), 0)]
    var next = 0
    while next < waiting.count {
      let (members, depth) = waiting[next]
      next += 1
      guard depth < limit, members.count > 1, let (column, threshold) = cut(members, &generator) else {
        columns.append(-1)
        thresholds.append(0)
        children.append(0)
        lengths.append(Float(Double(depth) + IsolationForest.expectedLength(members.count)))
        continue
      }
      columns.append(column)
      thresholds.append(threshold)
      children.append(waiting.count)
      lengths.append(0)
      waiting.append((members.filter { rows[$0 * width + column] < threshold }, depth + 1))
      waiting.append((members.filter { rows[$0 * width + column] >= threshold }, depth + 1))
    }
  }

  /// A random feature that varies among the rows, and a random place between its ends; nil if none does.
  private func cut(_ members: [Int], _ generator: inout SeededGenerator) -> (Int, Float)? {
    var order = Array(0..<width)
    generator.shuffle(&order)
    for column in order {
      var (low, high) = (Float.infinity, -Float.infinity)
      for row in members {
        low = min(low, rows[row * width + column])
        high = max(high, rows[row * width + column])
      }
      guard low < high else { continue }
      // Above the lowest value, so that both sides have rows.
      let threshold = low + generator.unitFloat() * (high - low)
      return (column, max(threshold, low.nextUp))
    }
    return nil
  }
}
