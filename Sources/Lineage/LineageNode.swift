/// A relation of the lake and what it is made of.
public struct LineageNode: Sendable, Hashable {
  /// What kind of relation it is.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A topic or folder outside the lake.
    case source
    /// The table of raw records.
    case bronze
    /// The table of records that could not be used.
    case quarantine
    /// The parsed records of a micro-batch.
    case stream
    /// The last readings of each key.
    case recent
    /// A table that grows with the stream.
    case streamingTable = "streaming table"
    /// A table that holds the rows of a query.
    case materializedView = "materialized view"
    /// A name for a query.
    case temporaryView = "temporary view"
    /// A table that no pipeline makes.
    case external = "external table"
    /// A trained model.
    case model

    /// Whether it is stored in the lake as a table.
    public var isTable: Bool {
      switch self {
      case .bronze, .quarantine, .streamingTable, .materializedView, .external: true
      case .source, .stream, .recent, .temporaryView, .model: false
      }
    }
  }

  /// The node's name in the graph: a table's own name; `PIPELINE/NAME` for what is no table; `model/NAME`.
  public var id: String
  /// What people call it.
  public var name: String
  /// What kind of relation it is.
  public var kind: Kind
  /// The pipeline that defines it; nil for external tables.
  public var pipeline: String?
  /// Ids of the nodes that it is made of, each once, in order.
  public var inputs: [String] = []
  /// Its columns, each with the columns that it depends on (by node ids).
  public var columns: [QueryLineage.Output] = []
  /// Whether ``columns`` are all of its columns.
  public var knowsColumns = true
  /// Columns of inputs that decide which rows there are.
  public var rows: ColumnUses = [:]
  /// Ids of the models that its SQL asks.
  public var models: [String] = []

  /// A node without inputs.
  public init(id: String, name: String, kind: Kind, pipeline: String? = nil) {
    self.id = id
    self.name = name
    self.kind = kind
    self.pipeline = pipeline
  }

  /// The column of that name, compared without case.
  public subscript(column: String) -> QueryLineage.Output? {
    columns.first { $0.name.lowercased() == column.lowercased() }
  }
}
