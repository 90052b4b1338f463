public import Pipelines

/// Where the tables of a lake and their columns come from: a graph over all pipelines, from their definitions alone.
public struct LakeLineage: Sendable {
  /// Every node, each after its inputs.
  public private(set) var nodes: [LineageNode]
  private var places: [String: Int]

  /// The graph of these pipelines.
  /// - Parameters:
  ///   - storedColumns: Columns of a table that the lake holds, in order; nil if it holds none of that name.
  ///   - syntax: DuckDB's parse of a SELECT (`json_serialize_sql`); nil if it cannot be parsed, so that the query's
  ///     columns are known by name alone.
  public init(
    _ pipelines: [Pipeline], storedColumns: @escaping (String) -> [String]?, syntax: @escaping (String) -> String?
  ) {
    var builder = LineageBuilder(pipelines, storedColumns: storedColumns, syntax: syntax)
    nodes = builder.build()
    places = Dictionary(nodes.enumerated().map { ($1.id.lowercased(), $0) }) { first, _ in first }
  }

  /// The node of that id.
  public func node(_ id: String) -> LineageNode? { places[id.lowercased()].map { nodes[$0] } }

  /// The node that a user means: by its id, or by its name if only one is called so.
  public func node(called name: String) -> LineageNode? {
    if let node = node(name) { return node }
    return nodes.filter { $0.name.lowercased() == name.lowercased() }.first
  }

  /// Nodes that are made of this one, in graph order.
  public func readers(of id: String) -> [LineageNode] {
    nodes.filter { $0.inputs.contains(id) || $0.models.contains(id) }
  }

  /// Columns that are computed from this one, or decided by it.
  public func readers(of column: ColumnName) -> [(column: ColumnName, uses: Set<ColumnUse>)] {
    nodes.flatMap { node in
      node.columns.compactMap { output in
        output.uses[column].map { (ColumnName(node.id, output.name), $0) }
      }
    }
  }

  /// What a table is made of when only what is stored counts: streams, temporary views and relations of recent readings
  /// are looked through.
  public func stored(_ id: String) -> LineageNode? {
    guard var node = node(id) else { return nil }
    node.columns = node.columns.map { .init(name: $0.name, uses: throughUnstored($0.uses)) }
    var rows = throughUnstored(node.rows)
    var inputs: [String] = []
    var waiting = Array(node.inputs.reversed())
    var seen: Set<String> = [node.id]
    while let id = waiting.popLast() {
      guard seen.insert(id).inserted, let input = self.node(id) else { continue }
      if input.isStored {
        inputs.append(id)
      } else {
        rows.add(throughUnstored(input.rows))
        node.models += input.models.filter { !node.models.contains($0) }
        waiting += input.inputs.reversed()
      }
    }
    node.inputs = inputs
    node.rows = rows
    return node
  }

  private func throughUnstored(_ uses: ColumnUses) -> ColumnUses {
    var result: ColumnUses = [:]
    for (column, kinds) in uses {
      guard let node = node(column.table), !node.isStored else {
        result[column, default: []].formUnion(kinds)
        continue
      }
      let inner = throughUnstored(node[column.column]?.uses ?? [:])
      for kind in kinds { result.add(inner.then(kind)) }
    }
    return result
  }
}

extension LineageNode {
  /// Whether it lasts: a table of the lake, a source or a model.
  public var isStored: Bool { kind.isTable || kind == .source || kind == .model }
}

extension LakeLineage {
  /// Ids of a node, of all that it is made of, and of all that is made of it.
  public func family(of id: String) -> Set<String> {
    var result: Set<String> = [id]
    func collect(_ next: (String) -> [String]) {
      var waiting = next(id)
      var seen: Set<String> = [id]
      while let id = waiting.popLast() {
        guard seen.insert(id).inserted else { continue }
        result.insert(id)
        waiting += next(id)
      }
    }
    collect { node($0).map { $0.inputs + $0.models } ?? [] }
    collect { readers(of: $0).map(\.id) }
    return result
  }
}
