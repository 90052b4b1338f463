/// The order in which relations can be made.
enum PipelineGraph {
  /// A way round: the relations in it, the first one repeated at the end.
  struct Cycle: Error { var names: [String] }

  /// Positions of the nodes so that each stands after everything that it needs, otherwise in the given order.
  /// - Parameters:
  ///   - names: One name per node.
  ///   - needs: For each node the positions of nodes that it reads.
  static func order(names: [String], needs: [[Int]]) throws(Cycle) -> [Int] {
    enum State { case unseen, open, done }
    var states = [State](repeating: .unseen, count: names.count)
    var order: [Int] = []
    // Depth first without recursion: a chain of definitions may be as long as its author likes.
    for start in names.indices where states[start] == .unseen {
      var path: [(node: Int, next: Int)] = [(start, 0)]
      states[start] = .open
      while let (node, next) = path.last {
        guard next < needs[node].count else {
          states[node] = .done
          order.append(node)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let needed = needs[node][next]
        switch states[needed] {
        case .done: continue
        case .unseen:
          states[needed] = .open
          path.append((needed, 0))
        case .open:
          let round = path.drop { $0.node != needed }.map { names[$0.node] }
          throw Cycle(names: round + [names[needed]])
        }
      }
    }
    return order
  }
}
