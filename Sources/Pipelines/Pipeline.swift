/// One data flow of the lake: a source of records, if it has one, and the tables that SQL makes of them and of others.
///
/// A pipeline is a folder: `pipeline.yml` for what SQL cannot say, and `.sql` files of `CREATE STREAMING TABLE`,
/// `CREATE MATERIALIZED VIEW` and `CREATE TEMPORARY VIEW` statements (the dialect of Spark Declarative Pipelines).
/// Read one with ``load(folder:)``.
public struct Pipeline: Sendable, Hashable {
  /// The pipeline's name: part of every Delta `txn` application id that its tables carry, so it never changes.
  public var name: String
  /// One sentence for people, from the YAML.
  public var summary: String?
  /// The folder that the definition was read from.
  public var folder: String
  /// Where records come from and what they look like; nil for a pipeline that makes views over tables alone.
  public var source: SourceDefinition?
  /// The SQL relations in graph order: a relation stands after everything that it reads.
  public var tables: [TableDefinition]
  /// Tables of the lake that this pipeline reads and does not make.
  public var externalTables: [String]
  /// When a micro-batch starts and how large it may be.
  public var trigger: Trigger
  /// When records happened and how late they may come, if the pipeline says so.
  public var eventTime: EventTime?
  /// Relations of the last readings of each key.
  public var recents: [RecentDefinition]
  /// Models that are trained for and used by this pipeline.
  public var models: [ModelDefinition]
  /// What is said of the columns of its tables.
  public var catalogue: ColumnCatalogue
  /// Where its tables are mirrored to, if they are.
  public var sink: SinkDefinition?
  /// SQL that runs here but would not mean the same on Spark.
  public var warnings: [DefinitionProblem]

  /// A pipeline from its parts. Nothing is checked here; ``load(folder:)`` checks.
  public init(
    name: String, summary: String? = nil, folder: String = "", source: SourceDefinition?,
    tables: [TableDefinition] = [], externalTables: [String] = [], trigger: Trigger = Trigger(),
    eventTime: EventTime? = nil, recents: [RecentDefinition] = [], models: [ModelDefinition] = [],
    catalogue: ColumnCatalogue = ColumnCatalogue(), sink: SinkDefinition? = nil, warnings: [DefinitionProblem] = []
  ) {
    self.name = name
    self.summary = summary
    self.folder = folder
    self.source = source
    self.tables = tables
    self.externalTables = externalTables
    self.trigger = trigger
    self.eventTime = eventTime
    self.recents = recents
    self.models = models
    self.catalogue = catalogue
    self.sink = sink
    self.warnings = warnings
  }

  /// The streaming tables in graph order.
  public var streamingTables: [TableDefinition] { tables.filter { $0.kind == .streaming } }

  /// Names of the tables that the stream writes: bronze, quarantine and the streaming tables; none without a source.
  public var streamTableNames: [String] {
    source.map { [$0.bronzeTable, $0.quarantineTable] + streamingTables.map(\.name) } ?? []
  }

  /// The materialized views in graph order.
  public var materializedViews: [TableDefinition] { tables.filter { $0.kind == .materialized } }

  /// The relation of that name, or nil. Names are compared without case, as SQL does.
  public func table(named name: String) -> TableDefinition? {
    tables.first { $0.name.lowercased() == name.lowercased() }
  }

  /// The temporary views that a relation reads, directly or through other temporary views, in graph order.
  public func temporaryViews(neededBy table: TableDefinition) -> [TableDefinition] {
    var needed: Set<String> = []
    var open = table.inputs
    while let name = open.popLast() {
      guard let view = self.table(named: name), view.kind == .temporary else { continue }
      if needed.insert(view.name.lowercased()).inserted { open += view.inputs }
    }
    return tables.filter { needed.contains($0.name.lowercased()) }
  }
}

/// When a micro-batch starts and how large it may be.
public struct Trigger: Sendable, Hashable {
  /// Seconds between the starts of two micro-batches when there is little to read; 0 means at once.
  public var intervalSeconds: Double
  /// The most records in one micro-batch.
  public var maxRecords: Int
  /// The most bytes of raw records in one micro-batch.
  public var maxBytes: Int

  /// A trigger; the defaults are one second, 200,000 records and 128 MiB.
  public init(intervalSeconds: Double = 1, maxRecords: Int = 200_000, maxBytes: Int = 128 << 20) {
    self.intervalSeconds = intervalSeconds
    self.maxRecords = maxRecords
    self.maxBytes = maxBytes
  }
}
