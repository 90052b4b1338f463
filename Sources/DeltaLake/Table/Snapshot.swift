/// A table at one version.
public struct Snapshot: Sendable {
  let state: LogState
  let store: any ObjectStore
  /// The columns.
  public let schema: Schema
  /// Identity, partitioning and properties.
  public let metadata: TableMetadata
  /// What a reader and a writer must know.
  public let tableProtocol: TableProtocol

  /// Checks that the state makes a table that can be read here.
  ///
  /// - Throws: `corruptLog`, `unsupportedProtocol`, `unsupportedFeature` or `invalidSchema`.
  init(_ state: LogState, _ store: any ObjectStore, previous: Snapshot? = nil) throws(DeltaError) {
    guard let tableProtocol = state.tableProtocol else {
      throw DeltaError(.corruptLog, "\(store.location): the log has no protocol action")
    }
    try ProtocolRules.checkReadable(tableProtocol)
    guard let metadata = state.metadata else {
      throw DeltaError(.corruptLog, "\(store.location): the log has no metaData action")
    }
    self.state = state
    self.store = store
    self.metadata = metadata
    self.tableProtocol = tableProtocol
    if let previous, previous.metadata.schemaString == metadata.schemaString {
      schema = previous.schema
    } else {
      guard !metadata.schemaString.isEmpty else {
        throw DeltaError(.corruptLog, "\(store.location): the metaData action has no schema")
      }
      schema = try Schema(json: metadata.schemaString)
    }
    try SchemaRules.check(schema, metadata)
  }

  /// The table's place.
  public var location: String { store.location }
  /// Version, from 0.
  public var version: Int64 { state.version }
  /// Time of the commit, milliseconds since 1970.
  public var timestamp: Int64 { state.timestamp }
  /// The live data files.
  public var files: FileSet { state.files }
  /// The newest transaction version of each application.
  public var transactions: [String: Int64] { state.transactions.mapValues(\.version) }
  /// The domains that were not removed.
  public var domains: [String: DomainMetadata] { state.domains.filter { !$0.value.removed } }
  /// Logical names of the partition columns.
  public var partitionColumns: [String] { metadata.partitionColumns }

  /// Total size of the data files, bytes.
  public var sizeInBytes: Int64 { files.reduce(0) { $0 + $1.size } }

  /// How columns are found in files.
  public var columnMapping: ColumnMapping {
    ColumnMapping(rawValue: metadata.configuration["delta.columnMapping.mode"] ?? "none") ?? .none
  }

  /// Number of rows by the files' statistics; nil if a file has none.
  public func rowCount() throws(DeltaError) -> Int64? {
    var total: Int64 = 0
    var resolver = StatisticsResolver()
    for file in files {
      guard let text = try resolver.text(file.statistics), let count = FileStatistics.numRecords(text) else {
        return nil
      }
      total += count - (file.deletionVector?.cardinality ?? 0)
    }
    return total
  }

  /// The value of a table property as a boolean.
  func flag(_ property: String, default standard: Bool = false) -> Bool {
    metadata.configuration[property].map { $0.lowercased() == "true" } ?? standard
  }
}

/// Gives statistics as text, loading a checkpoint's column once.
struct StatisticsResolver {
  private var loaded: [StatisticsColumn: [String?]] = [:]

  mutating func text(_ statistics: StoredStatistics) throws(DeltaError) -> String? {
    switch statistics {
    case .absent: return nil
    case .text(let text): return text
    case .stored(let column, let row):
      let texts: [String?]
      if let known = loaded[column] {
        texts = known
      } else {
        do { texts = try column.texts() } catch { throw DeltaError(engine: error, "reading statistics") }
        loaded[column] = texts
      }
      return texts.indices.contains(row) ? texts[row] : nil
    }
  }
}
