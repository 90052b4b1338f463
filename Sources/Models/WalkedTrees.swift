internal import CXGBoost

/// Trees in flat arrays for `lakeward_forest_margins`, made from lists of nodes.
final class WalkedTrees: @unchecked Sendable {
  private let nodes: UnsafeMutableBufferPointer<lakeward_node>
  private let values: UnsafeMutableBufferPointer<Float>
  private let trees: UnsafeMutableBufferPointer<lakeward_tree>
  private let features: Int

  /// Trees one after another; `columns` is -1 for a leaf, `children` the left child's number within its tree.
  init(
    nodeCounts: [Int], columns: [Int], thresholds: [Float], children: [Int], values leafValues: [Float], features: Int
  ) throws(ModelError) {
    self.features = features
    nodes = .allocate(capacity: columns.count)
    values = .allocate(capacity: columns.count)
    trees = .allocate(capacity: nodeCounts.count)
    var first = 0
    for (index, count) in nodeCounts.enumerated() {
      var depths = [Int](repeating: 0, count: count)
      for node in 0..<count {
        let place = first + node
        values[place] = leafValues[place]
        guard columns[place] >= 0 else {
          nodes[place] = lakeward_node(threshold: .nan, link: UInt32(node) << UInt32(LAKEWARD_COLUMN_BITS))
          continue
        }
        let child = children[place]
        guard child > node, child + 1 < count, columns[place] < features, thresholds[place].isFinite else {
          throw ModelError(.corruptModel, "a tree in the model file refers to a node or feature that it does not have")
        }
        depths[child] = depths[node] + 1
        depths[child + 1] = depths[node] + 1
        nodes[place] = lakeward_node(
          threshold: thresholds[place],
          link: UInt32(child) << UInt32(LAKEWARD_COLUMN_BITS) | UInt32(columns[place]))
      }
      trees[index] = lakeward_tree(first_node: first, depth: UInt32(depths.max() ?? 0))
      first += count
    }
  }

  deinit {
    nodes.deallocate()
    values.deallocate()
    trees.deallocate()
  }

  /// The sum over the trees of each row's leaf. Any thread.
  func sums(_ rows: UnsafeBufferPointer<Float>, into sums: UnsafeMutableBufferPointer<Float>) {
    var forest = lakeward_forest(
      nodes: nodes.baseAddress, values: values.baseAddress, trees: trees.baseAddress, tree_count: trees.count,
      features: features, base: 0)
    lakeward_forest_margins(&forest, rows.baseAddress, sums.count, sums.baseAddress)
  }
}
