public import DeltaLake
public import DuckDB
internal import JSON
public import Lineage
public import Pipelines

extension Catalogue {
  /// The catalogue of these pipelines over a lake, whose tables tell the columns that the definitions leave open.
  /// - Parameter connection: Parses the SQL; it reads no table.
  public init(_ pipelines: [Pipeline], lake: Lake, connection: Connection) {
    func stored(_ name: String) -> Snapshot? { try? lake.table(named: name).snapshot() }
    let lineage = LakeLineage(
      pipelines, storedColumns: { stored($0)?.schema.names }, syntax: { try? connection.syntaxTree(of: $0) })
    self.init(pipelines, lineage: lineage) { name in stored(name).map { TableDocumentation($0) } }
  }
}

extension TableDescription {
  /// Metadata of a column that names its PHI class.
  static let phiKey = "lakeward.phi"
  /// Metadata of a column that holds its unit.
  static let unitKey = "lakeward.unit"
  /// The property that names who answers for a table.
  static let ownerProperty = "lakeward.owner"

  /// What a catalogue's entry says, as Delta metadata.
  public init(_ documentation: TableDocumentation) {
    self.init(summary: documentation.summary)
    for column in documentation.columns {
      var metadata = JSONObject()
      if let comment = column.comment { metadata["comment"] = .string(comment) }
      if let unit = column.unit { metadata[Self.unitKey] = .string(unit) }
      if let phi = column.phi { metadata[Self.phiKey] = .string(phi.rawValue) }
      if !metadata.members.isEmpty { columns[column.name.lowercased()] = metadata }
    }
    if let owner = documentation.owner { properties[Self.ownerProperty] = owner }
  }
}

extension TableDocumentation {
  /// What a stored table says about itself: every column, in order.
  public init(_ snapshot: Snapshot) {
    self.init(
      summary: snapshot.metadata.description,
      owner: snapshot.metadata.configuration[TableDescription.ownerProperty],
      columns: snapshot.schema.fields.map { field in
        let unit = field.metadata[TableDescription.unitKey]?.string
        var summary = field.comment
        // A comment is meaning and unit in one line.
        if let unit, let comment = summary {
          summary =
            comment == unit ? nil : comment.hasSuffix(" (\(unit))") ? String(comment.dropLast(unit.count + 3)) : comment
        }
        return ColumnDocumentation(
          field.name, summary: summary, unit: unit,
          phi: field.metadata[TableDescription.phiKey]?.string.flatMap(PHIClass.init(rawValue:)))
      })
  }
}
