internal import HTTP
internal import JSON
internal import Lineage
internal import Pipelines

/// Where tables and columns come from.
enum LineageRoutes {
  static func endpoints(_ context: ServerContext) -> [Endpoint] {
    let origin = Schema.object(
      [
        "node": .text("An id"), "column": .text(),
        "uses": .list(of: .text("What is done with it", words: ColumnUse.allCases.map(\.rawValue))),
      ], required: ["node", "column", "uses"])
    let column = Schema.object(
      [
        "name": .text(), "description": .text().orNull, "unit": .text("UCUM").orNull,
        "phi": .text("What it says of a person", words: PHIClass.allCases.map(\.rawValue)).orNull,
        "from": .list(of: origin),
      ], required: ["name", "from"])
    let node = Schema.object(
      [
        "id": .text(), "name": .text(), "kind": .text("What it is", words: LineageNode.Kind.allCases.map(\.rawValue)),
        "pipeline": .text().orNull, "description": .text().orNull, "owner": .text().orNull,
        "inputs": .list(of: .text("An id")), "models": .list(of: .text("An id")), "columns": .list(of: column),
        "rows_from": .list(of: origin, "Columns that decide which rows there are"),
      ], required: ["id", "name", "kind", "inputs", "models", "columns", "rows_from"])
    return [
      Endpoint(
        .get, "/lineage", group: "Tables", "What tables and columns are made of", needs: .catalog,
        answers: [
          .init(200, "Nodes, each after what it is made of", .object(["nodes": .list(of: node)], required: ["nodes"]))
        ]
      ) { call in try show(call, context) }
      .with {
        $0.details =
          "Sources, tables, streams, temporary views and models of all pipelines, by their definitions. Of one table: itself, "
          + "all that it is made of, and all that is made of it."
        $0.parameters = [.init("table", .text(longest: 200), "A table, stream, view or model")]
      }
    ]
  }

  private static func show(_ call: Call, _ context: ServerContext) throws -> ServerResponse {
    let catalogue = context.catalogue
    var nodes = catalogue.lineage.nodes
    if let name = call.query["table"] {
      guard let node = catalogue.lineage.node(called: name) else {
        throw Problem.notFound("no pipeline makes or reads a table of that name; /lineage lists all")
      }
      let wanted = catalogue.lineage.family(of: node.id)
      nodes = nodes.filter { wanted.contains($0.id) }
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("nodes")
    writer.beginArray()
    for node in nodes { write(node, catalogue[node.id], to: &writer) }
    writer.endArray()
    writer.endObject()
    return .json(writer.bytes)
  }

  private static func write(_ node: LineageNode, _ entry: TableDocumentation, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("id", node.id)
    writer.member("name", node.name)
    writer.member("kind", node.kind.rawValue)
    writer.member("pipeline", node.pipeline)
    writer.member("description", entry.summary)
    writer.member("owner", entry.owner)
    writer.member("inputs", node.inputs)
    writer.member("models", node.models)
    writer.key("columns")
    writer.beginArray()
    for column in node.columns {
      writer.beginObject()
      writer.member("name", column.name)
      writer.member("description", entry[column.name]?.summary)
      writer.member("unit", entry[column.name]?.unit)
      writer.member("phi", entry[column.name]?.phi?.rawValue)
      writer.key("from")
      write(column.uses, to: &writer)
      writer.endObject()
    }
    writer.endArray()
    writer.key("rows_from")
    write(node.rows, to: &writer)
    writer.endObject()
  }

  private static func write(_ uses: ColumnUses, to writer: inout JSONWriter) {
    writer.beginArray()
    for (column, kinds) in uses.sorted(by: { $0.key < $1.key }) {
      writer.beginObject()
      writer.member("node", column.table)
      writer.member("column", column.column)
      writer.member("uses", ColumnUse.allCases.filter(kinds.contains).map(\.rawValue))
      writer.endObject()
    }
    writer.endArray()
  }
}
