public import Models
public import Observability
public import Pipelines
public import Query
public import Streaming

/// What a server needs of the process around it.
public struct ServerSurroundings: Sendable {
  /// The lake.
  public var lake: Lake
  /// The models.
  public var registry: ModelRegistry
  /// The pipelines whose definitions can be read.
  public var pipelines: [Pipeline]
  /// The folder of dashboard pages.
  public var dashboards: String
  /// Opens the way into a pipeline for records that clients push.
  public var openIngest: @Sendable (Pipeline) throws -> any RecordIngest
  /// Metrics of the process.
  public var metrics: MetricRegistry
  /// Health of the pipelines that run in this process; nil if none do.
  public var health: Health?
  /// The log.
  public var logger: Logger
  /// The program's version.
  public var version: String
  /// What queries may use.
  public var queryLimits = QuerySandbox.Limits()
  /// The most seconds that a query may run.
  public var querySeconds = 30.0
  /// The most rows that a query gives.
  public var queryRows = 10_000

  /// Surroundings.
  public init(
    lake: Lake, registry: ModelRegistry, pipelines: [Pipeline], dashboards: String, metrics: MetricRegistry,
    health: Health?, logger: Logger, version: String,
    openIngest: @escaping @Sendable (Pipeline) throws -> any RecordIngest
  ) {
    self.lake = lake
    self.registry = registry
    self.pipelines = pipelines
    self.dashboards = dashboards
    self.metrics = metrics
    self.health = health
    self.logger = logger
    self.version = version
    self.openIngest = openIngest
  }
}
