internal import DeltaLake
internal import DuckDB
internal import Lineage
internal import Pipelines

/// The Delta tables that one pipeline writes, opened or created, with their positions in the source.
final class PipelineTables {
  let identity: FlowIdentity
  let bronze: String
  let quarantine: String
  /// Every table by name.
  private(set) var tables: [String: DeltaTable] = [:]
  /// What opening changed in tables that were there already.
  private(set) var notices: [Notice] = []
  private let lake: Lake
  private let source: SourceDefinition
  private let catalogue: Catalogue

  init(pipeline: Pipeline, source: SourceDefinition, lake: Lake, catalogue: Catalogue) {
    self.source = source
    self.catalogue = catalogue
    self.lake = lake
    identity = FlowIdentity(pipeline: pipeline.name, stream: source.stream)
    bronze = source.bronzeTable
    quarantine = source.quarantineTable
  }

  /// The columns of a bronze table, as DuckDB types.
  static let bronzeColumns: [Column] = [
    Column(name: "raw", type: .varchar), Column(name: "raw_encoding", type: .varchar),
    Column(name: "source", type: .varchar), Column(name: "partition", type: .integer),
    Column(name: "offset", type: .bigint), Column(name: "ingest_time", type: .timestampTZ),
  ]

  /// The columns of a quarantine table.
  static let quarantineColumns: [Column] = [
    Column(name: "record", type: .varchar), Column(name: "record_encoding", type: .varchar),
    Column(name: "reason", type: .varchar), Column(name: "source", type: .varchar),
    Column(name: "partition", type: .integer), Column(name: "offset", type: .bigint),
    Column(name: "ingest_time", type: .timestampTZ),
  ]

  /// Raw records would put patients' data into the log as column bounds, so only coordinates get statistics.
  private static let coordinateStatistics = ["delta.dataSkippingStatsColumns": "partition,offset,ingest_time"]

  /// Opens the bronze and quarantine tables, which have the same columns in every pipeline.
  func openFixedTables() throws {
    try open(bronze, columns: Self.bronzeColumns, configuration: Self.coordinateStatistics)
    try open(quarantine, columns: Self.quarantineColumns, configuration: Self.coordinateStatistics)
  }

  /// Opens a streaming table, or creates it with the columns that its SELECT gives.
  func open(_ definition: TableDefinition, columns: [Column]) throws {
    var configuration = definition.properties
    if !definition.clusteredBy.isEmpty {
      configuration[Snapshot.clusterProperty] = definition.clusteredBy.joined(separator: ",")
    }
    try open(
      definition.name, columns: columns, partitionColumns: definition.partitionedBy, configuration: configuration)
    // A table that is there may have got another order since.
    let table = try table(definition.name)
    if try table.snapshot().metadata.configuration[Snapshot.clusterProperty] != configuration[Snapshot.clusterProperty]
    {
      try table.setProperties([Snapshot.clusterProperty: configuration[Snapshot.clusterProperty]])
    }
  }

  private func open(
    _ name: String, columns: [Column], partitionColumns: [String] = [], configuration: [String: String]
  ) throws {
    let location = lake.location(ofTable: name)
    let description = TableDescription(catalogue[name])
    if DeltaTable.exists(at: location) {
      let table = try DeltaTable(at: location)
      notices += try evolve(table, name: name, columns: columns)
      try table.describe(description)
      tables[name] = table
    } else {
      let schema = try Schema(columns: columns.map { ($0.name, $0.type.description) })
      let properties = configuration.merging(TableMaintenance.tableProperties) { given, _ in given }
      tables[name] = try DeltaTable.create(
        at: location, schema: schema.described(by: description), partitionColumns: partitionColumns, name: name,
        description: description.summary, configuration: properties.merging(description.properties) { $1 })
    }
  }

  /// A table of this pipeline.
  func table(_ name: String) throws -> DeltaTable {
    guard let table = tables[name] else { throw StreamingError.unknownTable(name: name, lake: lake.root) }
    return table
  }

  /// How far each table has come, from the `txn` actions of its newest snapshot.
  func positions() throws -> (bronze: Positions, others: [String: Positions]) {
    var others: [String: Positions] = [:]
    var bronzePositions: Positions = [:]
    for (name, table) in tables {
      let positions = identity.positions(in: try table.snapshot().transactions)
      if name == bronze { bronzePositions = positions } else { others[name] = positions }
    }
    return (bronzePositions, others)
  }
}
