internal import DeltaLake
internal import Lineage
internal import Pipelines
internal import Streaming

extension LakeFacts {
  /// Every column of every stored table with what is known of it.
  static func columns(_ context: ServerContext) throws -> String {
    let catalogue = context.catalogue
    let rows = try context.lake.tableNames().flatMap { name in
      let snapshot = try context.lake.table(named: name).snapshot()
      let documentation = context.documentation(of: name, snapshot)
      let node = catalogue.lineage.node(name)
      return snapshot.schema.fields.enumerated().map { position, field in
        let column = documentation[field.name]
        let origins = node?[field.name]?.uses.filter { $0.value.contains(where: \.isDirect) }.keys.sorted() ?? []
        let from = origins.map { "\(catalogue.lineage.node($0.table)?.name ?? $0.table).\($0.column)" }
        return [
          text(name), text(field.name), number(position + 1), text(TableRoutes.typeName(field.type)),
          text(column?.unit),
          text(column?.phi?.rawValue), text(column?.summary), text(from.isEmpty ? nil : from.joined(separator: ", ")),
        ]
      }
    }
    return relation(
      "lakeward_columns",
      [
        ("table", "VARCHAR"), ("column", "VARCHAR"), ("position", "BIGINT"), ("type", "VARCHAR"), ("unit", "VARCHAR"),
        ("phi", "VARCHAR"), ("description", "VARCHAR"), ("from_columns", "VARCHAR"),
      ], rows)
  }

  /// What each relation is made of, one row per arrow.
  static func lineage(_ context: ServerContext) -> String {
    let lineage = context.catalogue.lineage
    let rows = lineage.nodes.flatMap { node in
      (node.inputs + node.models).compactMap { id in
        lineage.node(id).map { input in
          [
            text(input.name), text(input.kind.rawValue), text(node.name), text(node.kind.rawValue), text(node.pipeline),
          ]
        }
      }
    }
    return relation(
      "lakeward_lineage",
      [
        ("source", "VARCHAR"), ("source_kind", "VARCHAR"), ("target", "VARCHAR"), ("target_kind", "VARCHAR"),
        ("pipeline", "VARCHAR"),
      ], rows)
  }
}
