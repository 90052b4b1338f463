internal import DeltaLake
public import DuckDB
public import Models
public import Pipelines

/// Proves from the tables alone that a pipeline lost nothing, kept nothing twice, and computed what its SQL says.
///
/// The proof does not trust the counters of the run: it reads bronze again, parses it again, and compares. It looks at
/// versions of the tables that belong together, so the pipeline may be running meanwhile.
public struct Verification {
  /// One thing that was checked.
  public struct Check: Sendable, Hashable {
    /// The table that it is about.
    public var table: String
    /// What must hold.
    public var claim: String
    /// Whether it holds.
    public var holds: Bool
    /// The figures behind it.
    public var figures: String
  }

  private let pipeline: Pipeline
  private let lake: Lake
  private let connection: Connection
  private let registry: ModelRegistry?
  private let patienceSeconds: Double

  /// A verification of a pipeline's tables. Functions that the SQL calls must be registered on the connection.
  /// - Parameters:
  ///   - registry: Where the models are that the SQL of views asks.
  ///   - patienceSeconds: How long a table may take to come as far as bronze is when the verification begins. A running
  ///     pipeline takes a moment; one that was killed takes for ever.
  public init(
    pipeline: Pipeline, lake: Lake, connection: Connection, registry: ModelRegistry? = nil, patienceSeconds: Double = 5
  ) {
    self.pipeline = pipeline
    self.lake = lake
    self.connection = connection
    self.registry = registry
    self.patienceSeconds = patienceSeconds
  }

  /// Runs every check: of the stream's tables, if the pipeline has a source, and of the views that were computed.
  ///
  /// - Throws: A `DeltaError` that names the file, where a table cannot be read because of one; else what the checks throw.
  public func run() throws -> [Check] {
    do {
      return try checks()
    } catch {
      throw damage() ?? error
    }
  }

  private func checks() throws -> [Check] {
    let pinned = PinnedTables(lake: lake, patienceSeconds: patienceSeconds)
    var checks: [Check] = []
    if let source = pipeline.source {
      checks += try StreamVerification(
        pipeline: pipeline, source: source, connection: connection, pinned: pinned
      ).run()
    }
    checks += try ViewVerification(pipeline: pipeline, lake: lake, connection: connection, registry: registry).run()
    return checks
  }

  /// The first damaged data file of the pipeline's tables.
  private func damage() -> (any Error)? {
    for name in pipeline.streamTableNames + pipeline.materializedViews.map(\.name) {
      if let error = try? lake.table(named: name).snapshot().damage() { return error }
    }
    return nil
  }
}
