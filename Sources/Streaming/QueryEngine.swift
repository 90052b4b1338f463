public import DuckDB
internal import Foundation
public import Models
internal import Pipelines
internal import Synchronization

/// The embedded query engine with the settings and functions that a lake's SQL expects.
public struct QueryEngine: Sendable {
  /// The DuckDB instance.
  public let database: Database
  /// The models that its SQL functions ask, of all pipelines that use it.
  public let models = ModelDirectory()
  private let threads: Int
  private let threadsInUse: SharedCount

  /// An engine whose temporary files stay inside the lake.
  /// - Parameters:
  ///   - lake: The lake that it works on.
  ///   - threads: Worker threads; nil: one per processor.
  ///   - memoryLimitBytes: What tables and operators may hold in memory before they spill; nil: 80 % of the machine's.
  ///   - runsPipelines: Whether it computes micro-batches, whose SQL has short lists and hardly joins.
  public init(lake: Lake, threads: Int? = nil, memoryLimitBytes: Int? = nil, runsPipelines: Bool = false) throws {
    self.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    threadsInUse = SharedCount(self.threads)
    var settings = [
      "temp_directory": lake.temporaryFolder,
      // A table is a set of rows: both processors may write a file.
      "preserve_insertion_order": "false",
      "default_null_order": "nulls_first_on_asc_last_on_desc",
      "autoinstall_known_extensions": "false",
      "autoload_known_extensions": "false",
      // The first takes a quarter of the time of planning a pipeline's SQL, which small micro-batches are made of, and
      // saves nothing there. The second joins with lists where comparing is cheaper. Set here and never later: DuckDB
      // reads these names without a lock while other connections plan.
      "disabled_optimizers": runsPipelines ? "column_lifetime,in_clause" : "column_lifetime",
      "threads": String(self.threads),
    ]
    if let memoryLimitBytes { settings["memory_limit"] = "\(memoryLimitBytes)B" }
    database = try Database(settings: settings)
    let connection = try database.connect()
    try connection.execute("ATTACH ':memory:' AS \(SparkDialect.database); USE \(SparkDialect.database)")
    for macro in SparkDialect.macros { try connection.execute(macro) }
  }

  /// Lets the next statements use all worker threads, or the calling thread alone.
  ///
  /// A statement over fewer rows than DuckDB gives to one task is computed by one thread, whichever takes it. With workers
  /// that is often not the calling one, which then spins until the end: the same work takes twice the processor's time.
  func usesWorkers(_ isWanted: Bool, on connection: Connection) throws {
    let wanted = isWanted ? threads : 1
    guard threadsInUse.exchange(wanted) else { return }
    try connection.execute("SET threads = \(wanted)")
  }

  /// A connection that reckons in UTC and finds Spark's functions.
  /// - Parameter scratch: Names an in-memory database in which this connection makes its tables, so that pipelines
  ///   in one engine never see each other's rows; nil: the one that all such connections share.
  public func connect(scratch: String? = nil) throws -> Connection {
    let connection = try database.connect()
    var place = "memory"
    if let scratch {
      place = SQL.quote(identifier: "scratch " + scratch)
      try connection.execute("ATTACH IF NOT EXISTS ':memory:' AS \(place)")
    }
    let path = SQL.quote(literal: "\(place).main,\(SparkDialect.database).main")
    try connection.execute("SET TimeZone = 'UTC'; SET search_path = \(path)")
    return connection
  }
}

/// A number that several pipelines of one engine set.
private final class SharedCount: Sendable {
  private let value: Mutex<Int>

  init(_ value: Int) { self.value = Mutex(value) }

  /// Sets the number; false if it is the same as before.
  func exchange(_ new: Int) -> Bool {
    value.withLock { old in
      defer { old = new }
      return old != new
    }
  }
}
