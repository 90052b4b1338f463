public import Pipelines

/// What is known of every table and column of a lake: what the definitions say, and what follows from the lineage.
///
/// A column that is taken as it is keeps the meaning, unit and PHI class of the column that it comes from. One that is
/// computed from columns that are no identifiers is none either. Everything else has to be said in `pipeline.yml`.
public struct Catalogue: Sendable {
  /// The graph that it rests on.
  public let lineage: LakeLineage
  private var entries: [String: TableDocumentation] = [:]

  /// The catalogue of these pipelines.
  /// - Parameter stored: What a table that no pipeline makes says about itself; nil if the lake holds none of that name.
  public init(
    _ pipelines: [Pipeline], lineage: LakeLineage, stored: (String) -> TableDocumentation? = { _ in nil }
  ) {
    self.lineage = lineage
    let byName = Dictionary(pipelines.map { ($0.name, $0) }) { first, _ in first }
    for node in lineage.nodes {
      var entry: TableDocumentation
      let columns = node.columns.map(\.name)
      if let pipeline = node.pipeline.flatMap({ byName[$0] }) {
        entry = pipeline.documentation(of: node.name, columns: columns)
      } else {
        let readers = pipelines.filter { $0.externalTables.contains { $0.lowercased() == node.name.lowercased() } }
        entry = readers.reduce(TableDocumentation()) {
          $0.filled(from: $1.documentation(of: node.name, columns: columns))
        }
        entry = entry.filled(from: stored(node.name) ?? TableDocumentation())
      }
      for column in node.columns { derive(column, into: &entry) }
      // In the order of the table.
      let order = Dictionary(node.columns.enumerated().map { ($1.name.lowercased(), $0) }) { first, _ in first }
      entry.columns.sort { (order[$0.name.lowercased()] ?? .max) < (order[$1.name.lowercased()] ?? .max) }
      entries[node.id.lowercased()] = entry
    }
  }

  /// What is known of a table, or of another node of the lineage, by its id.
  public subscript(id: String) -> TableDocumentation { entries[id.lowercased()] ?? TableDocumentation() }

  private func derive(_ column: QueryLineage.Output, into entry: inout TableDocumentation) {
    let index: Int
    if let place = entry.columns.firstIndex(where: { $0.name.lowercased() == column.name.lowercased() }) {
      index = place
    } else {
      index = entry.columns.count
      entry.columns.append(ColumnDocumentation(column.name))
    }
    if let original = original(of: column) { entry.columns[index].fill(from: original) }
    guard entry.columns[index].phi == nil, !column.uses.isEmpty else { return }
    let classes = column.uses.keys.map { entries[$0.table.lowercased()]?[$0.column]?.phi }
    guard classes.allSatisfy({ $0?.isIdentifier == false }) else { return }
    entry.columns[index].phi = classes.contains(.demographic) ? .demographic : PHIClass.none
  }

  /// The column whose value this one is, unchanged.
  private func original(of column: QueryLineage.Output) -> ColumnDocumentation? {
    let direct = column.uses.filter { $0.value.contains(where: \.isDirect) }
    guard direct.count == 1, let (source, uses) = direct.first, uses.filter(\.isDirect) == [.identity] else {
      return nil
    }
    return entries[source.table.lowercased()]?[source.column]
  }
}
