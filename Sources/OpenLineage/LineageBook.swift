public import Lineage
public import Pipelines

/// What OpenLineage is told about the pipelines' tables: each table with its job, its inputs and its columns.
public struct LineageBook: Sendable {
  /// What a table in the lake says at this moment.
  public struct Stored: Sendable {
    /// Its version.
    public var version: Int64
    /// Names and Delta types of its columns, in order.
    public var columns: [(name: String, type: String)]

    /// A version with its columns.
    public init(version: Int64, columns: [(name: String, type: String)]) {
      self.version = version
      self.columns = columns
    }
  }

  /// A job with what it reads and writes.
  public struct Flow: Sendable {
    /// The job.
    public var job: LineageJob
    /// What it reads.
    public var inputs: [LineageDataset]
    /// What it writes.
    public var output: LineageDataset
    /// Where the output's columns come from.
    public var columns: LineageNode

    /// A job from its parts.
    public init(job: LineageJob, inputs: [LineageDataset], output: LineageDataset, columns: LineageNode) {
      self.job = job
      self.inputs = inputs
      self.output = output
      self.columns = columns
    }
  }

  private let catalogue: Catalogue
  private let pipelines: [String: Pipeline]
  private let location: @Sendable (String) -> String
  private let source: @Sendable (Pipeline) -> DatasetPlace?
  private let stored: @Sendable (String) -> Stored?

  /// - Parameters:
  ///   - location: Where a table is, an absolute path or URI; a model by `model/NAME`.
  ///   - source: Where a pipeline's records come from.
  ///   - stored: What a table in the lake says at this moment; nil if there is none of that name.
  public init(
    _ catalogue: Catalogue, _ pipelines: [Pipeline], location: @escaping @Sendable (String) -> String,
    source: @escaping @Sendable (Pipeline) -> DatasetPlace?, stored: @escaping @Sendable (String) -> Stored?
  ) {
    self.catalogue = catalogue
    self.pipelines = Dictionary(pipelines.map { ($0.name, $0) }) { first, _ in first }
    self.location = location
    self.source = source
    self.stored = stored
  }

  /// The job that makes a table or model of the pipelines; nil if none does.
  public func flow(_ id: String) -> Flow? {
    guard let node = catalogue.lineage.stored(id), let pipeline = node.pipeline.flatMap({ pipelines[$0] }) else {
      return nil
    }
    let table = pipeline.table(named: node.name)
    let isModel = node.kind == .model
    var job = LineageJob(
      name: isModel ? "train.\(node.name)" : "\(pipeline.name).\(node.name)",
      processing: node.kind == .materializedView || isModel ? .batch : .streaming,
      summary: catalogue[id].summary, owner: catalogue[id].owner, query: table?.sql)
    if isModel {
      let model = pipeline.models.first { $0.name == node.name }
      job.query = model?.trainingSQL
      job.owner = pipeline.catalogue.owner
    }
    let inputs = (node.inputs + node.models).compactMap(dataset)
    guard let output = dataset(id) else { return nil }
    return Flow(job: job, inputs: inputs, output: output, columns: node)
  }

  /// What is known of a table, source or model at this moment.
  public func dataset(_ id: String) -> LineageDataset? {
    guard let node = catalogue.lineage.node(id) else { return nil }
    if node.kind == .source {
      return node.pipeline.flatMap { pipelines[$0] }.flatMap(source).map { LineageDataset($0) }
    }
    var dataset = table(id)
    let entry = catalogue[id]
    dataset.summary = entry.summary
    dataset.owner = entry.owner
    if dataset.columns.isEmpty { dataset.columns = node.columns.map { .init(name: $0.name) } }
    for index in dataset.columns.indices {
      let column = entry[dataset.columns[index].name]
      dataset.columns[index].comment = column?.comment
      dataset.columns[index].phi = column?.phi?.rawValue
    }
    return dataset
  }

  /// A table of the lake as it is, also one that no pipeline knows.
  public func table(_ name: String) -> LineageDataset {
    var dataset = LineageDataset(DatasetPlace(location: location(name)), table: name)
    if let stored = stored(name) {
      dataset.version = stored.version
      dataset.columns = stored.columns.map { .init(name: $0.name, type: $0.type) }
    }
    return dataset
  }
}
