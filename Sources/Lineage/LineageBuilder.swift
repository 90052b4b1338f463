internal import Pipelines

/// Puts the nodes of a ``LakeLineage`` together, each after what it is made of.
struct LineageBuilder {
  private let pipelines: [Pipeline]
  private let storedColumns: (String) -> [String]?
  private let syntax: (String) -> String?
  /// The pipeline that makes a table, by the table's name in small letters.
  private let makers: [String: Pipeline]
  private var nodes: [LineageNode] = []
  private var places: [String: Int] = [:]
  private var open: Set<String> = []

  init(
    _ pipelines: [Pipeline], storedColumns: @escaping (String) -> [String]?, syntax: @escaping (String) -> String?
  ) {
    self.pipelines = pipelines
    self.storedColumns = storedColumns
    self.syntax = syntax
    makers = Dictionary(
      pipelines.flatMap { pipeline in
        let fixed = pipeline.source.map { [$0.bronzeTable, $0.quarantineTable] } ?? []
        return (fixed + pipeline.tables.filter { $0.kind != .temporary }.map(\.name)).map {
          ($0.lowercased(), pipeline)
        }
      }
    ) { first, _ in first }
  }

  mutating func build() -> [LineageNode] {
    for pipeline in pipelines {
      if let source = pipeline.source {
        _ = node(source.stream, in: pipeline)
        _ = node(source.quarantineTable, in: pipeline)
      }
      for table in pipeline.tables { _ = node(table.name, in: pipeline) }
      for model in pipeline.models { self.model(model, in: pipeline) }
    }
    return nodes
  }

  /// The id of the relation that a pipeline's SQL calls so; the node is made if it is not there yet.
  private mutating func node(_ name: String, in pipeline: Pipeline) -> String {
    let lowered = name.lowercased()
    if let source = pipeline.source {
      switch lowered {
      case source.stream.lowercased():
        return add("\(pipeline.name)/\(source.stream)") { $0.stream(source, pipeline) }
      case source.bronzeTable.lowercased():
        return add(source.bronzeTable) { $0.bronze(source, pipeline) }
      case source.quarantineTable.lowercased():
        return add(source.quarantineTable) { $0.quarantine(source, pipeline) }
      default: break
      }
    }
    if let recent = pipeline.recents.first(where: { $0.name.lowercased() == lowered }) {
      return add("\(pipeline.name)/\(recent.name)") { $0.recent(recent, pipeline) }
    }
    if let table = pipeline.table(named: name) {
      let id = table.kind == .temporary ? "\(pipeline.name)/\(table.name)" : table.name
      return add(id) { $0.query(table, id, pipeline) }
    }
    if let maker = makers[lowered], maker.name != pipeline.name { return node(name, in: maker) }
    return add(name) { $0.external(name) }
  }

  /// Makes a node once. A relation that reads itself (the recent readings of a table) is named before it is made.
  private mutating func add(_ id: String, _ make: (inout LineageBuilder) -> LineageNode) -> String {
    guard places[id.lowercased()] == nil, open.insert(id.lowercased()).inserted else { return id }
    let node = make(&self)
    open.remove(id.lowercased())
    places[id.lowercased()] = nodes.count
    nodes.append(node)
    return id
  }

  private func made(_ id: String) -> LineageNode? { places[id.lowercased()].map { nodes[$0] } }

  // MARK: Kinds of nodes

  private mutating func origin(_ source: SourceDefinition, _ pipeline: Pipeline) -> String {
    add("\(pipeline.name)/source") { _ in
      let places =
        (source.kafka.map { ["topic \($0.topic)"] } ?? []) + (source.mqtt.map { $0.topics.map { "MQTT \($0)" } } ?? [])
        + (source.landing.map { ["folder \($0.path)"] } ?? [])
      return LineageNode(
        id: "\(pipeline.name)/source", name: places.joined(separator: ", "), kind: .source, pipeline: pipeline.name)
    }
  }

  private mutating func bronze(_ source: SourceDefinition, _ pipeline: Pipeline) -> LineageNode {
    var node = LineageNode(id: source.bronzeTable, name: source.bronzeTable, kind: .bronze, pipeline: pipeline.name)
    node.inputs = [origin(source, pipeline)]
    node.columns = pipeline.documentation(of: source.bronzeTable).columns.map { .init(name: $0.name, uses: [:]) }
    return node
  }

  private mutating func quarantine(_ source: SourceDefinition, _ pipeline: Pipeline) -> LineageNode {
    let bronze = self.node(source.bronzeTable, in: pipeline)
    var node = LineageNode(
      id: source.quarantineTable, name: source.quarantineTable, kind: .quarantine, pipeline: pipeline.name)
    node.inputs = [bronze]
    node.columns = pipeline.documentation(of: source.quarantineTable).columns.map { column in
      let from =
        switch column.name {
        case "record", "reason": "raw"
        case "record_encoding": "raw_encoding"
        default: column.name
        }
      let use: ColumnUse = column.name == "reason" ? .transformation : .identity
      return .init(name: column.name, uses: [ColumnName(bronze, from): [use]])
    }
    return node
  }

  private mutating func stream(_ source: SourceDefinition, _ pipeline: Pipeline) -> LineageNode {
    let bronze = self.node(source.bronzeTable, in: pipeline)
    var node = LineageNode(
      id: "\(pipeline.name)/\(source.stream)", name: source.stream, kind: .stream, pipeline: pipeline.name)
    node.inputs = [bronze]
    node.columns = source.fields.map { .init(name: $0.name, uses: [ColumnName(bronze, "raw"): [.transformation]]) }
    node.columns += SourceDefinition.systemColumns.map {
      .init(name: $0, uses: [ColumnName(bronze, String($0.dropFirst())): [.identity]])
    }
    return node
  }

  private mutating func recent(_ recent: RecentDefinition, _ pipeline: Pipeline) -> LineageNode {
    let table = self.node(recent.table, in: pipeline)
    var node = LineageNode(
      id: "\(pipeline.name)/\(recent.name)", name: recent.name, kind: .recent, pipeline: pipeline.name)
    node.inputs = [table]
    node.columns = ["partition", "offset"].map { .init(name: $0, uses: [ColumnName(table, $0): [.identity]]) }
    let deciding = (recent.keys + [recent.orderBy]).reduce(into: ColumnUses()) {
      $0[ColumnName(table, $1)] = [.window]
    }
    node.columns += recent.columns.map { column in
      var uses = deciding
      uses.add([ColumnName(table, column): [.aggregation]])
      return .init(name: column, uses: uses)
    }
    return node
  }

  private func external(_ name: String) -> LineageNode {
    var node = LineageNode(id: name, name: name, kind: .external)
    let described = pipelines.lazy.compactMap { $0.catalogue.tables[name.lowercased()] }.first?.keys.sorted()
    let columns = storedColumns(name) ?? described
    node.columns = (columns ?? []).map { .init(name: $0, uses: [:]) }
    node.knowsColumns = columns != nil
    return node
  }

  private mutating func query(_ table: TableDefinition, _ id: String, _ pipeline: Pipeline) -> LineageNode {
    let kind: LineageNode.Kind =
      switch table.kind {
      case .streaming: .streamingTable
      case .materialized: .materializedView
      case .temporary: .temporaryView
      }
    var node = LineageNode(id: id, name: table.name, kind: kind, pipeline: pipeline.name)
    var ids: [String: String] = [:]
    for input in table.inputs { ids[input.lowercased()] = self.node(input, in: pipeline) }
    node.inputs = table.inputs.compactMap { ids[$0.lowercased()] }
    let readable = table.sql { "\"\($0.name.replacing("\"", with: "\"\""))\"" }
    let columnsOf: (String) -> [String]? = { [self] name in
      guard let id = ids[name.lowercased()], let input = made(id), input.knowsColumns else { return nil }
      return input.columns.map(\.name)
    }
    guard let tree = syntax(readable), let found = QueryAnalysis.lineage(ofSyntax: tree, tableColumns: columnsOf) else {
      let columns = table.columns ?? storedColumns(table.name)
      node.columns = (columns ?? []).map { .init(name: $0, uses: [:]) }
      node.knowsColumns = columns != nil
      return node
    }
    node.columns = found.columns.map { .init(name: $0.name, uses: Self.named($0.uses, ids)) }
    node.rows = Self.named(found.rows, ids)
    complete(&node, table, found)
    node.models = pipeline.models.filter { model in
      found.functions.contains { $0.hasSuffix("_\(model.name.lowercased())") }
    }.map { "model/\($0.name)" }
    return node
  }

  /// Adds columns of a `*` that only the stored table, or the definition, knows.
  private func complete(_ node: inout LineageNode, _ table: TableDefinition, _ found: QueryLineage) {
    node.knowsColumns = found.isComplete
    guard !found.isComplete, let columns = storedColumns(table.name) else { return }
    node.knowsColumns = true
    let known = Set(node.columns.map { $0.name.lowercased() })
    let only = node.inputs.count == 1 ? node.inputs.first : nil
    node.columns += columns.filter { !known.contains($0.lowercased()) }.map { name in
      .init(name: name, uses: only.map { [ColumnName($0, name): [.identity]] } ?? [:])
    }
  }

  /// The uses with ids of nodes in the place of the names that the SQL has.
  private static func named(_ uses: ColumnUses, _ ids: [String: String]) -> ColumnUses {
    uses.reduce(into: [:]) { result, use in
      let id = ids[use.key.table.lowercased()] ?? use.key.table
      result[ColumnName(id, use.key.column), default: []].formUnion(use.value)
    }
  }

  private mutating func model(_ model: ModelDefinition, in pipeline: Pipeline) {
    _ = add("model/\(model.name)") { builder in
      var node = LineageNode(id: "model/\(model.name)", name: model.name, kind: .model, pipeline: pipeline.name)
      for input in model.trainingInputs {
        let id = builder.node(input, in: pipeline)
        if !node.inputs.contains(id) { node.inputs.append(id) }
      }
      return node
    }
  }
}
