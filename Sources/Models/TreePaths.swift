internal import CLearning

/// The splits of a model's trees with what the paths to them say of each split's feature: what `TreeShap` walks.
struct TreePaths {
  private let features: Int
  private(set) var splits: [lakeward_shap_split] = []
  private(set) var splitCounts: [UInt32] = []
  /// Different features on the path that has most of them.
  private(set) var mostFeatures = 0
  /// The sum over the trees of their mean leaf, by training rows.
  private(set) var mean = 0.0

  init(features: Int) { self.features = features }

  /// What a path says of one feature.
  private struct Span {
    var feature: Int
    var low = -Float.infinity
    var high = Float.infinity
    var share = 1.0
    var takesMissing = true
  }

  /// A node that waits for its turn, and the split and side where it hangs.
  private struct Node {
    var number: Int
    var spans: [Span] = []
    var share = 1.0
    var parent: (split: Int, isLeft: Bool)?
  }

  /// XGBoost's arrays of one tree.
  private struct Tree {
    let left: [Int]
    let right: [Int]
    let columns: [Int]
    let conditions: [Float]
    let defaultLeft: [Int]
    let covers: [Float]

    init?(_ document: UBJSON) throws(ModelError) {
      guard
        let left = document["left_children"]?.integerArray, let right = document["right_children"]?.integerArray,
        let columns = document["split_indices"]?.integerArray,
        let conditions = document["split_conditions"]?.floatArray,
        let defaults = document["default_left"]?.integerArray, let covers = document["sum_hessian"]?.floatArray,
        document["categories_nodes"]?.integerArray?.isEmpty ?? true
      else { return nil }
      let lengths = [right.count, columns.count, conditions.count, defaults.count, covers.count]
      guard !left.isEmpty, lengths.allSatisfy({ $0 == left.count }) else {
        throw ModelError(.corruptModel, "a tree's arrays in the model file differ in length")
      }
      (self.left, self.right, self.columns) = (left, right, columns)
      (self.conditions, defaultLeft, self.covers) = (conditions, defaults, covers)
    }
  }

  /// Adds a tree, breadth first. False if its paths cannot be told.
  mutating func add(_ document: UBJSON) throws(ModelError) -> Bool {
    guard let tree = try Tree(document) else { return false }
    let first = splits.count
    var nodes = [Node(number: 0)]
    var visited = 0
    while visited < nodes.count {
      let node = nodes[visited]
      visited += 1
      guard tree.left[node.number] >= 0 else {
        let value = tree.conditions[node.number]
        mean += Double(value) * node.share
        mostFeatures = max(mostFeatures, node.spans.count)
        if let parent = node.parent {
          if parent.isLeft { splits[parent.split].left_value = value } else { splits[parent.split].right_value = value }
        }
        continue
      }
      guard try addSplit(node, of: tree, first: first, to: &nodes) else { return false }
      nodes[visited - 1].spans = []
    }
    splitCounts.append(UInt32(splits.count - first))
    return true
  }

  private mutating func addSplit(_ node: Node, of tree: Tree, first: Int, to nodes: inout [Node]) throws(ModelError)
    -> Bool
  {
    let number = node.number
    let (children, column) = ([tree.left[number], tree.right[number]], tree.columns[number])
    guard
      nodes.count + 2 <= tree.left.count, children.allSatisfy({ $0 > 0 && $0 < tree.left.count }),
      (0..<features).contains(column)
    else {
      throw ModelError(.corruptModel, "a tree in the model file refers to a node or feature that it does not have")
    }
    let ratios = children.map { Double(tree.covers[$0]) / Double(tree.covers[number]) }
    let (threshold, goesLeft) = (tree.conditions[number], tree.defaultLeft[number] != 0)
    guard ratios.allSatisfy({ $0 > 1e-9 && $0.isFinite }), threshold.isFinite else { return false }
    let place = node.spans.firstIndex { $0.feature == column } ?? node.spans.count
    let span = place < node.spans.count ? node.spans[place] : Span(feature: column)
    let split = splits.count
    let missing =
      span.takesMissing ? (goesLeft ? LAKEWARD_SHAP_LEFT : LAKEWARD_SHAP_RIGHT) : LAKEWARD_SHAP_NOT_HERE
    splits.append(
      lakeward_shap_split(
        low: span.low, threshold: threshold, high: span.high, feature: UInt32(column),
        missing: UInt32(missing),
        share: Float(span.share), left_share: Float(span.share * ratios[0]),
        right_share: Float(span.share * ratios[1]), left: 0, right: 0, left_value: 0, right_value: 0))
    if let parent = node.parent {
      let own = UInt32(split - first + 1)
      if parent.isLeft { splits[parent.split].left = own } else { splits[parent.split].right = own }
    }
    for (side, child) in children.enumerated() {
      var spans = node.spans
      var narrowed = span
      narrowed.share *= ratios[side]
      narrowed.takesMissing = span.takesMissing && goesLeft == (side == 0)
      if side == 0 { narrowed.high = min(span.high, threshold) } else { narrowed.low = max(span.low, threshold) }
      if place < spans.count { spans[place] = narrowed } else { spans.append(narrowed) }
      nodes.append(
        Node(number: child, spans: spans, share: node.share * ratios[side], parent: (split, side == 0)))
    }
    return true
  }
}
